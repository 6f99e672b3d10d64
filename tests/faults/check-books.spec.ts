import { describe, expect, it } from '@jest/globals';
import type { BookedInvoice, BookedOrder, BookedSchedule, Books } from '../../apps/cli/src/demo/vendors.js';
import { checkBooks, type LivedDeal } from './check-books.js';
import type { Story } from './schedule.js';

const deal = { dealId: 'd1', opportunityId: 'o1', currency: 'EUR', amount: '10.0000' };
const booked = { opportunityId: 'o1', occurrence: 1, currency: 'EUR', amount: '10.0000' };
const order = (change: Partial<BookedOrder> = {}): BookedOrder => ({
  ...booked,
  number: '7',
  status: 'pending',
  fulfilments: 1,
  lines: [{ name: 'Seat', ordered: 1, fulfilled: 1 }],
  ...change,
});
const invoice = (change: Partial<BookedInvoice> = {}): BookedInvoice => ({
  ...booked,
  id: 'in_1',
  number: 'A-1',
  status: 'open',
  credited: '0.0000',
  ...change,
});
const schedule = (change: Partial<BookedSchedule> = {}): BookedSchedule => ({
  ...booked,
  number: 's1',
  reversed: false,
  planned: change.reversed ? '0.0000' : '10.0000',
  recognisedFrom: '2027-01-01',
  ...change,
});
const writeBack = { dealId: 'd1', orderNumber: '7', invoiceNumber: 'A-1' };
const takenBack = {
  orders: [order({ status: 'canceled', fulfilments: 0 })],
  invoices: [invoice({ status: 'void' })],
  schedules: [schedule({ reversed: true })],
};

function problems(story: Story, books: Partial<Books>, returned = '0.0000'): string[] {
  const lived: LivedDeal[] = [{ deal, story }];
  const empty = { orders: [], invoices: [], schedules: [], writeBacks: [writeBack], customers: [] };
  return checkBooks(lived, { ...empty, ...books }, new Map([['o1', returned]]));
}

const stands = { orders: [order()], invoices: [invoice()], schedules: [schedule()] };

describe('checkBooks', () => {
  it('takes what each story must have left', () => {
    expect(problems('plain', stands)).toEqual([]);
    expect(problems('paid', { ...stands, invoices: [invoice({ status: 'paid' })] })).toEqual([]);
    expect(problems('reopened', takenBack)).toEqual([]);
    expect(problems('reopened-anytime', {})).toEqual([]);
    const credited = invoice({ status: 'paid', credited: '10.0000' });
    expect(problems('credited', { ...takenBack, invoices: [credited] })).toEqual([]);
    expect(
      problems('closed-again', {
        orders: [...takenBack.orders, order({ occurrence: 2, number: '8' })],
        invoices: [...takenBack.invoices, invoice({ occurrence: 2, number: 'A-2' })],
        schedules: [...takenBack.schedules, schedule({ occurrence: 2, number: 's2' })],
        writeBacks: [{ ...writeBack, orderNumber: '8', invoiceNumber: 'A-2' }],
      }),
    ).toEqual([]);
  });

  it.each<[string, Story, Partial<Books>, RegExp]>([
    ['a lost order', 'plain', { ...stands, orders: [] }, /no order/],
    ['a second order', 'plain', { ...stands, orders: [order(), order({ number: '8' })] }, /2 orders/],
    ['a second fulfilment', 'plain', { ...stands, orders: [order({ fulfilments: 2 })] }, /2 fulfilments/],
    ['another amount', 'plain', { ...stands, invoices: [invoice({ amount: '9.0000' })] }, /9.0000/],
    ['a payment that is not there', 'paid', stands, /is open, not paid/],
    ['an order that still stands', 'reopened', { ...takenBack, orders: [order()] }, /1 orders of closing 1 in force/],
    ['an invoice that is still owed', 'reopened', { ...takenBack, invoices: [invoice()] }, /is open, not void/],
    [
      'a schedule that still counts',
      'reopened',
      { ...takenBack, schedules: [schedule()] },
      /1 revenue schedules of closing 1 in force/,
    ],
    [
      'a schedule twice',
      'reopened',
      { ...takenBack, schedules: [schedule({ reversed: true }), schedule({ reversed: true })] },
      /2 revenue schedules/,
    ],
    [
      'half a credit',
      'credited',
      { ...takenBack, invoices: [invoice({ status: 'paid', credited: '5.0000' })] },
      /credited by 5.0000/,
    ],
    ['a closing that never was', 'plain', { ...stands, orders: [order(), order({ occurrence: 2 })] }, /never was/],
  ])('finds %s', (_, story, books, problem) => {
    expect(problems(story, books)).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  it('finds entries that do not come to the invoice, and entries that are left of what was reversed', () => {
    expect(problems('plain', { ...stands, schedules: [schedule({ planned: '9.9999' })] })).toContainEqual(
      expect.stringMatching(/come to 9.9999, .* less credits to 10.0000/),
    );
    expect(
      problems('reopened', { ...takenBack, schedules: [schedule({ reversed: true, planned: '0.0100' })] }),
    ).toEqual([expect.stringMatching(/come to 0.0100, .* 0.0000/)]);
  });
});

describe('checkBooks, of a deal that was amended', () => {
  const old = { number: '1', amount: '8.0000' };
  const amended = {
    orders: [order({ ...takenBack.orders[0], ...old }), order()],
    invoices: [invoice({ ...takenBack.invoices[0], ...old }), invoice()],
    schedules: [schedule({ ...takenBack.schedules[0], ...old }), schedule()],
  };

  it('takes one of each in force, of the final amount, and one at most that it took the place of', () => {
    expect(problems('amended', amended)).toEqual([]);
    expect(problems('amended', stands)).toEqual([]);
    expect(problems('amended-reopened', { ...takenBack, orders: [...takenBack.orders, ...takenBack.orders] })).toEqual(
      [],
    );
  });

  it.each<[string, Story, Partial<Books>, RegExp]>([
    [
      'both orders in force',
      'amended',
      { ...amended, orders: [order(old), order()] },
      /2 orders of closing 1 in force/,
    ],
    ['no order in force', 'amended', { ...amended, orders: takenBack.orders }, /0 orders of closing 1 in force/],
    ['the old invoice in force', 'amended', { ...amended, invoices: [invoice(old)] }, /8.0000/],
    [
      'the old schedule in force',
      'amended',
      { ...amended, schedules: [schedule(old), schedule()] },
      /2 revenue schedules/,
    ],
    ['a third order', 'amended', { ...amended, orders: [...amended.orders, amended.orders[0]!] }, /3 orders/],
    ['a second order of a deal that nobody amended', 'plain', amended, /2 orders/],
  ])('finds %s', (_, story, books, problem) => {
    expect(problems(story, books)).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });
});

describe('checkBooks, of a deal that was returned', () => {
  const planned = (sum: string) => [schedule({ planned: sum })];
  const reduced = { ...stands, schedules: planned('6.0000') };
  const credited = { ...reduced, invoices: [invoice({ credited: '4.0000' })] };

  it('takes what came back as credited, and planned revenue less of that', () => {
    expect(problems('returned', credited, '4.0000')).toEqual([]);
    const whole = { invoices: [invoice({ status: 'paid', credited: '10.0000' })], schedules: planned('0.0000') };
    expect(problems('returned', { ...stands, ...whole }, '10.0000')).toEqual([]);
  });

  it.each<[string, Partial<Books>, string, RegExp]>([
    ['what was not credited', reduced, '4.0000', /by 0.0000, not 4.0000/],
    ['what was credited too much', credited, '2.0000', /by 4.0000, not 2.0000/],
    ['what was not taken off the revenue', { ...credited, schedules: [schedule()] }, '4.0000', /10.0000, .* 6.0000/],
    [
      'what nobody paid',
      { ...credited, invoices: [invoice({ status: 'paid', credited: '4.0000' })] },
      '4.0000',
      /is paid, not void or open/,
    ],
  ])('finds %s', (_, books, returned, problem) => {
    expect(problems('returned', books, returned)).toContainEqual(expect.stringMatching(problem));
  });
});

describe('checkBooks, of a deal that nobody agreed to', () => {
  it('takes nothing, and finds anything', () => {
    expect(problems('rejected', {})).toEqual([]);
    expect(problems('rejected', { orders: takenBack.orders })).toEqual([expect.stringMatching(/1 orders/)]);
    expect(problems('reopened-undecided', { invoices: takenBack.invoices })).toEqual([
      expect.stringMatching(/1 invoices/),
    ]);
    expect(problems('amended-rejected', takenBack)).toEqual([]);
    expect(problems('amended-rejected', stands).length).toBeGreaterThan(0);
  });
});

describe('checkBooks, of a deal that was kept, and closed again', () => {
  it('takes the first sale as the one that stands, and finds anything of the second', () => {
    expect(problems('kept-closed-again', { ...stands, orders: [order({ fulfilments: 2 })] })).toEqual([]);
    expect(problems('kept-closed-again', takenBack)).toContainEqual(
      expect.stringMatching(/0 orders of closing 1 in force/),
    );
    const second = { ...stands, orders: [...stands.orders, order({ occurrence: 2, number: '8', status: 'canceled' })] };
    expect(problems('kept-closed-again', second)).toContainEqual(expect.stringMatching(/1 orders of closing 2$/));
  });
});

describe('checkBooks, of a deal that was taken back when its goods had left', () => {
  const left = { ...takenBack, orders: [order({ fulfilments: 2 })] };

  it('takes the order of the goods as standing, alone, and only where they have left', () => {
    expect(problems('shipped-reopened-let-go', left)).toEqual([]);
    expect(problems('shipping-reopened', left)).toEqual([]);
    expect(problems('shipping-reopened', takenBack)).toEqual([]);
    expect(problems('shipped-reopened-let-go', takenBack)).toEqual([expect.stringMatching(/0 orders .* in force/)]);
    const invoiced = { ...left, invoices: stands.invoices };
    expect(problems('shipped-reopened-let-go', invoiced)).toContainEqual(
      expect.stringMatching(/1 invoices .* in force/),
    );
    expect(problems('reopened', left)).toContainEqual(expect.stringMatching(/1 orders of closing 1 in force/));
  });
});
