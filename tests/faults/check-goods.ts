import { compareMoney, sumMoney, type Decimal } from '@throughline/contracts';
import { standing, type Books } from '../../apps/cli/src/demo/vendors.js';
import { times } from './lives.js';
import type { OrderRecord, Records } from './records.js';
import type { LivingDeal } from './stories.js';
import type { Story } from './schedule.js';

/** Deals that nobody may deliver before two people have agreed. */
export const DECIDED = new Set<Story>(['approved', 'amended-approved']);

/**
 * Compares what left the house, what came back, what was credited for it, and what is on the shelf, one sentence per difference, by the
 * records of the order system and the billing system. What a deal is in the end says how much of what must have left.
 */
export function checkGoods(lived: readonly LivingDeal[], books: Books, records: Records): string[] {
  return lived.flatMap((living) => {
    const problems = [...checkLines(living, books, records), ...checkShelf(living, books, records)];
    if (DECIDED.has(living.life.story)) problems.push(...checkApprovals(living, books, records));
    return problems.map((problem) => `deal ${living.deal.dealId} (${living.life.story}): ${problem}`);
  });
}

/** What goods that came back are worth at the deal's prices, by the id of the opportunity. */
export function returnedValues(
  lived: readonly LivingDeal[],
  books: Books,
  records: Records,
): ReadonlyMap<string, Decimal> {
  return new Map(
    lived.map((living) => {
      const orders = ordersOf(living, books, records).map(({ record }) => record);
      return [living.deal.opportunityId, sumMoney(orders.flatMap((order) => valuesOf(living, order)))];
    }),
  );
}

function checkLines(living: LivingDeal, books: Books, records: Records): string[] {
  const problems: string[] = [];
  const { goods, final } = living.life;
  for (const { record, stands } of ordersOf(living, books, records)) {
    const { number, lines } = record;
    for (const { sku, fulfilled, shipped } of lines)
      if (!stands && fulfilled + shipped > 0)
        problems.push(
          `${fulfilled} of ${sku} are fulfilled and ${shipped} shipped for order ${number}, which is cancelled`,
        );
    if (!stands) continue;
    const wanted = final.lines.map(({ sku, quantity }) => `${quantity} of ${sku}`).sort();
    const found = lines.map(({ sku, quantity }) => `${quantity} of ${sku}`).sort();
    if (wanted.join() !== found.join())
      problems.push(`order ${number} is about ${found.join(' and ')}, the deal about ${wanted.join(' and ')}`);
    for (const { sku, quantity: ordered, fulfilled, shipped } of lines) {
      const quantity = sku === goods?.sku ? ordered - (goods.stays ?? 0) : ordered;
      if (fulfilled !== quantity)
        problems.push(`${fulfilled} of ${quantity} of ${sku} are fulfilled for order ${number}`);
      if (sku === goods?.sku && shipped !== quantity)
        problems.push(`${shipped} of ${quantity} of ${sku} were shipped for order ${number}`);
    }
    problems.push(...checkCredits(living, books, records, record));
  }
  return problems;
}

/** A credit note for each line of each receipt, of what came back at the price it was sold for, and no other. */
function checkCredits(living: LivingDeal, books: Books, records: Records, order: OrderRecord): string[] {
  const { opportunityId } = living.deal;
  const invoice = standing(books).invoices.find((one) => one.opportunityId === opportunityId);
  const id = books.invoices.find(({ number }) => number === invoice?.number)?.id ?? '';
  const found = [...(records.credits.get(id) ?? [])].sort(compareMoney);
  const wanted = valuesOf(living, order).sort(compareMoney);
  if (found.join() === wanted.join()) return [];
  return [
    `the credit notes come to ${found.join(' and ') || 'nothing'}, what came back of order ${order.number} to ${wanted.join(' and ') || 'nothing'}`,
  ];
}

/** Whatever was on the shelf and did not leave, or came back, is on it: nothing left that nobody ordered. */
function checkShelf(living: LivingDeal, books: Books, records: Records): string[] {
  const { goods } = living.life;
  if (!goods) return [];
  const orders = ordersOf(living, books, records).map(({ record }) => record);
  const shipped = sumOf(
    orders.flatMap(({ lines }) => lines).filter(({ sku }) => sku === goods.sku),
    'shipped',
  );
  const received = sumOf(
    orders.flatMap((order) => order.received).filter(({ sku }) => sku === goods.sku),
    'quantity',
  );
  const must = goods.onShelf + (goods.restock ?? 0) - shipped + received;
  const is = records.shelf.get(goods.sku);
  return is === must
    ? []
    : [`${is} of ${goods.sku} are on the shelf, not ${must}: ${shipped} were shipped and ${received} came back`];
}

/**
 * Approvals bear the time of the orchestrator's database, right to half of how long that took to answer, and orders that of the vendor.
 * People pause for longer between two approvals.
 */
const CLOCKS_APART_MS = 500;

function checkApprovals({ deal, life }: LivingDeal, books: Books, records: Records): string[] {
  const approvals = records.approvals.get(deal.opportunityId) ?? [];
  const people = new Set(approvals.map(({ by }) => by));
  if (people.size < 2) return [`${people.size} people have agreed, not two`];
  const last = approvals
    .map(({ at }) => at)
    .sort()
    .at(-1)!;
  return ordersOf({ deal, life }, books, records)
    .filter(({ record, stands }) => stands && Date.parse(record.createdAt) < Date.parse(last) - CLOCKS_APART_MS)
    .map(({ record }) => `order ${record.number} was made at ${record.createdAt}, before it was agreed to at ${last}`);
}

function ordersOf(
  { deal }: Pick<LivingDeal, 'deal' | 'life'>,
  books: Books,
  records: Records,
): { record: OrderRecord; stands: boolean }[] {
  return books.orders
    .filter(({ opportunityId }) => opportunityId === deal.opportunityId)
    .flatMap(({ number, status }) => {
      const record = records.orders.get(number);
      return record ? [{ record, stands: status !== 'canceled' }] : [];
    });
}

function valuesOf({ life }: LivingDeal, { received }: OrderRecord): Decimal[] {
  return received.map(({ sku, quantity }) => times(life.final.lines.find((line) => line.sku === sku)!.price, quantity));
}

function sumOf<K extends string>(things: Record<K, number>[], field: K): number {
  return things.reduce((sum, one) => sum + one[field], 0);
}
