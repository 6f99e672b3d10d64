import { canonicalId } from '@throughline/contracts';

export interface SpecDeal {
  name: string;
  /** Id of the opportunity. */
  key: string;
  country: string | null;
  domain: string | null;
  currency: string;
  /** Exact text with four decimals. */
  amount: string;
}

/** Whatever any event of a deal's processes carries, in one payload: one chair for all the money. */
export function dealPayload(deal: SpecDeal, closedAt: Date): Record<string, unknown> {
  const { name, key, country, domain, currency, amount } = deal;
  const line = {
    lineItemId: '1',
    productId: canonicalId('chair'),
    sku: 'chair',
    name: 'Chair',
    quantity: '1.0000',
    unitAmount: amount,
    amount,
  };
  return {
    opportunityId: key,
    orderId: canonicalId('order', name),
    invoiceId: canonicalId('invoice', name),
    scheduleId: canonicalId('schedule', name),
    occurrence: 1,
    name: `Deal ${name}`,
    account: { accountId: canonicalId('acme'), name: 'Acme', domain, billingEmail: null, country, externalIds: [] },
    currency,
    totalAmount: amount,
    closedAt: closedAt.toISOString(),
    serviceStart: '2026-12-01',
    serviceEnd: '2027-11-30',
    lineItems: [line],
    lines: [line],
    orderNumber: name,
    invoiceNumber: name,
    externalIds: [],
    sourceVersion: '1',
  };
}
