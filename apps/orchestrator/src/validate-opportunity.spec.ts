import { describe, expect, it } from '@jest/globals';
import { loadRules } from './load-rules.js';
import { opportunityRequest, validateOpportunity, type Validation } from './validate-opportunity.js';

const rules = loadRules();
const shipped = rules.processes.filter(({ starts }) => starts === 'OpportunityClosedWon');

const ordinary = {
  name: 'Ten chairs',
  account: { name: 'Ada', country: 'DE' },
  currency: 'EUR',
  totalAmount: '1200.00',
  lineItems: [{ sku: 'CHAIR', quantity: '10', unitAmount: '120' }],
};
const now = new Date('2026-11-25T12:00:00.000Z');
const validate = (change: object, processes = shipped): Validation =>
  validateOpportunity(processes, opportunityRequest.parse({ ...ordinary, ...change }), now);

describe('a deal that has not closed yet', () => {
  it('passes where nothing is to be said about it', () => {
    expect(validate({})).toEqual({
      outcome: 'passes',
      approvals: [],
      refusals: [],
      policyVersions: { 'credit-approval': 1, 'contract-exception': 1, 'compliance-review': 1 },
      degraded: [],
    });
  });

  it('is told who would have to agree, by when and why, by the rules that a closed deal meets', () => {
    const { outcome, approvals } = validate({
      account: { name: 'Ada', country: 'kp' },
      totalAmount: '1000000',
      lineItems: [{ sku: 'CHAIR', quantity: '10', unitAmount: '200000', amount: '1000000' }],
      serviceStart: '2027-01-01',
      serviceEnd: '2036-12-31',
    });
    expect(outcome).toBe('needs-approval');
    expect(approvals.map(({ checkpoint, rule }) => [checkpoint, rule])).toEqual([
      ['credit-approval', 'for-the-board'],
      ['contract-exception', 'very-high-discount-and-very-long-term'],
      ['compliance-review', 'embargoed-country'],
    ]);
    expect(approvals[2]).toEqual({
      checkpoint: 'compliance-review',
      roles: ['head-of-compliance', 'legal-counsel'],
      due: '2 business days',
      fourEyes: true,
      policy: 'compliance-review',
      version: 1,
      rule: 'embargoed-country',
      reason: 'The customer is in a country under embargo.',
    });
  });

  it('is refused for what would keep it from becoming an order, with all of it', () => {
    const { outcome, refusals, approvals } = validate({ account: undefined, currency: 'XAU', totalAmount: '1201' });
    expect(outcome).toBe('refused');
    expect(approvals).toEqual([]);
    expect(refusals.map(({ reason, field }) => [reason, field])).toEqual([
      ['unknown-account', 'account'],
      ['currency-without-minor-unit', 'currency'],
      ['total-mismatch', 'totalAmount'],
    ]);
  });

  it('needs no more than a person knows by then: no ids, no dates, no country, no amount of a line', () => {
    expect(validate({ name: undefined, account: { name: 'Ada' }, currency: 'eur' }).outcome).toBe('passes');
  });

  it('is never said to pass where a checkpoint cannot be told', () => {
    const later = rules.compile({
      process: 'sale',
      version: 1,
      owner: 'billing',
      starts: 'OpportunityClosedWon',
      key: 'opportunityId',
      steps: {
        order: {
          owner: 'order-management',
          command: 'CreateOrder',
          assigns: 'orderId',
          until: 'OrderCreated | OrderRejected',
          timeout: '1 day',
          compensation: 'none',
        },
        check: { after: 'order', owner: 'billing', checkpoint: 'credit-approval', when: 'order.orderNumber == "1"' },
      },
    });
    expect(validate({}, [later])).toMatchObject({
      outcome: 'needs-approval',
      approvals: [],
      degraded: [
        { check: 'check', message: expect.stringMatching(/^Whether check is needed cannot be told: .*order/) },
      ],
    });
  });

  it.each<[field: string, change: object]>([
    ['totalAmount', { totalAmount: 1200.5 }],
    ['account', { account: 'Ada' }],
    ['account.country', { account: { name: 'Ada', country: 'Germany' } }],
    ['lineItems.0.quantity', { lineItems: [{ quantity: {} }] }],
    ['lineItems', { lineItems: Array.from({ length: 1_001 }, () => ({})) }],
    ['serviceEnd', { serviceEnd: '2027-02-29' }],
    ['name', { name: 'x'.repeat(501) }],
  ])('is asked for again where it cannot be read, with the field named: %s', (field, change) => {
    const { error } = opportunityRequest.safeParse({ ...ordinary, ...change });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
  });
});
