import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message, type Messaging, type OutgoingMessage } from './index.js';

jest.setTimeout(90_000);

const note = {
  name: 'note',
  text: 'INSERT INTO noted (correlation, said) SELECT * FROM unnest($1::text[], $2::text[])',
};

describe.each([
  ['', false],
  [', also where the handler is called ahead', true],
])(
  'no-overtaking: once a message waits, everything of its correlation id waits behind it, from whichever topic%s',
  (_, ahead) => {
    let harness: MessagingHarness;
    let instances: Messaging[];
    /** What fails for now, as `correlation said`. */
    const failing = new Set<string>();
    /** Holds the transaction of a handler open, by `correlation said`. */
    const gates = new Map<string, Promise<void>>();

    beforeAll(async () => {
      harness = await messagingHarness(['OrderCancelled', 'OpportunityReopened']);
      await harness.rows('CREATE TABLE noted (id serial, correlation text, said text)');
      const handle = state(
        async (messages: Message<'OrderCancelled' | 'OpportunityReopened'>[], tx) => {
          const all = messages.map(({ type, payload, envelope }) => ({
            correlation: envelope.correlationId,
            said: `${type === 'OrderCancelled' ? 'order' : 'deal'} ${payload.occurrence}`,
          }));
          for (const { correlation, said } of all) {
            if (!failing.has(`${correlation} ${said}`)) continue;
            throw new ThroughlineError('not now', { code: 'NOT_NOW', retry: 'later' });
          }
          await tx.query(note, [all.map(({ correlation }) => correlation), all.map(({ said }) => said)]);
          for (const { correlation, said } of all) await gates.get(`${correlation} ${said}`);
        },
        { ahead, retry: { maxAttempts: 1_000, backoffMs: [20, 60] } },
      );
      const routes = defineRoutes({
        group: harness.topics.group,
        orderBy: 'correlationId',
        emits: ['OrderCancelled', 'OpportunityReopened'],
        routes: { OrderCancelled: handle, OpportunityReopened: handle },
      });
      // Two, so that the topics of one correlation id are often read by different instances.
      instances = await Promise.all([harness.service(routes), harness.service(routes)]);
      await until('ready', () => instances.every((instance) => instance.health().ready));
    });
    afterAll(() => harness.close());

    const send = (...messages: OutgoingMessage[]): Promise<void> =>
      instances[0]!.transaction(async (tx) => tx.emit(messages));
    const order = (correlationId: string, n: number, orderId = correlationId): OutgoingMessage => ({
      ...orderCancelled(orderId, { occurrence: n }),
      correlationId,
    });
    const deal = (correlationId: string, n: number, opportunityId: string = randomUUID()): OutgoingMessage => ({
      type: 'OpportunityReopened',
      payload: {
        opportunityId,
        occurrence: n,
        stage: 'open',
        reopenedAt: '2026-11-22T10:00:00.000Z',
        externalIds: [],
        sourceVersion: String(n),
      },
      correlationId,
    });
    const noted = async (correlation: string): Promise<string[]> =>
      (
        await harness.rows<{ said: string }>('SELECT said FROM noted WHERE correlation = $1 ORDER BY id', [correlation])
      ).map(({ said }) => said);
    const waiting = async (correlation: string): Promise<number> =>
      (await harness.rows('SELECT 1 FROM work WHERE key = $1', [correlation])).length;

    it('the key in the topic may be another one, and may be shared with what flows', async () => {
      const [waits, flows] = [randomUUID(), randomUUID()];
      const orderId = randomUUID();
      failing.add(`${waits} order 1`);
      await send(order(waits, 1, orderId));
      await until('it waits', async () => (await waiting(waits)) === 1);
      await send(deal(waits, 2), order(flows, 1, orderId));
      await until('what is not about it flows', async () => (await noted(flows)).length === 1);
      await until('what is about it lined up', async () => (await waiting(waits)) === 2);
      failing.clear();
      await until('both came', async () => (await noted(waits)).length === 2);
      expect(await noted(waits)).toEqual(['order 1', 'deal 2']);
    });

    it('a newcomer that arrives while the last one is being released is handled after it', async () => {
      const correlation = randomUUID();
      failing.add(`${correlation} order 1`);
      await send(order(correlation, 1));
      await until('it waits', async () => (await waiting(correlation)) === 1);
      let open = (): void => undefined;
      gates.set(`${correlation} order 1`, new Promise((resolve) => (open = resolve)));
      failing.clear();
      await send(deal(correlation, 2));
      await until('the newcomer has met the release', async () => {
        const locked = await harness.rows(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return locked.length > 0 || (await waiting(correlation)) === 2;
      });
      expect(await noted(correlation)).toEqual([]);
      open();
      await until('both came', async () => (await noted(correlation)).length === 2);
      expect(await noted(correlation)).toEqual(['order 1', 'deal 2']);
    });

    it('under disorder between the topics, with failures at any of them', async () => {
      const correlations = Array.from({ length: 25 }, () => ({ id: randomUUID(), opportunityId: randomUUID() }));
      for (const { id } of correlations) failing.add(`${id} order 1`);
      await send(...correlations.map(({ id }) => order(id, 1)));
      await until('all wait', async () => {
        const waits = await Promise.all(correlations.map(({ id }) => waiting(id)));
        return waits.every((n) => n === 1);
      });
      for (let n = 2; n <= 8; n++) {
        const ofTopic = correlations.flatMap(({ id, opportunityId }) => [deal(id, n, opportunityId), order(id, n)]);
        if (n === 4) failing.clear(); // the first are released while the others arrive
        if (n === 5) for (const { id } of correlations) failing.add(`${id} deal 5`);
        if (n === 7) failing.clear();
        // Each topic in its order; which of the two comes first is chance.
        await send(...ofTopic.sort(() => Math.random() - 0.5));
      }
      await until('all came', async () => (await harness.rows('SELECT 1 FROM noted')).length >= 25 * 15 + 5);
      for (const { id } of correlations) {
        const said = await noted(id);
        expect(said).toHaveLength(15);
        expect(said[0]).toBe('order 1');
        expect(said.filter((it) => it.startsWith('order'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `order ${n}`));
        expect(said.filter((it) => it.startsWith('deal'))).toEqual([2, 3, 4, 5, 6, 7, 8].map((n) => `deal ${n}`));
      }
      expect(await harness.rows('SELECT 1 FROM work_key')).toEqual([]);
      expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
    });
  },
);
