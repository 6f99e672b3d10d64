import { compareMoney, type Decimal } from '@throughline/contracts';

/** A deal of the run, as it was closed in the CRM. */
export interface ExpectedDeal {
  dealId: string;
  opportunityId: string;
  currency: string;
  amount: Decimal;
}

/** Something that stands in a vendor's system or in the subledger for a deal. */
export interface Found {
  opportunityId: string;
  /** The number people know it by. */
  number: string;
  currency: string;
  amount: Decimal;
}

/** What the order system has, line by line. */
export interface FoundOrder extends Found {
  /** Quantities of the order and of the fulfilments that stand. */
  lines: { name: string; ordered: number; fulfilled: number }[];
}

export interface FoundSchedule extends Found {
  /** What all its entries come to. */
  planned: Decimal;
  /** The day from which revenue is recognised; null until the first shipment. */
  recognisedFrom: string | null;
}

/** What the CRM says was written back. */
export interface WriteBack {
  dealId: string;
  orderNumber: string;
  invoiceNumber: string;
}

/** What exists, asked of the vendors' APIs and the subledger's: never of our own tables. */
export interface Evidence {
  orders: FoundOrder[];
  invoices: Found[];
  schedules: FoundSchedule[];
  writeBacks: WriteBack[];
  /** Customers per account and system, by the account's own name: more than one is a duplicate. */
  customers: { system: string; account: string }[];
}

export interface Verdict {
  orders: number;
  invoices: number;
  schedules: number;
  writtenBack: number;
  /** Everything beyond the one that should be. */
  duplicates: number;
  /** Deals that lack an order, an invoice, a schedule or the write-back. */
  lost: number;
  /** One sentence per difference; empty exactly when every deal has one of each with equal amounts, delivered and recognised. */
  problems: string[];
}

/**
 * Compares what exists with what must: exactly one order, invoice and schedule per deal, amounts equal, numbers written back; each line
 * fulfilled as often as it was ordered, and its revenue recognised from then on.
 */
export function verify(deals: ExpectedDeal[], evidence: Evidence): Verdict {
  const problems: string[] = [];
  const lost = new Set<string>();
  let duplicates = 0;
  let writtenBack = 0;
  const kinds = [
    ['order', byOpportunity(evidence.orders)],
    ['invoice', byOpportunity(evidence.invoices)],
    ['revenue schedule', byOpportunity(evidence.schedules)],
  ] as const;
  const writeBacks = new Map(evidence.writeBacks.map((writeBack) => [writeBack.dealId, writeBack]));

  for (const deal of deals) {
    for (const [kind, found] of kinds) {
      const things = found.get(deal.opportunityId) ?? [];
      if (things.length === 0) {
        lost.add(deal.dealId);
        problems.push(`deal ${deal.dealId} has no ${kind}`);
      }
      if (things.length > 1) {
        duplicates += things.length - 1;
        problems.push(
          `deal ${deal.dealId} has ${things.length} ${kind}s: ${things.map(({ number }) => number).join(', ')}`,
        );
      }
      for (const thing of things) {
        if (thing.currency !== deal.currency || compareMoney(thing.amount, deal.amount) !== 0) {
          problems.push(
            `deal ${deal.dealId} is ${deal.amount} ${deal.currency}, its ${kind} ${thing.number} is ${thing.amount} ${thing.currency}`,
          );
        }
      }
    }
    const [orders, invoices] = [kinds[0][1].get(deal.opportunityId), kinds[1][1].get(deal.opportunityId)];
    const writeBack = writeBacks.get(deal.dealId);
    if (!writeBack?.orderNumber || !writeBack.invoiceNumber) {
      lost.add(deal.dealId);
      problems.push(`deal ${deal.dealId} has no order and invoice number written back`);
    } else if (
      orders?.some(({ number }) => number === writeBack.orderNumber) &&
      invoices?.some(({ number }) => number === writeBack.invoiceNumber)
    ) {
      writtenBack += 1;
    } else {
      problems.push(
        `deal ${deal.dealId} carries order ${writeBack.orderNumber} and invoice ${writeBack.invoiceNumber}, which are not its own`,
      );
    }
  }

  problems.push(...evidence.orders.flatMap(fulfilmentProblems), ...evidence.schedules.flatMap(recognitionProblems));
  for (const [customer, count] of counts(evidence.customers.map(({ system, account }) => `${account} in ${system}`))) {
    if (count > 1) {
      duplicates += count - 1;
      problems.push(`${customer} exists ${count} times`);
    }
  }
  return {
    orders: evidence.orders.length,
    invoices: evidence.invoices.length,
    schedules: evidence.schedules.length,
    writtenBack,
    duplicates,
    lost: lost.size,
    problems,
  };
}

function fulfilmentProblems({ number, lines }: FoundOrder): string[] {
  if (lines.length === 0) return [`order ${number} has no lines`];
  return lines
    .filter(({ ordered, fulfilled }) => ordered !== fulfilled)
    .map(({ name, ordered, fulfilled }) => `of order ${number}, ${fulfilled} of ${ordered} ${name} are fulfilled`);
}

function recognitionProblems({ number, amount, planned, recognisedFrom }: FoundSchedule): string[] {
  return [
    ...(recognisedFrom === null ? [`revenue schedule ${number} has not begun: no shipment reached it`] : []),
    ...(compareMoney(planned, amount) === 0
      ? []
      : [`the entries of revenue schedule ${number} come to ${planned}, not to ${amount}`]),
  ];
}

/** The value below which the given share of the values lies (nearest rank); 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function byOpportunity(found: Found[]): Map<string, Found[]> {
  const map = new Map<string, Found[]>();
  for (const thing of found) map.set(thing.opportunityId, [...(map.get(thing.opportunityId) ?? []), thing]);
  return map;
}

function counts(names: string[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const name of names) map.set(name, (map.get(name) ?? 0) + 1);
  return map;
}
