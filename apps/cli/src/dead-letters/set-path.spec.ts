import { describe, expect, it } from '@jest/globals';
import { setPath } from './set-path.js';

const payload = { orderId: 'o', totalAmount: '10.0000', occurrence: 1, reason: null, lineItems: [{ sku: 'SEAT' }] };

describe('setPath', () => {
  it.each([
    ['totalAmount=12.5000', { totalAmount: '12.5000' }],
    ['occurrence=2', { occurrence: 2 }],
    ['reason=late', { reason: 'late' }],
    ['reason="12"', { reason: '12' }],
    ['orderId=null', { orderId: null }],
    ['lineItems.0.sku=DESK=1', { lineItems: [{ sku: 'DESK=1' }] }],
    ['lineItems=[]', { lineItems: [] }],
  ])('%s', (assignment, change) => {
    expect(setPath(payload, assignment)).toEqual({ ...payload, ...change });
    expect(payload.totalAmount).toBe('10.0000');
  });

  it('refuses a field that is not there, and what is no assignment', () => {
    expect(() => setPath(payload, 'totlaAmount=1')).toThrow(/no field totlaAmount/);
    expect(() => setPath(payload, 'lineItems.1.sku=x')).toThrow(/no field lineItems.1.sku/);
    expect(() => setPath(payload, 'totalAmount')).toThrow(/field=value/);
  });
});
