import { once } from 'node:events';
import { createRequire } from 'node:module';
import net, { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { logger } from '@throughline/telemetry';
import { kafkaClient } from '../kafka/client.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { Progress } from '../progress.js';
import { defineRoutes, effect } from '../routes.js';
import { Consumer } from './consumer.js';

interface Encoder {
  buffer: Buffer;
  writeInt8(n: number): Encoder;
  writeInt16(n: number): Encoder;
  writeInt32(n: number): Encoder;
  writeInt64(n: number): Encoder;
  writeString(text: string | null): Encoder;
  writeBytes(bytes: Buffer): Encoder;
  writeArray(of: Encoder[]): Encoder;
  writeArray(of: number[], type: 'int32'): Encoder;
}
const require = createRequire(import.meta.url);
const NewEncoder = require('kafkajs/src/protocol/encoder.js') as new () => Encoder;
const { prototype: connections } = require('kafkajs/src/network/connection.js') as {
  prototype: { connect(): Promise<unknown>; send(of: object): Promise<unknown> };
};
const encoder = (): Encoder => new NewEncoder();

const TOPIC = catalog.CancelOrder.topic;
/** Kafka's protocol: keys, and the newest version that this broker knows. */
const APIS = {
  ListOffsets: [2, 1],
  Metadata: [3, 6],
  OffsetFetch: [9, 1],
  FindCoordinator: [10, 0],
  JoinGroup: [11, 0],
  Heartbeat: [12, 0],
  LeaveGroup: [13, 0],
  SyncGroup: [14, 0],
  ApiVersions: [18, 2],
  Fetch: [1, 11],
} as const;
type Api = keyof typeof APIS;
type Fault = 'silent' | 'closes' | 'resets' | 'late';

/** A broker of one member and one partition, that fails at one kind of request. */
class FakeBroker {
  readonly server: Server = createServer((socket) => this.serve(socket));
  readonly sockets = new Set<Socket>();
  isMet = Promise.withResolvers<void>();
  asked: Api[] = [];

  constructor(private readonly fault: { at: Api | 'connect' | undefined; fault: Fault }) {}

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    if (this.fault.at === 'connect') return this.fail(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const size = 4 + bytes.readInt32BE(0);
        this.answer(socket, bytes.subarray(4, size));
        bytes = bytes.subarray(size);
      }
    });
  }

  private fail(socket: Socket): void {
    this.isMet.resolve();
    if (this.fault.fault === 'closes') socket.end();
    if (this.fault.fault === 'resets') socket.resetAndDestroy();
  }

  private answer(socket: Socket, request: Buffer): void {
    const [apiKey, correlationId] = [request.readInt16BE(0), request.readInt32BE(4)];
    const [api] = Object.entries(APIS).find(([, [key]]) => key === apiKey)! as [Api, unknown];
    this.asked.push(api);
    const isLate = this.fault.fault === 'late';
    if (api === this.fault.at) this.fail(socket);
    if (api === this.fault.at && !isLate) return;
    const answer = this.answerTo(api);
    const head = Buffer.alloc(8);
    head.writeInt32BE(answer.buffer.length + 4, 0);
    head.writeInt32BE(correlationId, 4);
    const send = (): void => void socket.write(Buffer.concat([head, answer.buffer]));
    if (api === this.fault.at) setTimeout(send, 300);
    else if (api === 'Fetch') setTimeout(send, 50);
    else send();
    if (this.fault.at === undefined && api === 'Fetch') this.isMet.resolve();
  }

  private answerTo(api: Api): Encoder {
    const place = encoder().writeInt32(0).writeInt16(0).writeInt64(-1).writeInt64(0);
    switch (api) {
      case 'ApiVersions': {
        const known = Object.values(APIS).map(([key, max]) => encoder().writeInt16(key).writeInt16(0).writeInt16(max));
        return encoder().writeInt16(0).writeArray(known).writeInt32(0);
      }
      case 'Metadata': {
        const node = encoder().writeInt32(1).writeString('127.0.0.1').writeInt32(this.port).writeString(null);
        const partition = encoder().writeInt16(0).writeInt32(0).writeInt32(1);
        for (let n = 0; n < 2; n++) partition.writeArray([1], 'int32');
        partition.writeArray([], 'int32');
        const topic = encoder().writeInt16(0).writeString(TOPIC).writeInt8(0).writeArray([partition]);
        return encoder().writeInt32(0).writeArray([node]).writeString('c').writeInt32(1).writeArray([topic]);
      }
      case 'FindCoordinator':
        return encoder().writeInt16(0).writeInt32(1).writeString('127.0.0.1').writeInt32(this.port);
      case 'JoinGroup':
        return encoder()
          .writeInt16(0)
          .writeInt32(1)
          .writeString('RoundRobinAssigner')
          .writeString('other')
          .writeString('me')
          .writeArray([]);
      case 'SyncGroup': {
        const topic = encoder().writeString(TOPIC).writeArray([0], 'int32');
        const assignment = encoder().writeInt16(0).writeArray([topic]).writeBytes(Buffer.alloc(0));
        return encoder().writeInt16(0).writeBytes(assignment.buffer);
      }
      case 'OffsetFetch': {
        const none = encoder().writeInt32(0).writeInt64(-1).writeString('').writeInt16(0);
        return encoder().writeArray([encoder().writeString(TOPIC).writeArray([none])]);
      }
      case 'ListOffsets':
        return encoder().writeArray([encoder().writeString(TOPIC).writeArray([place])]);
      case 'Fetch':
        return encoder().writeInt32(0).writeInt16(0).writeInt32(7).writeArray([]);
      default:
        return encoder().writeInt16(0);
    }
  }
}

/** Milliseconds. */
const GRACE_MS = 1_500;
const BOUND_MS = GRACE_MS + 2_500;
/** kafkajs waits for no longer than 2 s before it tries again. */
const QUIET_MS = 2_500;

describe('a stop is over within its bound, and nothing is heard of it later', () => {
  const brokers: FakeBroker[] = [];
  let logged: unknown[];
  let used: string[];

  beforeEach(() => {
    logged = [];
    used = [];
    kafkaClient({ brokers: ['127.0.0.1:1'], clientId: 'spec' }, logger('spec', { level: 'silent' })); // kafkajs is patched
    for (const name of ['connect', 'send'] as const) {
      const original = Object.getOwnPropertyDescriptor(connections, name)!.value as (of?: object) => Promise<unknown>;
      jest.spyOn(connections, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
        used.push(name);
        return original.apply(this, args as [object]);
      });
    }
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  });

  function consumerOf(port: number): Consumer {
    const log = logger('spec', { level: 'silent' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      jest.spyOn(log, level).mockImplementation((...of: unknown[]) => void logged.push(of));
    return new Consumer({
      kafka: kafkaClient({ brokers: [`127.0.0.1:${port}`], clientId: 'spec' }, log),
      routes: defineRoutes({ group: 'spec', routes: { CancelOrder: effect(async () => {}, { dependency: 'x' }) } }),
      topicPrefix: '',
      limits: DEFAULT_LIMITS,
      progress: new Progress('consumer', () => 0),
      log,
      take: () => Promise.resolve(),
      backlog: () => 0,
      now: Date.now,
    });
  }
  async function stopTakesMs(consumer: Consumer): Promise<number> {
    const began = performance.now();
    await consumer.stop(GRACE_MS);
    return performance.now() - began;
  }
  async function isQuiet(): Promise<void> {
    logged.length = used.length = 0;
    await sleep(QUIET_MS);
    expect([logged, used]).toEqual([[], []]);
    expect(brokers.filter(({ sockets }) => sockets.size > 0).length).toBe(0);
  }

  it('also where it takes part, and all answers', async () => {
    const broker = new FakeBroker({ at: undefined, fault: 'silent' });
    brokers.push(broker);
    await broker.start();
    const consumer = consumerOf(broker.port);
    consumer.start();
    await broker.isMet.promise;
    expect(await stopTakesMs(consumer)).toBeLessThan(GRACE_MS);
    expect(broker.asked).toContain('LeaveGroup');
    await isQuiet();
  }, 20_000);

  it.each(['silent', 'closes', 'resets'] as const)(
    'whatever the broker does not answer: %s',
    async (fault) => {
      const points = ['connect', ...Object.keys(APIS).filter((api) => api !== 'Heartbeat')] as (Api | 'connect')[];
      const stopping = points.map(async (at) => {
        const broker = new FakeBroker({ at, fault });
        brokers.push(broker);
        await broker.start();
        const consumer = consumerOf(broker.port);
        consumer.start();
        // It leaves only when it stops.
        if (at !== 'LeaveGroup') await broker.isMet.promise;
        else while (!broker.asked.includes('Fetch')) await sleep(5);
        return { at, took: await stopTakesMs(consumer) };
      });
      const took = await Promise.all(stopping);
      expect(took.filter(({ took }) => took > BOUND_MS + 500)).toEqual([]);
      await isQuiet();
    },
    30_000,
  );

  it.each(['JoinGroup', 'SyncGroup'] as const)(
    'while it is on its way into the group, which it leaves: %s',
    async (at) => {
      const broker = new FakeBroker({ at, fault: 'late' });
      brokers.push(broker);
      await broker.start();
      const consumer = consumerOf(broker.port);
      consumer.start();
      await broker.isMet.promise;
      expect(await stopTakesMs(consumer)).toBeLessThan(GRACE_MS);
      expect(broker.asked).toContain('LeaveGroup');
      await isQuiet();
    },
    20_000,
  );

  it('while a leader is asked, aside from the fetches, where to begin', async () => {
    const broker = new FakeBroker({ at: 'ListOffsets', fault: 'silent' });
    brokers.push(broker);
    await broker.start();
    const consumer = consumerOf(broker.port);
    consumer.start();
    await broker.isMet.promise;
    await sleep(6_500); // 4 s until it is taken for one that is away, 1 s to the next time, and 1 s more for the fetch
    expect(await stopTakesMs(consumer)).toBeLessThan(BOUND_MS + 500);
    await isQuiet();
  }, 30_000);

  it('while it connects to a host that says nothing', async () => {
    const made: Socket[] = [];
    jest.spyOn(net, 'connect').mockImplementation((() => {
      made.push(new net.Socket());
      return made.at(-1);
    }) as never);
    const consumer = consumerOf(1);
    consumer.start();
    while (made.length === 0) await sleep(5);
    expect(await stopTakesMs(consumer)).toBeLessThan(500);
    await isQuiet();
    expect(made.every(({ destroyed }) => destroyed)).toBe(true);
  }, 20_000);

  it('while it waits before it tries again', async () => {
    const consumer = consumerOf(1);
    jest.spyOn(Math, 'random').mockReturnValue(1);
    consumer.start();
    while (!logged.some((of) => JSON.stringify(of).includes('Cannot consume yet'))) await sleep(20);
    expect(await stopTakesMs(consumer)).toBeLessThan(500);
    await isQuiet();
  }, 30_000);
});
