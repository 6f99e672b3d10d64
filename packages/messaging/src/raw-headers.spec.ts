import { describe, expect, it } from '@jest/globals';
import { fromRawHeaders, toRawHeaders } from './raw-headers.js';

describe('raw headers', () => {
  it('are text or bytes, of any name, the first of several; and one without a value is left out', () => {
    const bytes = Buffer.from([0xff, 0]);
    const raw = toRawHeaders({ text: Buffer.from('ü'), bytes, several: ['1', '2'], none: null, nones: [null, '2'] });
    expect(raw).toEqual({ text: 'ü', bytes: { base64: bytes.toString('base64') }, several: '1' });
    expect(fromRawHeaders(raw)).toEqual({ text: 'ü', bytes, several: '1' });
  });
});
