import { compareMoney, subtractMoney } from '@throughline/contracts';
import { standing, type Books } from '../../apps/cli/src/demo/vendors.js';
import { verify, type ExpectedDeal } from '../../apps/cli/src/demo/verify.js';
import type { Story } from './schedule.js';

export interface LivedDeal {
  deal: ExpectedDeal;
  story: Story;
}

/** What each story must have left: how often the deal was closed, which of the closings stands, and whether money came. */
const ENDS: Record<Story, { closings: number; stands: boolean; paid: boolean }> = {
  plain: { closings: 1, stands: true, paid: false },
  paid: { closings: 1, stands: true, paid: true },
  reopened: { closings: 1, stands: false, paid: false },
  'reopened-early': { closings: 1, stands: false, paid: false },
  credited: { closings: 1, stands: false, paid: true },
  'closed-again': { closings: 2, stands: true, paid: false },
};

/**
 * Compares the records of CRM, order system, billing system and subledger with what must be, one sentence per difference: of what
 * stands exactly one with equal amounts, of what was taken back exactly one too and nothing of it in force.
 */
export function checkBooks(lived: readonly LivedDeal[], books: Books): string[] {
  const standingDeals = lived.filter(({ story }) => ENDS[story].stands).map(({ deal }) => deal);
  const ids = new Set(standingDeals.map(({ opportunityId }) => opportunityId));
  const ofStanding = <T extends { opportunityId: string }>(list: T[]): T[] =>
    list.filter(({ opportunityId }) => ids.has(opportunityId));
  const inForce = standing(books);
  const { problems } = verify(standingDeals, {
    ...inForce,
    orders: ofStanding(inForce.orders),
    invoices: ofStanding(inForce.invoices),
    schedules: ofStanding(inForce.schedules),
  });
  return [...problems, ...lived.flatMap((one) => checkDeal(one, books))];
}

function checkDeal({ deal, story }: LivedDeal, books: Books): string[] {
  const problems: string[] = [];
  const { closings, stands, paid } = ENDS[story];
  const say = (problem: string): void => void problems.push(`deal ${deal.dealId} (${story}): ${problem}`);
  const own = <T extends { opportunityId: string }>(list: T[]): T[] =>
    list.filter(({ opportunityId }) => opportunityId === deal.opportunityId);
  const orders = own(books.orders);
  const invoices = own(books.invoices);
  const schedules = own(books.schedules);

  for (let closing = 1; closing <= closings; closing += 1) {
    const inForce = stands && closing === closings;
    // One that was reopened before anybody looked may have started nothing, or have been stopped at any step.
    const atLeast = story === 'reopened-early' ? 0 : 1;
    const of = <T extends { occurrence: number }>(list: T[]): T[] => list.filter((one) => one.occurrence === closing);
    const count = (what: string, found: unknown[]): void => {
      if (found.length > 1 || found.length < atLeast) say(`${found.length} ${what} of closing ${closing}`);
    };
    count('orders', of(orders));
    count('invoices', of(invoices));
    count('revenue schedules', of(schedules));
    for (const { number, status, fulfilments } of of(orders)) {
      if (inForce !== (status !== 'canceled')) say(`order ${number} of closing ${closing} is ${status}`);
      if (fulfilments !== (inForce ? 1 : 0))
        say(`order ${number} of closing ${closing} has ${fulfilments} fulfilments in force`);
    }
    for (const { number, status, amount, credited } of of(invoices)) {
      const must = paid ? 'paid' : inForce ? 'open' : 'void';
      if (status !== must) say(`invoice ${number} of closing ${closing} is ${status}, not ${must}`);
      if (compareMoney(credited, paid && !inForce ? amount : '0.0000') !== 0)
        say(`invoice ${number} of ${amount} is credited by ${credited}`);
    }
    const [invoice] = of(invoices);
    const revenue = invoice && inForce ? subtractMoney(invoice.amount, invoice.credited) : '0.0000';
    for (const { number, reversed, planned } of of(schedules)) {
      if (reversed === inForce) say(`schedule ${number} of closing ${closing} is ${reversed ? '' : 'not '}reversed`);
      if (compareMoney(planned, revenue) !== 0)
        say(`the entries of schedule ${number} come to ${planned}, the invoice less credits to ${revenue}`);
    }
  }
  for (const { occurrence, number } of [...orders, ...invoices, ...schedules])
    if (!(occurrence >= 1 && occurrence <= closings))
      say(`${number} belongs to closing ${occurrence}, which never was`);
  return problems;
}
