import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { logger } from '@throughline/telemetry';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaClient } from './client.js';
import { partitionEnds, type PartitionEnds } from './partition-ends.js';

const require = createRequire(import.meta.url);
interface Encoder {
  buffer: Buffer;
  writeInt8(n: number): Encoder;
  writeInt16(n: number): Encoder;
  writeInt32(n: number): Encoder;
  writeInt64(n: number): Encoder;
  writeString(text: string | null): Encoder;
  writeArray(of: Encoder[]): Encoder;
  writeArray(of: number[], type: 'int32'): Encoder;
}
const NewEncoder = require('kafkajs/src/protocol/encoder.js') as new () => Encoder;
const TOPIC = 't';
const [LIST_OFFSETS, METADATA, API_VERSIONS] = [2, 3, 18];
const [NOT_LEADER, LEADER_NOT_AVAILABLE] = [6, 5];

/** A broker as far as it tells who leads what and where partitions end. */
class FakeBroker {
  readonly server: Server = createServer((socket) => this.serve(socket));
  readonly sockets = new Set<Socket>();
  isSilent = false;
  /** Connections on which nothing is answered any more. */
  readonly dead = new Set<Socket>();
  /** Error codes by partition. */
  errors: Record<number, number> = {};
  metadataAsked = 0;

  constructor(
    readonly nodeId: number,
    private readonly metadata: () => Encoder,
  ) {}

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
    socket.on('error', () => undefined);
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

  private answer(socket: Socket, request: Buffer): void {
    const [apiKey, correlationId] = [request.readInt16BE(0), request.readInt32BE(4)];
    const body = request.subarray(10 + request.readInt16BE(8));
    if (this.dead.has(socket)) return;
    if (this.isSilent && apiKey !== API_VERSIONS) return;
    if (apiKey === METADATA) this.metadataAsked++;
    const answer =
      apiKey === API_VERSIONS ? versions() : apiKey === METADATA ? this.metadata() : this.listOffsets(apiKey, body);
    const head = Buffer.alloc(8);
    head.writeInt32BE(answer.buffer.length + 4, 0);
    head.writeInt32BE(correlationId, 4);
    socket.write(Buffer.concat([head, answer.buffer]));
  }

  /** Of one topic. The oldest offset is the partition's number, the end a hundred more. */
  private listOffsets(apiKey: number, body: Buffer): Encoder {
    expect(apiKey).toBe(LIST_OFFSETS);
    let at = 8 + 2 + body.readInt16BE(8);
    const partitions: Encoder[] = [];
    for (let n = body.readInt32BE(at); n > 0; n--) {
      const partition = body.readInt32BE(at + 4);
      const offset = partition + (body.readBigInt64BE(at + 8) === -2n ? 0 : 100);
      at += 12;
      const of = new NewEncoder().writeInt32(partition).writeInt16(this.errors[partition] ?? 0);
      partitions.push(of.writeInt64(-1).writeInt64(this.errors[partition] ? -1 : offset));
    }
    return new NewEncoder().writeArray([new NewEncoder().writeString(TOPIC).writeArray(partitions)]);
  }
}

function versions(): Encoder {
  const known = [[LIST_OFFSETS, 3], [METADATA, 6], [API_VERSIONS, 2]]; // prettier-ignore
  const entries = known.map(([key, max]) => new NewEncoder().writeInt16(key!).writeInt16(0).writeInt16(max!));
  return new NewEncoder().writeInt16(0).writeArray(entries).writeInt32(0);
}

describe('partitionEnds, with a broker that is away', () => {
  let brokers: FakeBroker[];
  /** By partition. */
  let leaders: number[];
  let kafka: Kafka;
  let ends: PartitionEnds;

  beforeEach(async () => {
    leaders = [1, 2, 1, 2];
    const metadata = (): Encoder => {
      const nodes = brokers.map(({ nodeId, port }) =>
        new NewEncoder().writeInt32(nodeId).writeString('127.0.0.1').writeInt32(port).writeString(null),
      );
      const partitions = leaders.map((leader, id) => {
        const error = leader === -1 ? LEADER_NOT_AVAILABLE : 0;
        const of = new NewEncoder().writeInt16(error).writeInt32(id).writeInt32(leader);
        return of.writeArray([1], 'int32').writeArray([1], 'int32').writeArray([], 'int32');
      });
      const topic = new NewEncoder().writeInt16(0).writeString(TOPIC).writeInt8(0).writeArray(partitions);
      return new NewEncoder().writeInt32(0).writeArray(nodes).writeString('c').writeInt32(1).writeArray([topic]);
    };
    brokers = [new FakeBroker(1, metadata), new FakeBroker(2, metadata)];
    for (const { server } of brokers) await once(server.listen(0, '127.0.0.1'), 'listening');
    kafka = kafkaClient(
      { brokers: [`127.0.0.1:${brokers[0]!.port}`], clientId: 'spec' },
      logger('spec', { level: 'silent' }),
    );
    ends = partitionEnds(kafka);
  });
  afterEach(async () => {
    await Promise.all(brokers.map((broker) => broker.close()));
    await ends.close();
  });

  const place = (partition: number) => ({ topic: TOPIC, partition });

  it('asks each broker for what it leads, so that the one that is there answers', async () => {
    const led = await ends.leaders([TOPIC]);
    expect(led).toEqual([
      { nodeId: 1, partitions: [place(0), place(2)] },
      { nodeId: 2, partitions: [place(1), place(3)] },
    ]);
    expect(await ends.places(led[1]!, 'end')).toEqual([{ ...place(1), offset: '101' }, { ...place(3), offset: '103' }]); // prettier-ignore
    await brokers.pop()!.close();
    await expect(ends.places(led[1]!, 'end')).rejects.toThrow();
    expect(await ends.places(led[0]!, 'end')).toEqual([{ ...place(0), offset: '100' }, { ...place(2), offset: '102' }]); // prettier-ignore
    expect(await ends.places(led[0]!, 'oldest')).toEqual([{ ...place(0), offset: '0' }, { ...place(2), offset: '2' }]); // prettier-ignore
  });

  it('knows the other partitions of a broker that refuses one', async () => {
    brokers[0]!.errors = { 2: NOT_LEADER };
    const [led] = await ends.leaders([TOPIC]);
    expect(await ends.places(led!, 'end')).toEqual([
      { ...place(0), offset: '100' },
      { ...place(2), offset: undefined },
    ]);
  });

  it('asks over another connection where one brings no answer any more', async () => {
    const impatient = new Kafka({
      brokers: [`127.0.0.1:${brokers[0]!.port}`],
      ...{ requestTimeout: 1_000, enforceRequestTimeout: true, logLevel: logLevel.NOTHING },
    });
    await ends.close();
    ends = partitionEnds(impatient);
    const [led] = await ends.leaders([TOPIC]);
    for (const socket of brokers[0]!.sockets) brokers[0]!.dead.add(socket);
    await expect(ends.places(led!, 'end')).rejects.toThrow('timed out');
    expect(await ends.places(led!, 'end')).toHaveLength(2);
  });

  it('tells apart what has no leader', async () => {
    leaders = [1, -1, 1, -1];
    const led = await ends.leaders([TOPIC]);
    expect(led).toContainEqual({ nodeId: 1, partitions: [place(0), place(2)] });
    expect(led).toContainEqual({ nodeId: undefined, partitions: [place(1), place(3)] });
  });

  it('goes by what it knew of leaders where nobody says who leads now', async () => {
    const before = await ends.leaders([TOPIC]);
    for (const broker of brokers) broker.isSilent = true;
    expect(await ends.leaders([TOPIC])).toEqual(before);
  });

  it('lets kafkajs use a topic of which a partition has no leader, and look for that every second', async () => {
    leaders = [1, 2, 1, -1];
    const admin = kafka.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
    await admin.disconnect();
    expect(topics[0]!.partitions.map(({ leader }) => leader)).toEqual(leaders);

    const create = Object.getOwnPropertySymbols(kafka).find((name) => name.description!.endsWith('createCluster'))!;
    const cluster = (kafka as unknown as Record<symbol, (options: object) => KafkajsCluster>)[create]!({
      metadataMaxAge: 300_000,
    });
    await cluster.connect();
    await cluster.addMultipleTargetTopics([TOPIC]);
    const asked = (): number => brokers[0]!.metadataAsked + brokers[1]!.metadataAsked;
    const before = asked();
    await cluster.refreshMetadataIfNecessary();
    expect(asked()).toBe(before);
    await sleep(1_100);
    leaders = [1, 2, 1, 2];
    await cluster.refreshMetadataIfNecessary();
    expect(asked()).toBe(before + 1);
    await sleep(1_100);
    await cluster.refreshMetadataIfNecessary();
    expect(asked()).toBe(before + 1);
    cluster.brokerPool.metadataExpireAt! += 3_600_000; // the clock was set back
    await cluster.refreshMetadataIfNecessary();
    expect(asked()).toBe(before + 2);
    await cluster.disconnect();
  });
});

interface KafkajsCluster {
  connect(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  brokerPool: { metadataExpireAt: number | null };
  disconnect(): Promise<void>;
}
