import { compareMoney, subtractMoney, sumMoney, type Decimal } from '@throughline/contracts';
import { standing, type BookedInvoice, type Books } from '../../apps/cli/src/demo/vendors.js';
import { verify, type ExpectedDeal } from '../../apps/cli/src/demo/verify.js';
import type { Story } from './schedule.js';

const ZERO: Decimal = '0.0000';

export interface LivedDeal {
  deal: ExpectedDeal;
  story: Story;
}

interface End {
  /** How often the deal was closed. */
  closings: number;
  /** Whether one of them stands: the last, but for what `standing` says. */
  stands: boolean;
  /** The closing after which a person let no other begin, because this one stands. */
  standing?: number;
  /** Whether money came. */
  paid: boolean;
  /** How often it was changed after it was closed: each time, at most, all is done once more. */
  edits: number;
  /** How much a closing that was taken back may have begun: it went through, was stopped at any step, or waited for people all along. */
  began: 'all' | 'anything' | 'nothing';
  /** Whether an order stands although the rest was taken back, because its goods had left. */
  goods?: 'left' | 'may have left';
}

const STANDS: End = { closings: 1, stands: true, paid: false, edits: 0, began: 'all' };
const TAKEN_BACK: End = { ...STANDS, stands: false };

/** What each story must have left. */
const ENDS: Record<Story, End> = {
  plain: STANDS,
  paid: { ...STANDS, paid: true },
  reopened: TAKEN_BACK,
  'reopened-anytime': { ...TAKEN_BACK, began: 'anything' },
  credited: { ...TAKEN_BACK, paid: true },
  'closed-again': { ...STANDS, closings: 2 },
  amended: { ...STANDS, edits: 1 },
  'amended-reopened': { ...TAKEN_BACK, edits: 1, began: 'anything' },
  'amended-approved': { ...STANDS, edits: 1 },
  'amended-rejected': { ...TAKEN_BACK, edits: 1, began: 'anything' },
  approved: STANDS,
  rejected: { ...TAKEN_BACK, began: 'nothing' },
  'reopened-undecided': { ...TAKEN_BACK, began: 'nothing' },
  'shipped-in-parts': STANDS,
  returned: STANDS,
  'returned-paid': { ...STANDS, paid: true },
  'reopened-unshipped': { ...TAKEN_BACK, began: 'anything' },
  'amended-unshipped': { ...STANDS, edits: 1 },
  'shipped-reopened-kept': STANDS,
  'shipped-reopened-let-go': { ...TAKEN_BACK, goods: 'left' },
  'shipped-amended-kept': STANDS,
  'shipping-reopened': { ...TAKEN_BACK, began: 'anything', goods: 'may have left' },
  'kept-closed-again': { ...STANDS, closings: 2, standing: 1 },
  'part-shipped-reopened-kept': STANDS,
  'part-shipped-reopened-let-go': { ...TAKEN_BACK, goods: 'left' },
};

/** Stories that ship and take back: their fulfilments are counted by quantity, see check-goods.ts. */
const IN_PARTS = new Set<Story>([
  'shipped-in-parts',
  'returned',
  'returned-paid',
  'amended-unshipped',
  'shipped-reopened-kept',
  'shipped-reopened-let-go',
  'shipped-amended-kept',
  'shipping-reopened',
  'kept-closed-again',
  'part-shipped-reopened-kept',
  'part-shipped-reopened-let-go',
]);

/**
 * Compares the records of CRM, order system, billing system and subledger with what must be, one sentence per difference: of what
 * stands exactly one with equal amounts, of what was taken back or replaced exactly one too and nothing of it in force.
 * @param returned what goods that came back are worth, by the id of the opportunity
 */
export function checkBooks(
  lived: readonly LivedDeal[],
  books: Books,
  returned: ReadonlyMap<string, Decimal> = new Map(),
): string[] {
  const returnedOf = ({ opportunityId }: { opportunityId: string }): Decimal => returned.get(opportunityId) ?? ZERO;
  const standingDeals = lived.filter(({ story }) => ENDS[story].stands).map(({ deal }) => deal);
  const ids = new Set(standingDeals.map(({ opportunityId }) => opportunityId));
  const ofStanding = <T extends { opportunityId: string }>(list: T[]): T[] =>
    list.filter(({ opportunityId }) => ids.has(opportunityId));
  const inForce = standing(books);
  const { problems } = verify(standingDeals, {
    ...inForce,
    orders: ofStanding(inForce.orders),
    invoices: ofStanding(inForce.invoices),
    // The demo knows no returns: what came back was planned, too.
    schedules: ofStanding(inForce.schedules).map((schedule) => ({
      ...schedule,
      planned: sumMoney([schedule.planned, returnedOf(schedule)]),
    })),
  });
  return [...problems, ...lived.flatMap((one) => checkDeal(one, books, returnedOf(one.deal)))];
}

function checkDeal({ deal, story }: LivedDeal, books: Books, returned: Decimal): string[] {
  const problems: string[] = [];
  const end = ENDS[story];
  const say = (problem: string): void => void problems.push(`deal ${deal.dealId} (${story}): ${problem}`);
  const own = <T extends { opportunityId: string }>(list: T[]): T[] =>
    list.filter(({ opportunityId }) => opportunityId === deal.opportunityId);
  const orders = own(books.orders);
  const invoices = own(books.invoices);
  const schedules = own(books.schedules);

  for (let closing = 1; closing <= end.closings; closing += 1) {
    const { standing: last = end.closings } = end;
    const stands = end.stands && closing === last;
    const began = closing > last ? 'nothing' : end.began;
    const of = <T extends { occurrence: number }>(list: T[]): T[] => list.filter((one) => one.occurrence === closing);
    const count = <T>(
      what: string,
      found: T[],
      isInForce: (one: T) => boolean,
      mayStand = stands ? [1] : [0],
    ): void => {
      const atLeast = began === 'all' ? 1 : 0;
      const atMost = began === 'nothing' ? 0 : 1 + end.edits;
      if (found.length < atLeast || found.length > atMost) say(`${found.length} ${what} of closing ${closing}`);
      const inForce = found.filter(isInForce).length;
      if (!mayStand.includes(inForce)) say(`${inForce} ${what} of closing ${closing} in force`);
    };
    count(
      'orders',
      of(orders),
      ({ status }) => status !== 'canceled',
      end.goods === undefined ? undefined : end.goods === 'left' ? [1] : [0, 1],
    );
    const isLeft = ({ amount, credited }: BookedInvoice): boolean => compareMoney(credited, amount) !== 0;
    count(
      'invoices',
      of(invoices),
      (one) => one.status === 'open' || (one.status === 'paid' && (stands || isLeft(one))),
    );
    count('revenue schedules', of(schedules), ({ reversed }) => !reversed);
    for (const { number, status, fulfilments } of of(orders)) {
      const inForce = status !== 'canceled';
      if (inForce ? fulfilments !== 1 && !IN_PARTS.has(story) : fulfilments !== 0)
        say(`order ${number} of closing ${closing} has ${fulfilments} fulfilments in force`);
    }
    for (const invoice of of(invoices)) {
      const { number, status, amount, credited } = invoice;
      // What is credited in full while it is open has nothing left to pay: Stripe calls that paid.
      const must = end.paid ? ['paid'] : stands ? ['void', isLeft(invoice) ? 'open' : 'paid'] : ['void'];
      if (!must.includes(status)) say(`invoice ${number} of closing ${closing} is ${status}, not ${must.join(' or ')}`);
      const back = status === 'void' ? ZERO : stands ? returned : amount;
      if (compareMoney(credited, back) !== 0)
        say(`invoice ${number} of ${amount} is credited by ${credited}, not ${back}`);
    }
    const invoice = of(invoices).find(({ status }) => status !== 'void');
    for (const { number, reversed, planned } of of(schedules)) {
      const revenue = invoice && !reversed ? subtractMoney(invoice.amount, invoice.credited) : ZERO;
      if (compareMoney(planned, revenue) !== 0)
        say(`the entries of schedule ${number} come to ${planned}, the invoice less credits to ${revenue}`);
    }
  }
  for (const { occurrence, number } of [...orders, ...invoices, ...schedules])
    if (!(occurrence >= 1 && occurrence <= end.closings))
      say(`${number} belongs to closing ${occurrence}, which never was`);
  return problems;
}
