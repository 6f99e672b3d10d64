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

function problems(story: Story, books: Partial<Books>): string[] {
  const lived: LivedDeal[] = [{ deal, story }];
  const empty = { orders: [], invoices: [], schedules: [], writeBacks: [writeBack], customers: [] };
  return checkBooks(lived, { ...empty, ...books });
}

describe('checkBooks', () => {
  const stands = { orders: [order()], invoices: [invoice()], schedules: [schedule()] };

  it('takes what each story must have left', () => {
    expect(problems('plain', stands)).toEqual([]);
    expect(problems('paid', { ...stands, invoices: [invoice({ status: 'paid' })] })).toEqual([]);
    expect(problems('reopened', takenBack)).toEqual([]);
    expect(problems('reopened-early', {})).toEqual([]);
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
    ['an order that still stands', 'reopened', { ...takenBack, orders: [order()] }, /is pending/],
    ['an invoice that is still owed', 'reopened', { ...takenBack, invoices: [invoice()] }, /is open, not void/],
    ['a schedule that still counts', 'reopened', { ...takenBack, schedules: [schedule()] }, /is not reversed/],
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
