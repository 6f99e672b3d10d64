import { beforeAll, describe, expect, it } from '@jest/globals';
import { verify } from '../apps/cli/src/demo/verify.js';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

let platform: RunningPlatform;
beforeAll(() => {
  platform = new RunningPlatform();
});

interface Schedule {
  scheduleId: string;
  totalAmount: string;
  reversedAt: string | null;
  entries: { amount: string; date: string; kind: string }[];
}

describe('lead-to-cash', () => {
  it(
    'turns a closed deal into one order, one invoice and one schedule, and writes the numbers back',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      const { occurrences } = await platform.settled(deal.dealId);
      expect(occurrences).toMatchObject([{ occurrence: 1, status: 'completed', waitingFor: [], cause: null }]);
      expect(occurrences[0]!.steps.map(({ step, status, service }) => [step, status, service])).toEqual([
        ['credit-approval', 'not-needed', null],
        ['contract-exception', 'not-needed', null],
        ['compliance-review', 'not-needed', null],
        ['order', 'done', 'ops-adapter'],
        ['provisioning', 'done', 'ops-adapter'],
        ['billing', 'done', 'finance-adapter'],
        ['revenue', 'done', 'finance-adapter'],
        ['write-back', 'done', 'revenue-adapter'],
      ]);
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    STORY_LIMIT_MS,
  );

  it(
    'gives two deals of one new account, closed at once, one customer and one product in every system',
    async () => {
      const deals = await platform.openDeals(2);
      await Promise.all(deals.map(({ dealId }) => platform.vendors.closeDeal(dealId)));
      for (const { dealId } of deals)
        expect(await platform.settled(dealId)).toMatchObject({ occurrences: [{ status: 'completed' }] });
      expect(verify(deals, await platform.vendors.evidence(deals))).toMatchObject({
        problems: [],
        duplicates: 0,
        orders: 2,
      });
    },
    STORY_LIMIT_MS,
  );

  it.each([
    ['JPY has no decimals', { currency: 'JPY', price: '1234', quantity: 3, amount: '3702.0000' }],
    ['KWD has three', { currency: 'KWD', price: '12.340', quantity: 2, amount: '24.6800' }],
    ['a unit price may have four', { currency: 'EUR', price: '0.1250', quantity: 1000, amount: '125.0000' }],
  ])(
    'bills exactly: %s',
    async (_, { currency, price, quantity, amount }) => {
      const deal = await platform.openDeal({
        currency,
        amount,
        lines: [{ name: 'Usage', sku: 'USAGE', quantity, price, amount }],
      });
      await platform.vendors.closeDeal(deal.dealId);
      expect(await platform.settled(deal.dealId)).toMatchObject({ occurrences: [{ status: 'completed' }] });
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    STORY_LIMIT_MS,
  );

  it(
    'recognises a contract that starts mid-month and crosses a leap day in dated entries that sum exactly',
    async () => {
      const deal = await platform.openDeal({
        currency: 'EUR',
        amount: '1000.0000',
        contractStart: '2028-01-15',
        contractEnd: '2028-04-14',
        lines: [{ name: 'Platform', sku: 'PLATFORM', quantity: 1, price: '1000.00', amount: '1000.0000' }],
      });
      await platform.vendors.closeDeal(deal.dealId);
      await platform.ended(deal.dealId);
      const { data } = await platform.get<{ data: Schedule[] }>(
        'finance-adapter',
        `/v1/revenue-schedules?opportunityId=${deal.opportunityId}`,
      );
      expect(data).toHaveLength(1);
      const schedule = await platform.get<Schedule>('finance-adapter', `/v1/revenue-schedules/${data[0]!.scheduleId}`);
      // 91 days: 17 in January, 29 in the leap year's February, 31 in March, 14 in April.
      expect(schedule.entries.map(({ amount }) => amount)).toEqual(['186.8100', '318.6800', '340.6600', '153.8500']);
    },
    STORY_LIMIT_MS,
  );

  it(
    'lets an edit after the closing change nothing, and ends its own write-back as an echo',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      const before = await platform.settled(deal.dealId);
      // Our numbers came back as webhooks by now or will; another deal's full story is longer than any echo.
      const other = await platform.openDeal();
      await platform.vendors.closeDeal(other.dealId);
      await platform.ended(other.dealId);
      const after = await platform.ended(deal.dealId);
      expect(after).toEqual(before);
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    2 * STORY_LIMIT_MS,
  );

  it(
    'finds a deal whose webhook never comes',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.setFaults({
        seed: 1,
        faults: [{ kind: 'webhook-drop', vendor: 'hubspot', probability: 1 }],
      });
      try {
        await platform.vendors.closeDeal(deal.dealId);
        expect(await platform.ended(deal.dealId)).toMatchObject({ occurrences: [{ status: 'completed' }] });
      } finally {
        await platform.vendors.setFaults(null);
      }
    },
    STORY_LIMIT_MS,
  );
});

describe('a reopened deal', () => {
  it(
    'takes back in reverse what was done, and a second closing is a second occurrence',
    async () => {
      const deal = await platform.openDeal();
      await platform.vendors.closeDeal(deal.dealId);
      await platform.ended(deal.dealId);
      await platform.vendors.setStage(deal.dealId, 'contractsent');
      const undone = await platform.until(deal.dealId, 1, ({ status }) => status === 'compensated');
      const order = undone.steps
        .filter(({ compensation }) => compensation)
        .sort((a, b) => Date.parse(a.compensation!.outcomeAt!) - Date.parse(b.compensation!.outcomeAt!))
        .map(({ step, compensation }) => [step, compensation!.outcome]);
      expect(order.filter(([step]) => step !== 'provisioning' && step !== 'billing')).toEqual([
        ['revenue', 'RevenueScheduleReversed'],
        ['order', 'OrderCancelled'],
      ]);
      expect(new Map(order as [string, string][])).toEqual(
        new Map([
          ['revenue', 'RevenueScheduleReversed'],
          ['billing', 'InvoiceVoided'],
          ['provisioning', 'OrderReleased'],
          ['order', 'OrderCancelled'],
        ]),
      );
      // Nothing stands any more: the order is cancelled, the invoice void, the schedule reversed.
      expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [], invoices: [], schedules: [] });

      await platform.vendors.closeDeal(deal.dealId);
      const { occurrences } = await platform.settled(deal.dealId, 2);
      expect(occurrences).toMatchObject([
        { occurrence: 1, status: 'compensated' },
        { occurrence: 2, status: 'completed' },
      ]);
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    3 * STORY_LIMIT_MS,
  );

  it(
    'credits an invoice that is paid',
    async () => {
      const deal = await platform.openDeal({
        currency: 'USD',
        amount: '500.0000',
        lines: [{ name: 'Platform', sku: 'PLATFORM', quantity: 1, price: '500.00', amount: '500.0000' }],
      });
      await platform.vendors.closeDeal(deal.dealId);
      const issued = await platform.until(deal.dealId, 1, ({ status }) => status === 'completed');
      await platform.vendors.payInvoice(invoiceOf(issued));
      const paid = await platform.until(deal.dealId, 1, ({ payments }) => payments.length > 0);
      expect(paid.payments).toMatchObject([{ amount: '500.0000', currency: 'USD' }]);
      expect(paid.status).toBe('completed');
      await platform.vendors.setStage(deal.dealId, 'contractsent');
      const undone = await platform.until(deal.dealId, 1, ({ status }) => status === 'compensated');
      expect(undone.steps.find(({ step }) => step === 'billing')?.compensation?.outcome).toBe('InvoiceCredited');
      expect(undone.payments).toHaveLength(1);
    },
    3 * STORY_LIMIT_MS,
  );
});

describe('a deal that cannot become an order', () => {
  it.each([
    ['no line items', { lines: [], amount: '100.0000' }, 'no-line-items'],
    [
      'a negative total',
      { amount: '-5.0000', lines: [{ name: 'Refund', sku: 'R', quantity: 1, price: '-5.00', amount: '-5.0000' }] },
      'negative-total',
    ],
    ['a currency without a minor-unit rule', { currency: 'XAU' }, 'currency-without-minor-unit'],
    [
      'an amount the currency cannot express',
      {
        currency: 'JPY',
        amount: '10.5000',
        lines: [{ name: 'P', sku: 'P', quantity: 1, price: '10.5', amount: '10.5000' }],
      },
      'amount-not-expressible',
    ],
    ['an amount that does not add up', { amount: '999999.0000' }, 'total-mismatch'],
  ])(
    'is refused visibly: %s',
    async (_, change, reason) => {
      const deal = await platform.openDeal(change);
      await platform.vendors.closeDeal(deal.dealId);
      const { occurrences } = await platform.ended(deal.dealId);
      expect(occurrences).toMatchObject([{ status: 'rejected', cause: { type: 'OpportunityRejected', reason } }]);
      expect(occurrences[0]!.cause?.field).toBeTruthy();
      expect(occurrences[0]!.cause?.message).toBeTruthy();
      expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [], invoices: [], schedules: [] });
    },
    STORY_LIMIT_MS,
  );

  it(
    'is undone where only the vendor can tell: Stripe takes dinars in tens of fils',
    async () => {
      const deal = await platform.openDeal({
        currency: 'KWD',
        amount: '1.2340',
        lines: [{ name: 'P', sku: 'P', quantity: 1, price: '1.234', amount: '1.2340' }],
      });
      await platform.vendors.closeDeal(deal.dealId);
      const { occurrences } = await platform.ended(deal.dealId);
      expect(occurrences).toMatchObject([{ status: 'refused', cause: { type: 'InvoiceRejected', step: 'billing' } }]);
      expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [], invoices: [], schedules: [] });
    },
    STORY_LIMIT_MS,
  );
});

function invoiceOf(occurrence: { steps: { step: string; externalIds: { type: string; id: string }[] }[] }): string {
  return occurrence.steps.find(({ step }) => step === 'billing')!.externalIds.find(({ type }) => type === 'invoice')!
    .id;
}
