import {
  canonicalId,
  lineAmount,
  toDecimal,
  type Account,
  type ExternalId,
  type LineDraft,
  type LineItem,
  type OpportunityAmended,
  type OpportunityAmendmentRejected,
  type OpportunityClosedWon,
  type OpportunityRejected,
  type OpportunityReopened,
} from '@throughline/contracts';
import {
  editedAt,
  ownProperties,
  sourceVersion,
  type DealSnapshot,
  type HubspotObject,
  type Sale,
} from './deal-snapshot.js';
import type { Closing } from './occurrences.js';
import type { Issue } from './validate-opportunity.js';

/** Canonical id of the opportunity a HubSpot deal is. */
export function opportunityIdOf(portalId: string, dealId: string): string {
  return canonicalId('hubspot', portalId, 'deal', dealId);
}

/** How a deal is named outside. */
export function dealExternalIds(portalId: string, dealId: string): ExternalId[] {
  return [{ system: 'hubspot', tenant: portalId, type: 'deal', id: dealId }];
}

/** The numbers of ours that stand in a deal. */
export function numbersIn({ properties }: HubspotObject): { orderNumber: string | null; invoiceNumber: string | null } {
  return {
    orderNumber: properties[ownProperties.orderNumber] ?? null,
    invoiceNumber: properties[ownProperties.invoiceNumber] ?? null,
  };
}

/**
 * The canonical event of a won deal.
 * Precondition: `validateOpportunity` found no issue; values it would refuse throw here.
 */
export function toOpportunityClosedWon(snapshot: DealSnapshot, closing: Closing): OpportunityClosedWon {
  const { deal, portalId } = snapshot;
  const sale = saleOf(snapshot);
  return {
    ...identity(snapshot, closing),
    name: dealName(deal),
    account: toAccount(portalId, sale.company!),
    currency: deal.properties['deal_currency_code']!.trim().toUpperCase(),
    totalAmount: toDecimal(deal.properties['amount']!),
    closedAt: closing.closedAt,
    closedBy: ownerOf(snapshot),
    ...servicePeriod(deal, closing),
    lineItems: sale.lineItems.map((line) => toLineItem(portalId, line)),
    externalIds: dealExternalIds(portalId, deal.id),
    sourceVersion: sourceVersion(snapshot),
  };
}

/** The owner of the deal, by a name that is unlike that of any other portal's or system's. */
function ownerOf({ portalId, deal }: DealSnapshot): string | null {
  const owner = deal.properties['hubspot_owner_id'];
  return owner ? `hubspot:${portalId}:owner:${owner}` : null;
}

/** The canonical event of a won deal that cannot become an order. */
export function toOpportunityRejected(
  snapshot: DealSnapshot,
  closing: Closing,
  issue: Issue,
  rejectedAt: string,
): OpportunityRejected {
  return {
    ...identity(snapshot, closing),
    name: dealName(snapshot.deal),
    reason: issue.reason,
    field: issue.field,
    message: issue.message,
    rejectedAt,
    externalIds: dealExternalIds(snapshot.portalId, snapshot.deal.id),
    sourceVersion: sourceVersion(snapshot),
  };
}

/** The canonical event of a won deal that was edited afterwards. Precondition as of {@link toOpportunityClosedWon}. */
export function toOpportunityAmended(snapshot: DealSnapshot, closing: Closing): OpportunityAmended {
  const { opportunityId, occurrence, ...sold } = toOpportunityClosedWon(snapshot, closing);
  return {
    opportunityId,
    occurrence,
    amendmentId: amendmentIdOf(snapshot, closing),
    ...sold,
    amendedAt: editedAt(snapshot),
  };
}

/** The canonical event of a won deal that was edited into what cannot become an order. */
export function toOpportunityAmendmentRejected(
  snapshot: DealSnapshot,
  closing: Closing,
  issue: Issue,
  rejectedAt: string,
): OpportunityAmendmentRejected {
  const rejected = toOpportunityRejected(snapshot, closing, issue, rejectedAt);
  return { ...rejected, amendmentId: amendmentIdOf(snapshot, closing) };
}

/** The same version of the deal is the same amendment, whoever reads it and however often. */
function amendmentIdOf(snapshot: DealSnapshot, { occurrence }: Closing): string {
  const { portalId, deal } = snapshot;
  return canonicalId('hubspot', portalId, 'deal', deal.id, 'amendment', String(occurrence), sourceVersion(snapshot));
}

/** The canonical event of a won deal that left closed-won. */
export function toOpportunityReopened(
  snapshot: DealSnapshot,
  closing: Closing & Required<Pick<Closing, 'reopened'>>,
): OpportunityReopened {
  return {
    ...identity(snapshot, closing),
    stage: closing.reopened.stage,
    reopenedAt: closing.reopened.at,
    externalIds: dealExternalIds(snapshot.portalId, snapshot.deal.id),
    sourceVersion: sourceVersion(snapshot),
  };
}

/** The name of a deal, never empty: HubSpot allows a deal without one. */
export function dealName(deal: HubspotObject): string {
  return deal.properties['dealname']?.trim() || `Deal ${deal.id}`;
}

/**
 * First and last day the sale is delivered over: the contract dates, or the close date where there are none.
 * An empty start is the close date; an empty end is the start. `serviceEnd` is absent where a date cannot be read.
 */
export function servicePeriod(deal: HubspotObject, closing: Closing): { serviceStart: string; serviceEnd: string } {
  const start = deal.properties[ownProperties.contractStart] || deal.properties['closedate'] || closing.closedAt;
  const serviceStart = toDay(start);
  const end = deal.properties[ownProperties.contractEnd];
  return { serviceStart, serviceEnd: end ? toDay(end) : serviceStart };
}

/** The UTC day of a HubSpot date: `2028-02-29`, an ISO 8601 instant, or epoch milliseconds; empty where it is none of these. */
function toDay(value: string): string {
  const instant = new Date(/^-?\d{6,}$/.test(value) ? Number(value) : value);
  if (Number.isNaN(instant.getTime())) return '';
  const day = instant.toISOString().slice(0, 10);
  const isRolledOver = /^\d{4}-\d{2}-\d{2}$/.test(value) && day !== value;
  return isRolledOver ? '' : day;
}

/** The numerals of a line. Its amount is as HubSpot calculated it; price times quantity where the property is empty. */
export function lineDraft({ properties: { amount, price, quantity } }: HubspotObject): LineDraft {
  return { amount, unitAmount: price, quantity };
}

function toLineItem(portalId: string, line: HubspotObject): LineItem {
  const { name, price, quantity, hs_sku: sku, hs_product_id: product } = line.properties;
  return {
    lineItemId: line.id,
    productId: canonicalId('hubspot', portalId, 'product', product || sku || name || line.id),
    sku: sku || product || name || line.id,
    name: name || sku || `Line ${line.id}`,
    quantity: toDecimal(quantity || '1'),
    unitAmount: toDecimal(price || '0'),
    amount: lineAmount(lineDraft(line)),
  };
}

function toAccount(portalId: string, company: HubspotObject): Account {
  const { name, domain, country, billing_email: billingEmail } = company.properties;
  return {
    accountId: canonicalId('hubspot', portalId, 'company', company.id),
    name: name!.trim(),
    domain: domain?.trim().toLowerCase() || null,
    billingEmail: billingEmail?.trim() || null,
    country: toCountryCode(country),
    externalIds: [{ system: 'hubspot', tenant: portalId, type: 'company', id: company.id }],
  };
}

const codeByCountryName = new Map<string, string>(allCountryCodes().map(([code, name]) => [name.toLowerCase(), code]));

/** HubSpot's `country` is free text; a name that is not English, or not a country, gives null. */
function toCountryCode(country: string | null | undefined): string | null {
  const text = country?.trim() ?? '';
  if (/^[A-Za-z]{2}$/.test(text)) return text.toUpperCase();
  return codeByCountryName.get(text.toLowerCase()) ?? null;
}

function allCountryCodes(): [code: string, name: string][] {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  return letters
    .flatMap((a) => letters.map((b) => a + b))
    .flatMap((code) => {
      const name = names.of(code);
      return name ? [[code, name] as [string, string]] : [];
    });
}

function identity(
  { portalId, deal }: DealSnapshot,
  { occurrence }: Closing,
): { opportunityId: string; occurrence: number } {
  return { opportunityId: opportunityIdOf(portalId, deal.id), occurrence };
}

function saleOf(snapshot: DealSnapshot): Sale {
  if (snapshot.sale) return snapshot.sale;
  throw new TypeError(
    `Deal ${snapshot.deal.id} was read without its lines: only a closed-won deal can be mapped to an opportunity.`,
  );
}
