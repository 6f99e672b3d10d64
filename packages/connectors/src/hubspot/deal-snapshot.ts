import { createHash } from 'node:crypto';

/** One CRM object as HubSpot returns it; every property value is text or null. */
export interface HubspotObject {
  id: string;
  properties: Record<string, string | null>;
  /** ISO 8601. */
  updatedAt: string;
}

/** One value a property had, and since when (ISO 8601). */
export interface HistoryEntry {
  value: string;
  timestamp: string;
}

/** What was sold to whom: read only for a deal that is closed-won, since nothing else needs it. */
export interface Sale {
  lineItems: HubspotObject[];
  company: HubspotObject | null;
}

/** A deal with all its parts as they stood together at one moment. */
export interface DealSnapshot {
  portalId: string;
  deal: HubspotObject;
  /** History of `dealstage`, oldest first. HubSpot keeps the newest 20 values only. */
  stageHistory: HistoryEntry[];
  sale?: Sale;
}

/** Our own properties of the deal, created once per portal. */
export const ownProperties = {
  contractStart: 'contract_start_date',
  contractEnd: 'contract_end_date',
  orderNumber: 'throughline_order_number',
  invoiceNumber: 'throughline_invoice_number',
} as const;

/** Deal properties that are read. */
export const dealProperties = [
  'dealname',
  'amount',
  'deal_currency_code',
  'dealstage',
  'closedate',
  'hs_lastmodifieddate',
  'hubspot_owner_id',
  ...Object.values(ownProperties),
];

/** Line item properties that are read. */
export const lineItemProperties = ['name', 'quantity', 'price', 'amount', 'hs_sku', 'hs_product_id'];

/** Company properties that are read. */
export const companyProperties = ['name', 'domain', 'country', 'billing_email'];

/** Whether a deal in this stage counts as won. */
export function isClosedWon(stage: string | null | undefined, closedWonStages: readonly string[]): boolean {
  return stage != null && closedWonStages.includes(stage);
}

/**
 * Opaque version of a snapshot; compare with {@link compareSourceVersion} only. Built from the modification of the deal, from which parts
 * it has, and from their newest modification, because editing a line does not touch the deal.
 */
export function sourceVersion(snapshot: DealSnapshot): string {
  const deal = modifiedAt(snapshot.deal);
  if (!snapshot.sale) return deal;
  const { lineItems, company } = snapshot.sale;
  const parts = company ? [...lineItems, company] : lineItems;
  const newest = parts
    .map((part) => toInstant(part.updatedAt))
    .sort()
    .at(-1);
  const ids = [...lineItems.map(({ id }) => id), ...(company ? [`company ${company.id}`] : [])].sort();
  const which = createHash('sha256').update(ids.join()).digest('hex').slice(0, 8);
  return `${deal}/${parts.length}-${which}/${newest ?? ''}`;
}

/** When HubSpot last changed the deal itself (ISO 8601, milliseconds). */
export function modifiedAt(deal: HubspotObject): string {
  return toInstant(deal.properties['hs_lastmodifieddate'] ?? deal.updatedAt);
}

/** When HubSpot last changed the deal or one of the parts that were read with it (ISO 8601, milliseconds). */
export function editedAt({ deal, sale }: DealSnapshot): string {
  const parts = sale ? [...sale.lineItems, ...(sale.company ? [sale.company] : [])] : [];
  return [modifiedAt(deal), ...parts.map((part) => toInstant(part.updatedAt))].sort().at(-1)!;
}

/**
 * Negative where `a` is older than `b`, positive where newer, 0 where equal or not comparable: of two versions of one deal with different
 * parts neither is the older, since taking a part away, or one in another's place, leaves no time behind.
 */
export function compareSourceVersion(a: string, b: string): number {
  const [dealA, partsA, newestA] = a.split('/');
  const [dealB, partsB, newestB] = b.split('/');
  if (dealA !== dealB) return dealA! < dealB! ? -1 : 1;
  if (partsA !== partsB || newestA === newestB) return 0;
  return newestA! < newestB! ? -1 : 1;
}

/** HubSpot writes instants as ISO 8601 or as epoch milliseconds; ours always has milliseconds, so that text order is time order. */
export function toInstant(value: string): string {
  return new Date(/^\d+$/.test(value) ? Number(value) : value).toISOString();
}
