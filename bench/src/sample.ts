import { canonicalId, type OpportunityClosedWon } from '@throughline/contracts';

/** Messages one process of the measured path takes. */
export const MESSAGES_PER_PROCESS = 9;
/** Vendor effects one process takes, each with a commit of its own. */
export const EFFECTS_PER_PROCESS = 4;

/** A won deal of two lines, as an adapter would map it. `run` keeps the ids of one run apart from those of the next. */
export function sampleOpportunity(run: string, index: number): OpportunityClosedWon {
  const id = (type: string): string => canonicalId('bench', run, type, String(index));
  const line = (number: number) => ({
    lineItemId: `${index}-${number}`,
    productId: canonicalId('bench', 'product', String(number)),
    sku: `SKU-${number}`,
    name: `Platform subscription, part ${number}`,
    quantity: '2.0000',
    unitAmount: '625.2500',
    amount: '1250.5000',
  });
  return {
    opportunityId: id('deal'),
    occurrence: 1,
    name: `Deal ${index}`,
    account: {
      accountId: id('company'),
      name: `Customer ${index}`,
      domain: `customer-${index}.example`,
      billingEmail: `billing@customer-${index}.example`,
      country: 'DE',
      externalIds: [{ system: 'hubspot', tenant: 'bench', type: 'company', id: String(index) }],
    },
    currency: 'EUR',
    totalAmount: '2501.0000',
    closedAt: '2026-11-22T10:00:00.000Z',
    closedBy: null,
    serviceStart: '2026-12-01',
    serviceEnd: '2027-11-30',
    lineItems: [line(1), line(2)],
    externalIds: [{ system: 'hubspot', tenant: 'bench', type: 'deal', id: String(index) }],
    sourceVersion: '1',
  };
}

/** Whether a deal is one of the failing share: by its id, so that the vendors, which do not know each other, agree. */
export function failsTransiently(opportunityId: string, share: number): boolean {
  return Number.parseInt(opportunityId.slice(0, 8), 16) < share * 2 ** 32;
}
