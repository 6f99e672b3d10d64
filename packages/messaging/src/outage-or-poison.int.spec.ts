import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { cancelOrder, messagingHarness, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, effect, job, type Job, type Message, type Messaging } from './index.js';

jest.setTimeout(60_000);

/** A vendor over HTTP that misbehaves on demand. */
class Vendor {
  /** What every request meets. */
  mode: 'up' | 'breaks' | 'hangs' | 'fails' | 'fails-writes' = 'up';
  /** What a write meets whose order is listed. */
  readonly poison = new Map<string, 'breaks' | 'fails'>();
  readonly cancelled: string[] = [];
  probes = 0;
  writes = 0;
  private port = 0;
  private readonly server = createServer((request, response) => this.serve(request, response));

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Connections are refused. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async call(method: 'GET' | 'POST', path: string, signal: AbortSignal): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, signal }).catch((error: Error) => {
      throw new ThroughlineError(error.message, { code: 'VENDOR_UNREACHABLE', retry: 'pause', cause: error });
    });
    if (!answer.ok) throw new ThroughlineError(`${answer.status}`, { code: 'VENDOR_FAILED', retry: 'later' });
  }

  private serve({ method, url }: IncomingMessage, response: ServerResponse): void {
    const write = method === 'POST';
    if (write) this.writes++;
    else this.probes++;
    const order = url!.slice(1);
    const does = (write && this.poison.get(order)) || this.mode;
    if (does === 'hangs') return;
    if (does === 'breaks') return void response.destroy();
    if (does === 'fails' || (write && does === 'fails-writes')) return void response.writeHead(500).end();
    if (write) this.cancelled.push(order);
    response.writeHead(200).end();
  }
}

describe('outage-or-poison: evidence tells a vendor that is away from a message that it cannot take', () => {
  let harness: MessagingHarness;
  let messaging: Messaging;
  const vendor = new Vendor();

  beforeAll(async () => {
    await vendor.start();
    harness = await messagingHarness(['CancelOrder']);
    const cancel = effect(
      ({ payload }: Message<'CancelOrder'>, { signal }) => vendor.call('POST', `/${payload.orderId}`, signal),
      // One failed attempt that counts, and it is a dead letter.
      { dependency: 'vendor:spec', timeoutMs: 500, retry: { maxAttempts: 1 }, onDeadLetter: 'continue' },
    );
    messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['CancelOrder'],
        dependencies: {
          'vendor:spec': { probe: (signal) => vendor.call('GET', '/', signal), probeTimeoutMs: 300 },
        },
        routes: { CancelOrder: cancel },
      }),
    );
    await until('ready', () => messaging.health().ready);
  });
  afterAll(async () => {
    await harness.close();
    await vendor.stop();
  });
  afterEach(async () => {
    vendor.mode = 'up';
    vendor.poison.clear();
    await harness.rows('DELETE FROM dead_letter');
  });

  const send = (...orders: string[]): Promise<void> =>
    messaging.transaction(async (tx) => tx.emit(orders.map((order) => cancelOrder(order, 'x'))));
  const work = () => messaging.health().work['vendor:spec']!;
  const letters = (): Promise<{ error_code: string; key: Buffer; attempts: number }[]> =>
    harness.rows('SELECT error_code, key, attempts FROM dead_letter');

  it.each([
    ['refuses connections', () => vendor.stop(), () => vendor.start()],
    ['breaks connections', async () => void (vendor.mode = 'breaks'), async () => void (vendor.mode = 'up')],
    [
      'takes requests and never answers',
      async () => void (vendor.mode = 'hangs'),
      async () => void (vendor.mode = 'up'),
    ],
    ['answers everything with 500', async () => void (vendor.mode = 'fails'), async () => void (vendor.mode = 'up')],
  ])('a vendor that %s: the only message in quiet traffic waits, uncounted', async (_, breakIt, mendIt) => {
    const order = randomUUID();
    await breakIt();
    await send(order);
    await until('it is paused', () => work().paused);
    const { writes } = vendor;
    expect(messaging.health()).toMatchObject({ ready: true, waits: ['vendor:spec is down: its work waits'] });
    const { probes } = vendor;
    if (vendor.mode !== 'up') await until('it was asked again', () => vendor.probes > probes);
    expect(work().paused).toBe(true);
    expect(vendor.writes).toBe(writes); // only its probe calls it
    await mendIt();
    await until('it went on', () => vendor.cancelled.includes(order));
    expect(await letters()).toEqual([]);
  });

  it('a vendor that takes no write although its probe succeeds: most of many keys fail, and none is given up for it', async () => {
    const orders: string[] = Array.from({ length: 40 }, () => randomUUID());
    vendor.mode = 'fails-writes';
    await send(...orders);
    await until('it is paused', () => work().pausedBecause === 'many-fail');
    const { writes } = vendor;
    await until('one row is tried', () => vendor.writes > writes);
    vendor.mode = 'up';
    await until(
      'the others went on',
      async () => vendor.cancelled.filter((it) => orders.includes(it)).length + (await letters()).length === 40,
    );
    // Before there are many, each is judged by itself: with a single attempt allowed, these are lost to it.
    expect((await letters()).length).toBeLessThanOrEqual(4);
  });

  it.each(['breaks', 'fails'] as const)(
    'a message whose call always %s, among good ones, while the vendor is up: it alone is given up, and nothing pauses',
    async (does) => {
      const poison = randomUUID();
      const good = Array.from({ length: 20 }, () => randomUUID());
      vendor.poison.set(poison, does);
      const watched: boolean[] = [];
      await send(...good.slice(0, 10), poison, ...good.slice(10));
      const found = await until('it is given up', async () => {
        watched.push(work().paused);
        const all = await letters();
        return all.length > 0 && all;
      });
      await until('the others are through', () => good.every((order) => vendor.cancelled.includes(order)));
      expect(found).toEqual([
        {
          error_code: does === 'breaks' ? 'VENDOR_UNREACHABLE' : 'VENDOR_FAILED',
          key: Buffer.from(poison),
          attempts: 1,
        },
      ]);
      expect(await letters()).toHaveLength(1);
      expect(watched).not.toContain(true);
    },
  );

  it('a vendor without a probe, where the row that it is tried with fails: another one tells that it is up', async () => {
    const ran: string[] = [];
    const told: Record<string, 'pause' | 'later'> = { first: 'pause', second: 'later' };
    const ship = job(
      async ({ id }: Job) => {
        const attempt = ran.push(id) === 1 ? 'first' : 'second';
        const retry = id === 'poison' ? told[attempt] : undefined;
        if (retry) throw new ThroughlineError('not now', { code: 'VENDOR_FAILED', retry });
      },
      { dependency: 'carrier', retry: { maxAttempts: 1 } },
    );
    const without = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-carrier`, jobs: { Ship: ship } }),
      {
        service: 'carrier',
        database: await harness.otherDatabase(),
      },
    );
    await until('ready', () => without.health().ready);
    const store = (id: string): Promise<void> =>
      without.transaction(async (tx) => tx.enqueue([{ type: 'Ship', key: id, id, payload: {} }]));
    await store('poison');
    await until('it is paused', () => without.health().work['carrier']!.paused);
    await store('good');
    await until('it goes on', () => !without.health().work['carrier']!.paused && ran.includes('good'));
    expect(ran).toEqual(['poison', 'poison', 'good']);
  });
});
