import { describe, expect, it } from '@jest/globals';
import type { PolicyOutcome } from '@throughline/policy';
import { planDeals, type PlannedDeal } from '../apps/cli/src/demo/plan.js';
import { loadPolicies } from '../apps/orchestrator/src/load-policies.js';

const policies = [...loadPolicies().all.values()];

/** What the policies say of a deal as the demo plans it. */
function ask(deal: PlannedDeal, country: string | null): PolicyOutcome[] {
  const message = {
    currency: deal.currency,
    totalAmount: deal.amount,
    account: { name: 'Acme', domain: null, billingEmail: null, country },
    serviceStart: deal.contractStart,
    serviceEnd: deal.contractEnd,
    lineItems: deal.lines.map(({ price, quantity, ...line }) => ({
      ...line,
      unitAmount: price,
      quantity: `${quantity}`,
    })),
  };
  return policies.map((policy) => policy.evaluate(message));
}
const needed = (outcomes: PolicyOutcome[]): string[] =>
  outcomes.filter(({ outputs }) => outputs['required'] === true).map(({ policy }) => policy);

describe('the policies that ship', () => {
  it('let the ordinary deals of demo, faults and stories pass, also where the country is unknown', () => {
    const { companies, deals } = planDeals(500, 4711, 'x');
    for (const deal of deals)
      for (const country of [companies[deal.company]!.country, null]) expect(needed(ask(deal, country))).toEqual([]);
  });

  it('hold up a deal of a million, and one that is given away', () => {
    const [deal] = planDeals(1, 1, 'x').deals;
    const line = { name: 'Platform', sku: 'PLATFORM', quantity: 1, price: '1000000', amount: '1000000.0000' };
    const million = { ...deal!, currency: 'EUR', amount: '1000000.0000', lines: [line] };
    expect(needed(ask(million, 'DE'))).toEqual(['credit-approval']);
    expect(needed(ask({ ...million, amount: '500000.0000' }, 'KP')).toSorted()).toEqual([
      'compliance-review',
      'contract-exception',
      'credit-approval',
    ]);
  });
});
