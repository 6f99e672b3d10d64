import { refusalsOf, type RefusalReason } from '@throughline/contracts';
import { ownProperties, type DealSnapshot, type Sale } from './deal-snapshot.js';
import { dealName, lineDraft, servicePeriod } from './map.js';
import type { Closing } from './occurrences.js';

/** One thing that is wrong with a deal, for the person who can correct it in HubSpot. */
export interface Issue {
  reason: RefusalReason;
  /** Path of HubSpot's own property names, so that the person finds it there. */
  field: string;
  message: string;
}

/** Everything that keeps a won deal from becoming an order, the most basic first; empty where nothing does. */
export function validateOpportunity(snapshot: DealSnapshot, closing: Closing): Issue[] {
  const { deal } = snapshot;
  const { company, lineItems }: Sale = snapshot.sale ?? { lineItems: [], company: null };
  const draft = {
    name: dealName(deal),
    account: company && { id: company.id, name: company.properties['name'] },
    currency: deal.properties['deal_currency_code']?.trim().toUpperCase(),
    totalAmount: deal.properties['amount'],
    ...servicePeriod(deal, closing),
    lineItems: lineItems.map(lineDraft),
  };
  return refusalsOf(draft, 'HubSpot').map((refusal) => ({ ...refusal, field: toHubspotPath(refusal.field) }));
}

const propertyOf: Readonly<Record<string, string>> = {
  account: 'company',
  currency: 'deal_currency_code',
  totalAmount: 'amount',
  serviceStart: ownProperties.contractStart,
  serviceEnd: ownProperties.contractEnd,
  lineItems: 'line_items',
  unitAmount: 'price',
};

const toHubspotPath = (field: string): string => field.replaceAll(/[A-Za-z]+/g, (name) => propertyOf[name] ?? name);
