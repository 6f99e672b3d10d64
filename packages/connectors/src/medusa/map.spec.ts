import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { orderAnswer, returnAnswer, stockAnswer } from './answers.js';
import {
  fromMedusaNumber,
  fromMedusaOrder,
  fromReturn,
  fromStock,
  toDraftOrder,
  toMedusaCustomer,
  toMedusaNumber,
  toMedusaProduct,
} from './map.js';

// A new case is two files in fixtures/medusa and no code. The orders were captured from a Medusa 2.21.2.
const fixtures = new URL('../../fixtures/medusa/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'));
const mappings: Record<string, (input: never) => unknown> = {
  toMedusaCustomer,
  toMedusaProduct: ({ line, place }) => toMedusaProduct(line, place),
  toDraftOrder: ({ command, place, correlationId }) => toDraftOrder(command, place, correlationId),
  fromMedusaOrder: (order) => fromMedusaOrder(orderAnswer.parse(order)),
  fromReturn: (found) => fromReturn(returnAnswer.parse(found)),
  fromStock: (variant) => fromStock(stockAnswer.parse(variant)),
};

describe('Medusa mappings', () => {
  const cases = readdirSync(fixtures).flatMap((file) => /^(.*)\.source\.json$/.exec(file)?.[1] ?? []);
  it.each(cases)('%s', (name) => {
    const { mapping, input } = read(`${name}.source.json`);
    const mapped = JSON.parse(JSON.stringify(mappings[mapping]!(input as never)));
    expect(mapped).toEqual(read(`${name}.expected.json`));
  });
});

describe('amounts as JSON numbers', () => {
  it('keeps every amount that a double can hold', () => {
    expect(toMedusaNumber('33.3333', 'amount')).toBe(33.3333);
    expect(toMedusaNumber('99999999999.9900', 'amount')).toBe(99_999_999_999.99);
    expect(fromMedusaNumber(104.4999)).toBe('104.4999');
    expect(fromMedusaNumber(107.123456)).toBe('107.123456');
  });

  it('refuses, with the field named, an amount that would lose digits', () => {
    expect(() => toMedusaNumber('999999999999999.9999', 'lineItems[0].amount')).toThrow(
      expect.objectContaining({
        code: 'MEDUSA_AMOUNT_NOT_EXPRESSIBLE',
        retry: 'never',
        field: 'lineItems[0].amount',
      }),
    );
  });
});
