import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sumMoney, type RecordRevenueSchedule } from '@throughline/contracts';
import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { Finance1763800000000 } from '../migrations/1763800000000-finance.js';
import { encodeAll } from '../spec/encode-all.js';
import { recordRevenueSchedule } from './record-revenue-schedule.js';
import { reverseRevenueSchedule } from './reverse-revenue-schedule.js';
import { findEntries, findSchedules, listSchedules, sumRecognised } from './store.js';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase([Finance1763800000000]);
  database = await test.connect();
});
afterAll(() => test?.drop());

const now = () => new Date('2027-02-10T12:00:00.000Z');
const terms = (over: Partial<RecordRevenueSchedule> = {}): RecordRevenueSchedule => ({
  scheduleId: randomUUID(),
  orderId: randomUUID(),
  invoiceId: randomUUID(),
  opportunityId: randomUUID(),
  occurrence: 1,
  currency: 'USD',
  totalAmount: '300.0000',
  serviceStart: '2027-01-01',
  serviceEnd: '2027-03-31',
  ...over,
});

function message<T extends 'RecordRevenueSchedule' | 'ReverseRevenueSchedule'>(
  type: T,
  payload: Message<T>['payload'],
): Message<T> {
  const envelope = {
    id: randomUUID(),
    type,
    source: 'spec',
    subject: payload.scheduleId,
    time: now().toISOString(),
    sequence: 1,
    correlationId: randomUUID(),
  };
  return { type, payload, envelope } as Message<T>;
}

/** Runs a batch as the runtime does: one transaction, and what it emits. */
async function inTransaction(handle: (tx: MessagingTx) => Promise<void>): Promise<OutgoingMessage[]> {
  const emitted: OutgoingMessage[] = [];
  await database.transaction((tx) =>
    handle({
      query: (...call) => tx.query(...call),
      emit: (messages) => void emitted.push(...messages),
      enqueue: () => {},
      onCommit: () => {},
    }),
  );
  return encodeAll(emitted);
}
const record = (...payloads: RecordRevenueSchedule[]) =>
  inTransaction((tx) =>
    recordRevenueSchedule(now)(
      payloads.map((payload) => message('RecordRevenueSchedule', payload)),
      tx,
    ),
  );
const reverse = (...payloads: RecordRevenueSchedule[]) =>
  inTransaction((tx) =>
    reverseRevenueSchedule(now)(
      payloads.map(({ scheduleId, orderId, opportunityId }) =>
        message('ReverseRevenueSchedule', {
          scheduleId,
          orderId,
          opportunityId,
          occurrence: 1,
          reason: 'OpportunityReopened',
        }),
      ),
      tx,
    ),
  );
const entriesOf = async (scheduleId: string) => (await findEntries(database, [scheduleId])).get(scheduleId) ?? [];

describe('the revenue subledger', () => {
  it('records a batch, valid and refused side by side, and answers each command in order', async () => {
    const [usd, jpy, bad] = [
      terms(),
      terms({ currency: 'JPY', totalAmount: '100.0000' }),
      terms({ currency: 'JPY', totalAmount: '0.5000' }),
    ];
    const emitted = await record(usd, bad, jpy);
    expect(emitted).toMatchObject([
      {
        type: 'RevenueScheduleRecorded',
        payload: {
          scheduleId: usd.scheduleId,
          entryCount: 3,
          totalAmount: '300.0000',
          recordedAt: now().toISOString(),
        },
      },
      {
        type: 'RevenueScheduleRejected',
        payload: { scheduleId: bad.scheduleId, reason: 'amount-not-expressible', field: 'totalAmount' },
      },
      { type: 'RevenueScheduleRecorded', payload: { scheduleId: jpy.scheduleId } },
    ]);
    expect((await entriesOf(usd.scheduleId)).map(({ recognisedOn, amount }) => [recognisedOn, amount])).toEqual([
      ['2027-01-31', '103.3300'],
      ['2027-02-28', '93.3400'],
      ['2027-03-31', '103.3300'],
    ]);
    expect(await findSchedules(database, [bad.scheduleId], [])).toEqual([]);
  });

  it('says again what stands when the command comes again, in the same batch or later, and writes nothing', async () => {
    const contract = terms();
    const [first, second] = await record(contract, contract);
    const [third] = await record(contract);
    for (const again of [second, third])
      expect(again).toMatchObject({ type: 'RevenueScheduleRecorded', payload: first!.payload as object });
    expect(await entriesOf(contract.scheduleId)).toHaveLength(3);
  });

  it('gives an order one schedule, and a schedule one contract', async () => {
    const contract = terms();
    const emitted = await record(
      contract,
      { ...contract, scheduleId: randomUUID() },
      { ...contract, totalAmount: '301.0000' },
    );
    expect(emitted).toMatchObject([
      { type: 'RevenueScheduleRecorded' },
      { type: 'RevenueScheduleRejected', payload: { reason: 'order-already-scheduled', field: 'orderId' } },
      { type: 'RevenueScheduleRejected', payload: { reason: 'schedule-differs', field: 'totalAmount' } },
    ]);
  });

  it('records one of two that arrive at once', async () => {
    const contract = terms();
    const emitted = (await Promise.all([record(contract), record(contract)])).flat();
    expect(emitted.map(({ type }) => type)).toEqual(['RevenueScheduleRecorded', 'RevenueScheduleRecorded']);
    expect(await entriesOf(contract.scheduleId)).toHaveLength(3);
  });

  it('reverses once, by opposite entries, and leaves reported months as they were', async () => {
    const contract = terms({ currency: 'SEK' });
    await record(contract);
    const [first, second] = await reverse(contract, contract);
    const [third] = await reverse(contract);
    for (const answer of [first, second, third])
      expect(answer).toMatchObject({ type: 'RevenueScheduleReversed', payload: { reversedAt: now().toISOString() } });
    const entries = await entriesOf(contract.scheduleId);
    expect(
      entries.filter(({ kind }) => kind === 'reversal').map(({ recognisedOn, amount }) => [recognisedOn, amount]),
    ).toEqual([
      ['2027-02-10', '-103.3300'],
      ['2027-02-28', '-93.3400'],
      ['2027-03-31', '-103.3300'],
    ]);
    expect(sumMoney(entries.map(({ amount }) => amount))).toBe('0.0000');
    const inSek = async (month: string) =>
      (await sumRecognised(database, month)).find(({ currency }) => currency === 'SEK')?.amount;
    expect([await inSek('2027-01'), await inSek('2027-02'), await inSek('2027-03')]).toEqual([
      '103.3300',
      '-103.3300',
      '0.0000',
    ]);
    expect(await record(contract)).toMatchObject([
      { type: 'RevenueScheduleRejected', payload: { reason: 'schedule-reversed' } },
    ]);
  });

  it('refuses to reverse what was never recorded', async () => {
    expect(await reverse(terms())).toMatchObject([
      { type: 'RevenueScheduleReversalRejected', payload: { reason: 'schedule-unknown' } },
    ]);
  });

  it('records and reverses in one batch', async () => {
    const contract = terms();
    const emitted = await inTransaction(async (tx) => {
      await recordRevenueSchedule(now)([message('RecordRevenueSchedule', contract)], tx);
      const { scheduleId, orderId, opportunityId } = contract;
      await reverseRevenueSchedule(now)(
        [message('ReverseRevenueSchedule', { scheduleId, orderId, opportunityId, occurrence: 1, reason: 'x' })],
        tx,
      );
    });
    expect(emitted.map(({ type }) => type)).toEqual(['RevenueScheduleRecorded', 'RevenueScheduleReversed']);
  });

  it('lets nobody change or remove an entry', async () => {
    await record(terms());
    for (const text of [
      'UPDATE revenue_schedule_entry SET amount = 0',
      'DELETE FROM revenue_schedule_entry',
      'TRUNCATE revenue_schedule_entry',
    ]) {
      await expect(database.query({ name: text, text })).rejects.toThrow(/append-only/);
    }
  });

  it('lists page by page, by order and by opportunity', async () => {
    const opportunityId = randomUUID();
    const contracts = [terms({ opportunityId }), terms({ opportunityId }), terms({ opportunityId })];
    await record(...contracts);
    const ids = contracts.map(({ scheduleId }) => scheduleId).sort();
    const page = await listSchedules(database, { opportunityId, limit: 2 });
    const rest = await listSchedules(database, { opportunityId, after: page[1]!.scheduleId, limit: 2 });
    expect([...page, ...rest].map(({ scheduleId }) => scheduleId)).toEqual(ids);
    expect(await listSchedules(database, { orderId: contracts[1]!.orderId, limit: 2 })).toMatchObject([
      { ...contracts[1], reversedAt: null },
    ]);
  });
});
