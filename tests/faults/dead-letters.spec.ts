import { describe, expect, it } from '@jest/globals';
import { checkDeadLetters, type FoundLetter } from './dead-letters.js';
import type { BusRecord } from './bus.js';

const place = { topic: 'throughline.finance.invoice', partition: 3, offset: '17' };
const poison = { ...place, poison: { kind: 'undecodable', consumer: 'orchestrator' } } as BusRecord;
const letter: FoundLetter = {
  ...place,
  service: 'orchestrator',
  type: 'InvoiceVoidRejected',
  errorCode: 'CONTRACT_BODY_INVALID',
  errorMessage: 'The body cannot be read.',
};

describe('checkDeadLetters', () => {
  it('takes exactly the poison', () => {
    expect(checkDeadLetters([poison], [letter])).toEqual([]);
    expect(checkDeadLetters([], [])).toEqual([]);
  });

  it.each([
    ['poison that nobody noticed', [], /no dead letter for the poison "undecodable"/],
    ['a second letter for one record', [letter, letter], /twice/],
    ['another service', [{ ...letter, service: 'ops-adapter' }], /which was no poison/],
    ['a message that could have been handled', [letter, { ...letter, offset: '18' }], /which was no poison/],
    ['another reason', [{ ...letter, errorCode: 'CONTRACT_SCHEMA_UNKNOWN' }], /for another reason/],
  ])('finds %s', (_, letters, problem) => {
    expect(checkDeadLetters([poison], letters)).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });
});
