import { describe, expect, it } from '@jest/globals';
import { factsOf } from './render.js';

describe('a fact of a task', () => {
  const factOf = (value: unknown, name = 'fact', currency?: string): string | undefined => {
    const facts = [{ name, value }, ...(currency ? [{ name: 'currency', value: currency }] : [])];
    return factsOf({ facts: facts.map((fact) => ({ ...fact, label: fact.name })), currency: null })[0]?.[1];
  };

  it('is read by people: without ids, and without what is empty', () => {
    const externalIds = [{ system: 'hubspot', id: '10000012' }];
    expect(factOf({ accountId: '5060ef1d', name: 'Acme', domain: null, country: 'US', externalIds })).toBe(
      'name Acme, country US',
    );
    expect(factOf({ accountId: '5060ef1d', taxId: 'ATU12345678' })).toBe('taxId ATU12345678');
  });

  it('lists what there are several of', () => {
    const line = (sku: string, quantity: string) => ({ lineItemId: '1', sku, quantity });
    expect(factOf([line('SEAT', '2.0000'), line('SUPPORT', '1.0000')])).toBe(
      'sku SEAT, quantity 2.0000; sku SUPPORT, quantity 1.0000',
    );
  });

  it.each([
    ['totalAmount', '1200002.0000', 'EUR', '1,200,002.00 EUR'],
    ['totalAmount', '1200002.0000', 'JPY', '1,200,002 JPY'],
    ['amount', '-0.5000', 'KWD', '-0.500 KWD'],
    // What the currency cannot express is not rounded away.
    ['unitAmount', '0.1255', 'EUR', '0.1255 EUR'],
    ['totalAmount', '12.0000', undefined, '12.0000'],
    ['orderNumber', '12.0000', 'EUR', '12.0000'],
  ])('%s %s in %s is %s', (name, value, currency, text) => {
    expect(factOf(value, name, currency)).toBe(text);
  });

  it('has its amounts in the currency nearest to them', () => {
    const line = { sku: 'SEAT', quantity: '2.0000', unitAmount: '600.0000' };
    expect(factOf([line], 'lineItems', 'USD')).toBe('sku SEAT, quantity 2.0000, unitAmount 600.00 USD');
    expect(factOf({ amount: '5.0000', currency: 'JPY' }, 'item', 'USD')).toBe('amount 5 JPY, currency JPY');
  });

  it('or else in that of what is at risk', () => {
    const facts = [{ name: 'totalAmount', label: 'Total amount', value: '12.0000' }];
    expect(factsOf({ facts, currency: 'EUR' })).toEqual([['Total amount', '12.00 EUR']]);
  });

  it.each([
    [true, 'true'],
    [12, '12'],
    ['2026-12-31', '2026-12-31'],
    [null, ''],
  ])('%j is %j', (value, text) => {
    expect(factOf(value)).toBe(text);
  });
});
