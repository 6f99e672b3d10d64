import { describe, expect, it } from '@jest/globals';
import { factOf } from './render.js';

describe('a fact of a task', () => {
  it('is read by people: without ids, and without what is empty', () => {
    const externalIds = [{ system: 'hubspot', id: '10000012' }];
    expect(factOf({ accountId: '5060ef1d', name: 'Acme', domain: null, country: 'US', externalIds })).toBe(
      'name Acme, country US',
    );
  });

  it('lists what there are several of', () => {
    const line = (sku: string, quantity: string) => ({ lineItemId: '1', sku, quantity });
    expect(factOf([line('SEAT', '2.0000'), line('SUPPORT', '1.0000')])).toBe(
      'sku SEAT, quantity 2.0000; sku SUPPORT, quantity 1.0000',
    );
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
