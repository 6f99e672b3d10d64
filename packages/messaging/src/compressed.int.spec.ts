import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { defineRoutes, state, type Message } from './index.js';
import { FetchSession } from './kafka/fetch-session.js';

jest.setTimeout(60_000);

/** Kafka's protocol. */
const [FETCH, VERSION] = [1, 11];
const codecs = { uncompressed: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

/** By which codec the first batch of partition 0 lies in the log. */
async function codecInLog(broker: string, topic: string): Promise<number> {
  const terms = { isolationLevel: 0, maxWaitTime: 1_000, minBytes: 1, maxBytes: 1_000_000 };
  const partitions = [{ partition: 0, fetchOffset: '0', maxBytes: 1_000_000 }];
  const body = new FetchSession().next({ ...terms, topics: [{ topic, partitions }] });
  const head = Buffer.from([0, 0, 0, 0, 0, FETCH, 0, VERSION, 0, 0, 0, 1, 0xff, 0xff]); // length, correlation id, no client id
  head.writeInt32BE(head.length - 4 + body.length);
  const { hostname, port } = new URL(`kafka://${broker}`);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    socket.write(Buffer.concat([head, body]));
    let answer = Buffer.alloc(0);
    while (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) {
      answer = Buffer.concat([answer, ((await once(socket, 'data')) as [Buffer])[0]]);
    }
    // Before the records: two lengths and ids of the answer, the topic, and what is said of its one partition, without aborted transactions.
    const records = 8 + 4 + 2 + 4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4 + 2 + 3 * 8 + 4 + 4 + 4;
    return answer.readInt16BE(records + 21) & 7;
  } finally {
    socket.destroy();
  }
}

describe('compressed: records are read by whatever codec a broker, or a producer, compresses them', () => {
  let harness: MessagingHarness;
  afterEach(() => harness.close());

  it.each(Object.entries(codecs))('%s', async (codec, attributes) => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 1 });
    const admin = new Kafka({ brokers: harness.topics.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'compression.type', value: codec }];
    const name = harness.topics.nameOf('OrderCancelled');
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    });
    await admin.disconnect();
    const seen: string[] = [];
    const messaging = await harness.service(
      defineRoutes({
        group: harness.topics.group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            tx.onCommit(() => seen.push(...messages.map(({ payload }) => payload.orderId)));
          }),
        },
      }),
    );
    await until('it takes part', () => messaging.health().ready);
    // Alike enough to be worth compressing, and more than one block of any codec.
    const ids = Array.from({ length: 700 }, () => randomUUID());
    await messaging.transaction(async (tx) => tx.emit(ids.map((id) => orderCancelled(id))));
    await until('all are handled', () => seen.length >= ids.length);
    expect(seen).toEqual(ids);
    expect(await codecInLog(harness.topics.kafka.brokers[0]!, name)).toBe(attributes);
    expect(await harness.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });
});
