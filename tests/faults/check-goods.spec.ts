import { describe, expect, it } from '@jest/globals';
import type { Books } from '../../apps/cli/src/demo/vendors.js';
import { checkGoods, returnedValues } from './check-goods.js';
import type { OrderLineRecord, OrderRecord, Records } from './records.js';
import type { Story } from './schedule.js';
import type { LivingDeal } from './stories.js';

const line = { name: 'Chair', sku: 'CHAIR', quantity: 3, price: '2.50', amount: '7.5000' };
const planned = {
  name: 'Deal',
  company: 0,
  currency: 'EUR',
  lines: [line],
  amount: '7.5000',
  contractStart: '2027-01-01',
  contractEnd: '2027-12-31',
};

function living(story: Story): LivingDeal {
  return {
    deal: { dealId: 'd1', opportunityId: 'o1', currency: 'EUR', amount: '7.5000' },
    life: {
      story,
      pausesMs: [0, 0],
      chance: 1,
      deal: planned,
      edited: planned,
      final: planned,
      goods: { sku: 'CHAIR', onShelf: 1, restock: 5, back: [] },
    },
    lineIds: new Map(),
  };
}

const booked = { opportunityId: 'o1', occurrence: 1, currency: 'EUR', amount: '7.5000' };
const booksWith = (status = 'pending'): Books => ({
  orders: [{ ...booked, number: '7', status, fulfilments: 2, lines: [] }],
  invoices: [{ ...booked, id: 'in_1', number: 'A-1', status: 'open', credited: '0.0000' }],
  schedules: [],
  writeBacks: [],
  customers: [],
});
const left: OrderLineRecord = { id: 'l1', sku: 'CHAIR', quantity: 3, fulfilled: 3, shipped: 3 };
const order = (change: Partial<OrderLineRecord> = {}, received: OrderRecord['received'] = []): OrderRecord => ({
  number: '7',
  createdAt: '2026-11-25T10:00:00.000Z',
  lines: [{ ...left, ...change }],
  received,
});
const recordsWith = (one: OrderRecord, change: Partial<Records> = {}): Records => ({
  orders: new Map([['7', one]]),
  credits: new Map(),
  shelf: new Map([['CHAIR', 3]]),
  approvals: new Map(),
  ...change,
});
const problems = (records: Records, story: Story = 'shipped-in-parts', books = booksWith()): string[] =>
  checkGoods([living(story)], books, records);

describe('checkGoods', () => {
  it('takes what was ordered as shipped, and what came back as credited and on the shelf', () => {
    expect(problems(recordsWith(order()))).toEqual([]);
    const back = order({}, [
      { sku: 'CHAIR', quantity: 1 },
      { sku: 'CHAIR', quantity: 2 },
    ]);
    const credited = { credits: new Map([['in_1', ['5.0000', '2.5000']]]), shelf: new Map([['CHAIR', 6]]) };
    expect(problems(recordsWith(back, credited))).toEqual([]);
    expect(returnedValues([living('returned')], booksWith(), recordsWith(back)).get('o1')).toBe('7.5000');
  });

  it.each<[string, Records, RegExp]>([
    ['what was not shipped', recordsWith(order({ shipped: 2 })), /2 of 3 of CHAIR were shipped/],
    ['what was shipped twice', recordsWith(order({ shipped: 6, fulfilled: 6 })), /6 of 3 of CHAIR are fulfilled/],
    ['another quantity than the deal is about', recordsWith(order({ quantity: 2 })), /is about 2 of CHAIR, the deal/],
    ['a shelf that lost something', recordsWith(order(), { shelf: new Map([['CHAIR', 2]]) }), /2 of CHAIR are on/],
    [
      'what came back and was not credited',
      recordsWith(order({}, [{ sku: 'CHAIR', quantity: 1 }]), { shelf: new Map([['CHAIR', 4]]) }),
      /credit notes come to nothing, what came back of order 7 to 2.5000/,
    ],
    [
      'a return that was credited twice',
      recordsWith(order({}, [{ sku: 'CHAIR', quantity: 1 }]), {
        shelf: new Map([['CHAIR', 4]]),
        credits: new Map([['in_1', ['2.5000', '2.5000']]]),
      }),
      /credit notes come to 2.5000 and 2.5000/,
    ],
    [
      'a credit note without a return',
      recordsWith(order(), { credits: new Map([['in_1', ['2.5000']]]) }),
      /credit notes come to 2.5000, what came back of order 7 to nothing/,
    ],
  ])('finds %s', (_, records, problem) => {
    expect(problems(records)).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  it('takes what stays of a deal that was let go as not shipped, and finds what followed all the same', () => {
    const letGo = living('part-shipped-reopened-let-go');
    letGo.life.goods = { sku: 'CHAIR', onShelf: 1, restock: 3, back: [], stays: 2 };
    const shelf = (onIt: number) => ({ shelf: new Map([['CHAIR', onIt]]) });
    const part = recordsWith(order({ shipped: 1, fulfilled: 1 }), shelf(3));
    expect(checkGoods([letGo], booksWith(), part)).toEqual([]);
    expect(checkGoods([letGo], booksWith(), recordsWith(order(), shelf(1)))).toContainEqual(
      expect.stringMatching(/3 of 1 of CHAIR were shipped/),
    );
  });

  it('finds what left for an order that was cancelled', () => {
    const nothing = recordsWith(order({ shipped: 0, fulfilled: 0 }), { shelf: new Map([['CHAIR', 6]]) });
    expect(problems(nothing, 'reopened-unshipped', booksWith('canceled'))).toEqual([]);
    const found = problems(
      recordsWith(order({ shipped: 1, fulfilled: 1 })),
      'reopened-unshipped',
      booksWith('canceled'),
    );
    expect(found).toContainEqual(expect.stringMatching(/1 shipped for order 7, which is cancelled/));
  });

  it('finds an order that was made before two people had agreed', () => {
    const approvedBy = (...approvals: [string, string][]): Records =>
      recordsWith(order(), {
        approvals: new Map([['o1', approvals.map(([by, time]) => ({ by, at: `2026-11-25T${time}:00.000Z` }))]]),
      });
    const ada: [string, string] = ['ada', '09:00'];
    expect(problems(approvedBy(ada, ['cleo', '09:30']), 'approved')).toEqual([]);
    expect(problems(approvedBy(ada, ['ada', '09:30']), 'approved')).toEqual([expect.stringMatching(/1 people/)]);
    expect(problems(approvedBy(ada, ['cleo', '10:30']), 'approved')).toEqual([expect.stringMatching(/before it was/)]);
  });
});
