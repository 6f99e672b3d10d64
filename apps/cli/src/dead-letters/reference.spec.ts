import { describe, expect, it } from '@jest/globals';
import { parseReference, toMoves } from './reference.js';

describe('references to dead letters', () => {
  it('name the service, and a letter, a group or a release of it', () => {
    expect(parseReference('ops-adapter/12')).toEqual({ service: 'ops-adapter', kind: 'letter', id: '12' });
    expect(parseReference('orchestrator/fp0123456789ab')).toMatchObject({
      kind: 'group',
      fingerprint: 'fp0123456789ab',
    });
    expect(parseReference('ops-adapter/release-3')).toMatchObject({ kind: 'release', id: '3' });
  });

  it.each(['12', 'fp0123456789ab', 'ops-adapter/', 'ops-adapter/fp12', 'ops-adapter/release-x', 'Ops/1'])(
    '%s is none',
    (text) => {
      expect(() => parseReference(text)).toThrow(/dead-letters list/);
    },
  );

  it('are moved together per service; a group stands for itself', () => {
    const references = ['a/1', 'b/2', 'a/3', 'a/fp0123456789ab'].map(parseReference);
    expect(toMoves(references)).toEqual([
      { service: 'a', selection: { group: 'fp0123456789ab' } },
      { service: 'a', selection: { ids: ['1', '3'] } },
      { service: 'b', selection: { ids: ['2'] } },
    ]);
    expect(() => toMoves([parseReference('a/release-1')])).toThrow(/letters or a group/);
  });
});
