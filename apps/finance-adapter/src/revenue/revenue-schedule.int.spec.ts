import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sumMoney, type RecordRevenueSchedule } from '@throughline/contracts';
import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import { migrate, type Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { randomUUID } from 'node:crypto';
import { Finance1763800000000 } from '../migrations/1763800000000-finance.js';
import { migrations } from '../migrations/index.js';
import { encodeAll } from '../spec/encode-all.js';
import { standingEntries } from './ledger.js';
import { recordRevenueSchedule } from './record-revenue-schedule.js';
import { reduceRevenueSchedule } from './reduce-revenue-schedule.js';
import { reverseRevenueSchedule } from './reverse-revenue-schedule.js';
import { startRevenueRecognition } from './start-revenue-recognition.js';
import { findChanges, findEntries, findSchedules, listSchedules, sumRecognised } from './store.js';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase(migrations);
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

function message<
  T extends 'RecordRevenueSchedule' | 'ReverseRevenueSchedule' | 'StartRevenueRecognition' | 'ReduceRevenueSchedule',
>(type: T, payload: Message<T>['payload']): Message<T> {
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
const identity = ({ scheduleId, orderId, opportunityId, occurrence }: RecordRevenueSchedule) => ({
  scheduleId,
  orderId,
  opportunityId,
  occurrence,
});
const ship = (contract: RecordRevenueSchedule, ...shipments: { day: string; fulfilmentId?: string }[]) =>
  inTransaction((tx) =>
    startRevenueRecognition(now)(
      shipments.map(({ day, fulfilmentId = randomUUID() }) =>
        message('StartRevenueRecognition', { ...identity(contract), fulfilmentId, shippedAt: `${day}T10:00:00.000Z` }),
      ),
      tx,
    ),
  );
const reduce = (
  contract: RecordRevenueSchedule,
  ...notes: { day: string; amount: string; currency?: string; creditNoteId?: string }[]
) =>
  inTransaction((tx) =>
    reduceRevenueSchedule(now)(
      notes.map(({ day, amount, currency = contract.currency, creditNoteId = randomUUID() }) =>
        message('ReduceRevenueSchedule', {
          ...identity(contract),
          creditNoteId,
          currency,
          amount,
          issuedAt: `${day}T10:00:00.000Z`,
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

  it('gives an order one schedule, whichever process asks for another, and a schedule one contract', async () => {
    const contract = terms();
    const emitted = await record(
      contract,
      { ...contract, scheduleId: randomUUID() },
      { ...contract, totalAmount: '301.0000' },
    );
    expect(emitted).toMatchObject([
      { type: 'RevenueScheduleRecorded' },
      { type: 'RevenueScheduleRejected', payload: { reason: 'order-has-schedule', field: 'orderId' } },
      { type: 'RevenueScheduleRejected', payload: { reason: 'schedule-differs', field: 'totalAmount' } },
    ]);
  });

  it('records one of two that arrive at once', async () => {
    const contract = terms();
    const emitted = (await Promise.all([record(contract), record(contract)])).flat();
    expect(emitted.map(({ type }) => type)).toEqual(['RevenueScheduleRecorded', 'RevenueScheduleRecorded']);
    expect(await entriesOf(contract.scheduleId)).toHaveLength(3);
  });

  it('records one of two schedules of different ids that arrive for one order at once', async () => {
    const contract = terms();
    const other = { ...contract, scheduleId: randomUUID() };
    const emitted = (await Promise.all([record(contract), record(other)])).flat();
    expect(emitted.map(({ type }) => type).sort()).toEqual(['RevenueScheduleRecorded', 'RevenueScheduleRejected']);
    expect(await listSchedules(database, { orderId: contract.orderId, limit: 5 })).toHaveLength(1);
  });

  it('records another schedule for the order once the first is reversed, and one for another occurrence beside it', async () => {
    const contract = terms();
    const next = { ...contract, scheduleId: randomUUID(), totalAmount: '240.0000' };
    const second = { ...contract, scheduleId: randomUUID(), occurrence: 2 };
    await record(contract);
    expect(await record(next)).toMatchObject([
      { type: 'RevenueScheduleRejected', payload: { reason: 'order-has-schedule' } },
    ]);
    await reverse(contract);
    expect(await record(next, second)).toMatchObject([
      { type: 'RevenueScheduleRecorded', payload: { scheduleId: next.scheduleId } },
      { type: 'RevenueScheduleRecorded', payload: { scheduleId: second.scheduleId } },
    ]);
    expect(await record({ ...contract, scheduleId: randomUUID() })).toMatchObject([
      { type: 'RevenueScheduleRejected', payload: { message: expect.stringContaining(next.scheduleId) } },
    ]);
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
      'UPDATE revenue_schedule_change SET amount = 1',
      'DELETE FROM revenue_schedule_change',
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

const standingOf = async (scheduleId: string) =>
  standingEntries(await entriesOf(scheduleId)).map(({ recognisedOn, amount }) => `${recognisedOn} ${amount}`);
const headOf = async ({ scheduleId }: RecordRevenueSchedule) => (await findSchedules(database, [scheduleId], []))[0];

describe('StartRevenueRecognition', () => {
  it('plans anew from the day of the first shipment, and says so for each shipment', async () => {
    const contract = terms();
    const first = randomUUID();
    await record(contract);
    const emitted = await ship(contract, { day: '2027-03-01', fulfilmentId: first }, { day: '2027-03-20' });
    emitted.push(...(await ship(contract, { day: '2027-03-01', fulfilmentId: first })));
    expect(emitted).toMatchObject(
      Array(3).fill({
        type: 'RevenueRecognitionStarted',
        payload: { scheduleId: contract.scheduleId, recognisedFrom: '2027-03-01', planVersion: 2 },
      }),
    );
    expect(emitted[0]).toMatchObject({ payload: { fulfilmentId: first } });
    expect(await headOf(contract)).toMatchObject({
      recognisedFrom: '2027-03-01',
      planVersion: 2,
      remainingAmount: '300.0000',
    });
    expect(await standingOf(contract.scheduleId)).toEqual(['2027-03-31 300.0000']);
    expect(
      (await entriesOf(contract.scheduleId)).map(({ planVersion, kind, reason }) => `${planVersion} ${kind} ${reason}`),
    ).toEqual([
      ...Array(3).fill('1 recognition recorded'),
      ...Array(3).fill('2 reversal shipment'),
      '2 recognition shipment',
    ]);
    expect((await findChanges(database, [contract.scheduleId])).get(contract.scheduleId)).toHaveLength(2);
  });

  it('leaves a plan alone that starts with or after the shipment', async () => {
    const contract = terms();
    await record(contract);
    expect(await ship(contract, { day: '2026-12-24' })).toMatchObject([
      { type: 'RevenueRecognitionStarted', payload: { recognisedFrom: '2027-01-01', planVersion: 1 } },
    ]);
    expect(await entriesOf(contract.scheduleId)).toHaveLength(3);
  });

  it('is refused where no schedule is, or where it was reversed', async () => {
    const contract = terms();
    const fulfilmentId = randomUUID();
    expect(await ship(contract, { day: '2027-03-01', fulfilmentId })).toMatchObject([
      {
        type: 'RevenueRecognitionStartRejected',
        payload: { reason: 'schedule-unknown', field: 'scheduleId', fulfilmentId },
      },
    ]);
    await record(contract);
    await reverse(contract);
    expect(await ship(contract, { day: '2027-03-01' })).toMatchObject([
      { type: 'RevenueRecognitionStartRejected', payload: { reason: 'schedule-reversed' } },
    ]);
    expect(await entriesOf(contract.scheduleId)).toHaveLength(6);
  });

  it('counts once what two instances are told at once', async () => {
    const contract = terms();
    const fulfilmentId = randomUUID();
    await record(contract);
    const emitted = await Promise.all([1, 2, 3].map(() => ship(contract, { day: '2027-03-01', fulfilmentId })));
    expect(emitted.flat().map(({ type }) => type)).toEqual(Array(3).fill('RevenueRecognitionStarted'));
    expect(await entriesOf(contract.scheduleId)).toHaveLength(7);
  });
});

describe('ReduceRevenueSchedule', () => {
  it('takes a credit note off once, and says again what it came to', async () => {
    const contract = terms();
    const creditNoteId = randomUUID();
    await record(contract);
    const note = { day: '2027-02-10', amount: '98.3400', creditNoteId };
    const emitted = await reduce(contract, note, note, { day: '2027-03-31', amount: '10.0000' });
    emitted.push(...(await reduce(contract, note)));
    const first = { creditNoteId, amount: '98.3400', remainingAmount: '201.6600', planVersion: 2 };
    expect(emitted).toMatchObject([
      { type: 'RevenueScheduleReduced', payload: first },
      { type: 'RevenueScheduleReduced', payload: first },
      { type: 'RevenueScheduleReduced', payload: { remainingAmount: '191.6600', planVersion: 3 } },
      { type: 'RevenueScheduleReduced', payload: first },
    ]);
    expect(await headOf(contract)).toMatchObject({
      totalAmount: '300.0000',
      remainingAmount: '191.6600',
      planVersion: 3,
    });
    // A half off February and March, then 10.00 off March.
    expect(await standingOf(contract.scheduleId)).toEqual([
      '2027-01-31 103.3300',
      '2027-02-28 46.6700',
      '2027-03-31 41.6600',
    ]);
    expect(sumMoney((await entriesOf(contract.scheduleId)).map(({ amount }) => amount))).toBe('191.6600');
  });

  it('lowers the months it should', async () => {
    const contract = terms({ currency: 'NOK' });
    await record(contract);
    await reduce(contract, { day: '2027-03-10', amount: '150.0000' });
    const inNok = async (month: string) =>
      (await sumRecognised(database, month)).find(({ currency }) => currency === 'NOK')?.amount;
    expect([await inNok('2027-01'), await inNok('2027-02'), await inNok('2027-03')]).toEqual([
      '103.3300',
      '93.3400',
      '-46.6700',
    ]);
  });

  it('is refused beyond what the schedule still comes to, in another currency, and by what is unknown or reversed', async () => {
    const contract = terms();
    const creditNoteId = randomUUID();
    const rejected = (reason: string) => ({ type: 'RevenueScheduleReductionRejected', payload: { reason } });
    expect(await reduce(contract, { day: '2027-02-10', amount: '1.0000' })).toMatchObject([
      rejected('schedule-unknown'),
    ]);
    await record(contract);
    expect(
      await reduce(
        contract,
        { day: '2027-02-10', amount: '200.0000' },
        { day: '2027-02-10', amount: '100.0100', creditNoteId },
        { day: '2027-02-10', amount: '1.0000', currency: 'EUR' },
      ),
    ).toMatchObject([
      { type: 'RevenueScheduleReduced' },
      {
        type: 'RevenueScheduleReductionRejected',
        payload: { reason: 'amount-exceeds-schedule', field: 'amount', creditNoteId },
      },
      rejected('currency-differs'),
    ]);
    await reverse(contract);
    expect(await reduce(contract, { day: '2027-02-10', amount: '1.0000' })).toMatchObject([
      rejected('schedule-reversed'),
    ]);
  });
});

describe('a schedule that was changed', () => {
  it('is reversed by exactly what stands', async () => {
    const contract = terms();
    await record(contract);
    await ship(contract, { day: '2027-01-20' });
    await reduce(contract, { day: '2027-02-01', amount: '250.0000' });
    const before = await entriesOf(contract.scheduleId);
    await reverse(contract);
    const entries = await entriesOf(contract.scheduleId);
    const reversal = entries.filter(({ reason }) => reason === 'reversed');
    expect(reversal).toHaveLength(standingEntries(before).length);
    expect(sumMoney(reversal.map(({ amount }) => amount))).toBe('-50.0000');
    expect(sumMoney(entries.map(({ amount }) => amount))).toBe('0.0000');
    expect(standingEntries(entries)).toEqual([]);
    expect(await headOf(contract)).toMatchObject({ remainingAmount: '0.0000', planVersion: 4 });
  });

  it('is still the contract that was recorded: the same command is told what stands', async () => {
    const contract = terms();
    await record(contract);
    await reduce(contract, { day: '2027-02-01', amount: '50.0000' });
    expect(await record(contract)).toMatchObject([
      { type: 'RevenueScheduleRecorded', payload: { totalAmount: '300.0000' } },
    ]);
  });
});

it('keeps what the release before has booked', async () => {
  const old = await testDatabase([Finance1763800000000]);
  try {
    const before = await old.connect();
    const [standing, reversed] = [randomUUID(), randomUUID()];
    const run = (text: string) => before.pool.query(text);
    for (const id of [standing, reversed]) {
      await run(`INSERT INTO revenue_schedule VALUES ('${id}', '${id}', '${id}', '${id}', 1, '${id}', 'USD', 10, '2027-01-01',
        '2027-01-31', 1, now(), ${id === reversed ? 'now()' : 'NULL'})`);
      await run(
        `INSERT INTO revenue_schedule_entry VALUES ('${id}', 'recognition', 1, '2027-01-01', '2027-01-31', '2027-01-31', 'USD', 10)`,
      );
    }
    await run(
      `INSERT INTO revenue_schedule_entry VALUES ('${reversed}', 'reversal', 1, '2027-01-01', '2027-01-31', '2027-01-31', 'USD', -10)`,
    );
    await migrate({ url: old.url }, migrations);
    const found = await findSchedules(before, [standing, reversed], []);
    expect(new Map(found.map(({ scheduleId, ...head }) => [scheduleId, head]))).toMatchObject(
      new Map([
        [standing, { planVersion: 1, remainingAmount: '10.0000', recognisedFrom: null }],
        [reversed, { planVersion: 2, remainingAmount: '0.0000', recognisedFrom: null }],
      ]),
    );
    const entries = await findEntries(before, [reversed]);
    expect(entries.get(reversed)).toMatchObject([
      { kind: 'recognition', planVersion: 1, reason: 'recorded' },
      { kind: 'reversal', planVersion: 2, reason: 'reversed' },
    ]);
    await expect(run('DELETE FROM revenue_schedule_entry')).rejects.toThrow(/append-only/);
  } finally {
    await old.drop();
  }
});
