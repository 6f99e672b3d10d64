import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  opportunityIdOf,
  type DealHint,
  type DealReader,
  type DealSearch,
  type FoundDeal,
} from '@throughline/connectors/hubspot';
import { ThroughlineError } from '@throughline/contracts';
import {
  messagingMigrations,
  type EffectContext,
  type EffectResult,
  type Job,
  type Message,
  type MessagingTx,
  type OutgoingMessage,
} from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { testDatabase, type TestDatabase } from '@throughline/testing';
import { randomInt, randomUUID } from 'node:crypto';
import type { RevenueConfig } from './config.js';
import { findDeal } from './deal-store.js';
import { revenueMigrations } from './migrations/index.js';
import { readDeal, type ReadDealJob } from './read-deal.js';
import { storeWebhook } from './store-webhook.js';
import { advanceSweep, claimSweep, finishSweep } from './sweep-store.js';
import { Sweep } from './sweep.js';
import { updateOpportunity } from './update-opportunity.js';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await testDatabase([...messagingMigrations, ...revenueMigrations]);
  database = await test.connect();
});
afterAll(() => test.drop());

const portalId = '145';
const config = {
  HUBSPOT_PORTAL_ID: portalId,
  HUBSPOT_CLOSED_WON_STAGES: ['closedwon'],
  HUBSPOT_SWEEP_INTERVAL_MS: 0,
  HUBSPOT_SWEEP_OVERLAP_MS: 60_000,
  HUBSPOT_RECHECK_INTERVAL_MS: 3_600_000,
} as RevenueConfig;
const start = Date.parse('2026-11-22T10:00:00Z');
const at = (second: number): string => new Date(start + second * 1_000).toISOString();
const newDealId = (): string => String(randomInt(1e9, 1e12));

interface Done {
  emitted: OutgoingMessage[];
  enqueued: Job[];
}

/** Runs as the runtime does: one transaction, and what it sends and stores. */
async function transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<{ result: T } & Done> {
  const done: Done = { emitted: [], enqueued: [] };
  const result = await database.transaction((tx) =>
    fn({
      query: (...call) => tx.query(...call),
      emit: (messages) => void done.emitted.push(...messages),
      enqueue: (jobs) => void done.enqueued.push(...jobs),
      onCommit: () => {},
    }),
  );
  return { result, ...done };
}

async function settle(result: EffectResult | void): Promise<OutgoingMessage[]> {
  const { emitted } = await transaction(async (tx) => result?.apply?.(tx));
  return [...(result?.emit ?? []), ...emitted];
}

const context = {
  attempt: 1,
  signal: new AbortController().signal,
  idempotencyKey: (call: string) => call,
  once: ((_call, request, perform) => perform(request, 'key', { mayHaveRun: false })) as EffectContext['once'],
};

describe('webhook elements', () => {
  const hint = (change: Partial<DealHint> = {}): DealHint => ({
    id: randomUUID(),
    portalId,
    dealId: newDealId(),
    subscriptionType: 'deal.propertyChange',
    occurredAt: at(0),
    ...change,
  });

  it('are stored once, with one job per deal', async () => {
    const dealId = newDealId();
    const hints = [hint({ dealId }), hint({ dealId }), hint(), hint({ dealId: undefined as never })];
    const first = await transaction((tx) => storeWebhook(tx, hints));
    expect(first.result).toBe(4);
    expect(first.enqueued.map(({ key }) => key).sort()).toEqual([dealId, hints[2]!.dealId].sort());
    const again = await transaction((tx) => storeWebhook(tx, [...hints].reverse()));
    expect(again).toMatchObject({ result: 0, enqueued: [] });
  });

  it('are stored once by two instances at the same time, each in its own order', async () => {
    const hints = Array.from({ length: 50 }, () => hint());
    const both = await Promise.all(
      [hints, [...hints].reverse()].map((each) => transaction((tx) => storeWebhook(tx, each))),
    );
    expect(both[0]!.result + both[1]!.result).toBe(50);
    expect(both.flatMap(({ enqueued }) => enqueued)).toHaveLength(50);
  });
});

/** A CRM with one won deal. */
function crm(change: Record<string, string | null> = {}, modified = 2): DealReader {
  return {
    readDeal: async (id) => ({
      deal: {
        id,
        properties: {
          dealname: 'Acme',
          amount: '100',
          deal_currency_code: 'EUR',
          dealstage: 'closedwon',
          hs_lastmodifieddate: at(modified),
          ...change,
        },
        updatedAt: at(modified),
      },
      stageHistory: [
        { value: 'new', timestamp: at(0) },
        { value: 'closedwon', timestamp: at(1) },
      ],
      lineItemIds: ['9'],
      companyIds: ['7'],
    }),
    readLineItems: async () => [
      { id: '9', properties: { name: 'Platform', quantity: '1', price: '100', amount: '100' }, updatedAt: at(0) },
    ],
    readCompany: async () => ({ id: '7', properties: { name: 'Acme' }, updatedAt: at(0) }),
  };
}

const read = async (reader: DealReader, dealId: string, occurredAt = at(1_000)): Promise<EffectResult | void> => {
  const job: Job<ReadDealJob> = {
    type: 'ReadDeal',
    key: dealId,
    id: randomUUID(),
    payload: { dealId, foundBy: 'webhook', occurredAt },
  };
  return readDeal(reader, database, config, () => new Date(start))(job, context);
};

describe('ReadDeal', () => {
  it('emits a closing once, also where two instances read at the same time', async () => {
    const dealId = newDealId();
    const results = await Promise.all([read(crm(), dealId), read(crm(), dealId), read(crm(), dealId)]);
    const emitted = (await Promise.all(results.map(settle))).flat();
    expect(emitted.map(({ type }) => type)).toEqual(['OpportunityClosedWon']);
    expect(await settle(await read(crm({ throughline_order_number: 'SO-1' }, 9), dealId))).toEqual([]);
  });

  it('drops a snapshot that was overtaken between its reading and its transaction', async () => {
    const dealId = newDealId();
    const slow = await read(crm({ amount: '90' }, 2), dealId);
    expect((await settle(await read(crm({}, 5), dealId))).map(({ type }) => type)).toEqual(['OpportunityClosedWon']);
    expect(await settle(slow)).toEqual([]);
    expect((await findDeal(database, dealId))?.state).toMatchObject({ modifiedAt: at(5), isEditedAfterClose: false });
  });

  it('does not read again for a webhook that comes late or twice', async () => {
    const dealId = newDealId();
    await settle(await read(crm({}, 5), dealId));
    const unread: DealReader = { ...crm(), readDeal: () => Promise.reject(new Error('read again')) };
    expect(await read(unread, dealId, at(4))).toBeUndefined();
    await expect(read(unread, dealId, at(5))).rejects.toThrow('read again');
  });

  it('keeps what it knew of a deal that is deleted, and emits nothing for it', async () => {
    const dealId = newDealId();
    await settle(await read(crm(), dealId));
    const gone: DealReader = { ...crm(), readDeal: async () => undefined };
    expect(await settle(await read(gone, dealId))).toEqual([]);
    expect((await findDeal(database, dealId))?.state).toMatchObject({
      deletedAt: at(0),
      closings: [{ status: 'won' }],
    });
    expect(await settle(await read(gone, newDealId()))).toEqual([]);
  });

  it('is found by either id', async () => {
    const dealId = newDealId();
    await settle(await read(crm({ amount: '90' }), dealId));
    const known = await findDeal(database, dealId);
    expect(known?.state.closings).toEqual([
      {
        occurrence: 1,
        closedAt: at(1),
        status: 'rejected',
        rejection: expect.objectContaining({ reason: 'total-mismatch', field: 'amount', rejectedAt: at(0) }),
      },
    ]);
    expect(await findDeal(database, opportunityIdOf(portalId, dealId).toUpperCase())).toEqual(known);
    expect(await findDeal(database, "'; DROP TABLE deal")).toBeUndefined();
  });
});

describe('UpdateOpportunity', () => {
  const command = (opportunityId: string): Message<'UpdateOpportunity'> => ({
    type: 'UpdateOpportunity',
    payload: {
      opportunityId,
      occurrence: 1,
      orderId: randomUUID(),
      orderNumber: 'SO-1',
      invoiceId: randomUUID(),
      invoiceNumber: 'INV-1',
    },
    envelope: {
      id: randomUUID(),
      type: 'UpdateOpportunity',
      source: 'spec',
      subject: opportunityId,
      time: at(0),
      sequence: 1,
      correlationId: randomUUID(),
    },
  });

  it('writes the numbers back and says so', async () => {
    const dealId = newDealId();
    await settle(await read(crm(), dealId));
    const sent: unknown[] = [];
    const message = command(opportunityIdOf(portalId, dealId));
    const handle = updateOpportunity(
      { updateDeal: async (...call) => (sent.push(call.slice(0, 2)), { updatedAt: at(7) }) },
      database,
      config,
    );
    const [event] = await settle(await handle(message, context));
    expect(sent).toEqual([[dealId, { orderNumber: 'SO-1', invoiceNumber: 'INV-1' }]]);
    expect(event).toMatchObject({
      type: 'OpportunityUpdated',
      correlationId: message.envelope.correlationId,
      causationId: message.envelope.id,
      payload: {
        orderNumber: 'SO-1',
        updatedAt: at(7),
        externalIds: [{ system: 'hubspot', tenant: portalId, type: 'deal', id: dealId }],
      },
    });
    expect((await findDeal(database, dealId))?.writeBacks).toEqual([
      { occurrence: 1, orderNumber: 'SO-1', invoiceNumber: 'INV-1', writtenAt: at(7) },
    ]);
  });

  it.each([
    ['HUBSPOT_NOT_FOUND', 'deal-not-found'],
    ['HUBSPOT_REFUSED', 'refused-by-crm'],
  ])('turns %s into a refusal', async (code, reason) => {
    const dealId = newDealId();
    await settle(await read(crm(), dealId));
    const updateDeal = (): Promise<never> =>
      Promise.reject(new ThroughlineError('the deal was archived', { code, retry: 'never' }));
    const [event] = await settle(
      await updateOpportunity({ updateDeal }, database, config)(command(opportunityIdOf(portalId, dealId)), context),
    );
    expect(event).toMatchObject({
      type: 'OpportunityUpdateRejected',
      payload: { reason, message: 'the deal was archived' },
    });
  });

  it('refuses an opportunity it does not know, and passes on what may be better later', async () => {
    const updateDeal = (): Promise<never> =>
      Promise.reject(new ThroughlineError('down', { code: 'HUBSPOT_UNREACHABLE', retry: 'pause' }));
    const handle = updateOpportunity({ updateDeal }, database, config);
    expect(await settle(await handle(command(randomUUID()), context))).toMatchObject([
      { payload: { reason: 'unknown-opportunity' } },
    ]);
    const dealId = newDealId();
    await settle(await read(crm(), dealId));
    await expect(handle(command(opportunityIdOf(portalId, dealId)), context)).rejects.toMatchObject({ retry: 'pause' });
  });
});

describe('the sweep', () => {
  const search = (pages: FoundDeal[][], seen: string[] = []): DealSearch => ({
    searchDeals: async ({ filters }) => {
      seen.push(new Date(Number(filters[0]!.value)).toISOString());
      return pages.shift() ?? [];
    },
  });
  const sweeping = (hubspot: DealSearch, enqueued: Job[] = []): Sweep =>
    new Sweep({
      hubspot,
      database,
      messaging: {
        transaction: async (fn) => {
          const done = await transaction(fn);
          enqueued.push(...done.enqueued);
          return done.result;
        },
      },
      config,
      instanceId: randomUUID(),
      clock: () => new Date(start),
    });

  it('begins when it is put to use, then behind where it ended, and reads only what is newer than known', async () => {
    const seen: string[] = [];
    const [unknown, known, changed] = [newDealId(), newDealId(), newDealId()];
    await settle(await read(crm({}, 30), known));
    await settle(await read(crm({}, 30), changed));
    expect(await sweeping(search([], seen)).run()).toBe(0);
    const enqueued: Job[] = [];
    const found = [
      { id: known, stage: 'closedwon', modifiedAt: at(30) },
      { id: changed, stage: 'new', modifiedAt: at(31) },
      { id: unknown, stage: 'closedwon', modifiedAt: at(90) },
    ];
    expect(await sweeping(search([found], seen), enqueued).run()).toBe(2);
    expect(enqueued).toMatchObject([
      { type: 'ReadDeal', key: changed, id: `sweep:${changed}:${at(31)}` },
      { type: 'ReadDeal', key: unknown, id: `sweep:${unknown}:${at(90)}` },
    ]);
    await sweeping(search([], seen)).run();
    expect(seen).toEqual([at(-60), at(-60), at(30)]);
  });

  it('looks again at deals that stand rejected, a few at a time, longest ago first, and none twice within the interval', async () => {
    const age = {
      name: 'spec-age',
      text: "UPDATE deal SET read_at = now() - $2 * interval '1 hour' WHERE deal_id = $1",
    };
    const rejected = Array.from({ length: 11 }, newDealId);
    for (const [n, dealId] of rejected.entries()) {
      await settle(await read(crm({ amount: '90' }), dealId));
      await database.query(age, [dealId, 50 - n]);
    }
    // Not these: won, deleted, rejected and then reopened.
    const gone: DealReader = { ...crm(), readDeal: async () => undefined };
    const [won, deleted, reopened] = [newDealId(), newDealId(), newDealId()];
    await settle(await read(crm(), won));
    await settle(await read(crm({ amount: '90' }), deleted));
    await settle(await read(gone, deleted));
    await settle(await read(crm({ amount: '90' }), reopened));
    const stageHistory = ['new', 'closedwon', 'new'].map((value, n) => ({ value, timestamp: at(n) }));
    const { readDeal: readWon } = crm({ dealstage: 'new' }, 3);
    const back: DealReader = {
      ...crm(),
      readDeal: async (...call) => ({ ...(await readWon(...call))!, stageHistory }),
    };
    await settle(await read(back, reopened));
    for (const dealId of [won, deleted, reopened]) await database.query(age, [dealId, 99]);

    const sweeps: string[][] = [];
    for (let n = 0; n < 3; n++) {
      const enqueued: Job[] = [];
      expect(await sweeping(search([]), enqueued).run()).toBe(enqueued.length);
      expect(enqueued.every(({ type, payload }) => type === 'ReadDeal' && (payload as ReadDealJob).dealId)).toBe(true);
      sweeps.push(enqueued.map(({ key }) => key).sort());
    }
    expect(sweeps).toEqual([rejected.slice(0, 10).sort(), rejected.slice(10), []]);
  });

  it('is made by one instance at a time, and not before it is due', async () => {
    const limits = { leaseMs: 60_000, intervalMs: 0 };
    const claims = await Promise.all(
      ['a', 'b', 'c'].map(async (holder) => ((await claimSweep(database, holder, limits)) ? holder : undefined)),
    );
    const [holder, ...others] = claims.filter((claim) => claim !== undefined);
    expect(others).toEqual([]);
    expect(await advanceSweep(database, 'somebody else', at(999), 60_000)).toBe(false);
    await finishSweep(database, holder!);
    expect(await claimSweep(database, 'd', { ...limits, intervalMs: 60_000 })).toBeUndefined();
    expect(await claimSweep(database, 'd', limits)).toBeDefined();
    await finishSweep(database, 'd');
  });

  it('is taken over from an instance that vanished, which then records nothing any more', async () => {
    const limits = { leaseMs: 0, intervalMs: 0 };
    await claimSweep(database, 'vanished', limits);
    expect(await claimSweep(database, 'successor', { ...limits, leaseMs: 60_000 })).toBeDefined();
    expect(await advanceSweep(database, 'vanished', at(5_000), 60_000)).toBe(false);
    expect(
      (
        await database.query<{ swept_until: Date }>({ name: 'spec-sweep', text: 'SELECT swept_until FROM sweep' })
      )[0]?.swept_until.toISOString(),
    ).not.toBe(at(5_000));
    await finishSweep(database, 'successor');
  });

  it('gives the lease back when HubSpot fails, and has recorded the pages before', async () => {
    let calls = 0;
    const failing: DealSearch = {
      searchDeals: async ({ limit }) => {
        calls += 1;
        if (calls === 2) throw new ThroughlineError('down', { code: 'HUBSPOT_UNREACHABLE', retry: 'pause' });
        return Array.from({ length: limit }, (_, n) => ({ id: newDealId(), stage: 'new', modifiedAt: at(200 + n) }));
      },
    };
    await expect(sweeping(failing).run()).rejects.toMatchObject({ code: 'HUBSPOT_UNREACHABLE' });
    const seen: string[] = [];
    expect(await sweeping(search([], seen)).run()).toBe(0);
    expect(seen).toEqual([at(399 - 60)]);
  });
});
