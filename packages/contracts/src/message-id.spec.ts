import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { validate, version } from 'uuid';
import { newMessageId } from './message-id.js';

const year9999 = 253_402_300_799_999;

describe('a new message id', () => {
  it('is a UUIDv7 of its time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: year9999 }), (nowMs) => {
        const id = newMessageId(nowMs);
        expect(validate(id)).toBe(true);
        expect(version(id)).toBe(7);
        expect(parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(nowMs);
      }),
    );
  });

  it('sorts behind those of earlier milliseconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: year9999 - 1 }), (nowMs) => {
        expect(newMessageId(nowMs) < newMessageId(nowMs + 1)).toBe(true);
      }),
    );
  });

  it('is another one each time, in one millisecond as well', () => {
    const ids = Array.from({ length: 10_000 }, () => newMessageId(1_764_000_000_000));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    [-5, '00000000-0000'],
    [NaN, '00000000-0000'],
    [-Infinity, '00000000-0000'],
    [2 ** 48, 'ffffffff-ffff'],
    [Infinity, 'ffffffff-ffff'],
    [2 ** 48 - 0.5, 'ffffffff-ffff'],
    [1_764_000_000_000.75, '019ab697-e800'],
  ])('stands a clock that is out of its mind: %d', (nowMs, time) => {
    const id = newMessageId(nowMs);
    expect([validate(id), version(id), id.slice(0, 13)]).toEqual([true, 7, time]);
  });
});
