import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { KafkaRecord } from '../consume/read-record.js';
import { replayStalled } from '../errors.js';
import type { Range } from './replay.js';

export interface ReadParts {
  kafka: Kafka;
  /** The group it is done for; the reading one is named after it, and is gone afterwards. */
  group: string;
  /** Records handed over at once at most. */
  batchMessages: number;
  signal: AbortSignal;
}

/** One fetch brings so much at most, and the next waits until it is handed over: that bounds memory. */
const FETCH_BYTES = 4 * 1_048_576;
/** Nothing came for so long although records remain, in milliseconds: begin again, with what is still retained. */
const STALLED_MS = 30_000;
const HEARTBEAT_MS = 2_000;

/**
 * Reads the ranges, partition by partition and in order, with a consumer of its own that commits no offset anywhere. Each range's
 * `next` moves on when its records were handed over. Ends early, without an error, when the signal says so.
 *
 * @throws what `handOver` or Kafka throws, or `MSG_REPLAY_STALLED`
 */
export async function readRanges(
  { kafka, group, batchMessages, signal }: ReadParts,
  ranges: Range[],
  handOver: (records: KafkaRecord[]) => Promise<void>,
): Promise<void> {
  const open = new Map(ranges.filter(({ next, to }) => next < to).map((range) => [idOf(range), range]));
  if (open.size === 0 || signal.aborted) return;
  const groupId = `${group}.replay.${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: 30_000,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    maxBytesPerPartition: 1_048_576,
    maxWaitTimeInMs: 500,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set(ranges.map(({ topic }) => topic))], fromBeginning: true });
    await untilRead(consumer, open, { batchMessages, signal, handOver });
  } finally {
    await consumer.disconnect().catch(() => undefined);
    await forget(kafka, groupId);
  }
}

interface Reading {
  batchMessages: number;
  signal: AbortSignal;
  handOver: (records: KafkaRecord[]) => Promise<void>;
}

function untilRead(consumer: Consumer, open: Map<string, Range>, reading: Reading): Promise<void> {
  const { signal } = reading;
  let busy = false;
  let progressAt = performance.now();
  return new Promise<void>((resolve, reject) => {
    const timer = setInterval(() => {
      if (!busy && performance.now() - progressAt > STALLED_MS) end(replayStalled([...open.keys()]));
    }, 1_000);
    const end = (error?: Error): void => {
      clearInterval(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
      const range = open.get(idOf(payload.batch));
      if (!range || signal.aborted) return;
      busy = true;
      const alive = setInterval(() => void payload.heartbeat().catch(() => undefined), HEARTBEAT_MS);
      try {
        await handOverBatch(payload, range, reading);
      } catch (error) {
        return end(error as Error);
      } finally {
        clearInterval(alive);
        busy = false;
        progressAt = performance.now();
      }
      if (range.next >= range.to) close(range);
    };
    const close = (range: Range): void => {
      open.delete(idOf(range));
      consumer.pause([{ topic: range.topic, partitions: [range.partition] }]);
      if (open.size === 0) end();
    };
    // Offsets that hold no message are handed to nobody.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      const range = payload.batchSize === 0 ? open.get(idOf(payload)) : undefined;
      if (!range) return;
      progressAt = performance.now();
      if (Number(payload.lastOffset) < range.to - 1) return;
      range.next = range.to;
      close(range);
    });
    signal.addEventListener('abort', () => end(), { once: true });
    consumer.on(consumer.events.CRASH, ({ payload }) => end(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => takePlaces(consumer, payload.memberAssignment, open));
    consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch }).catch(end);
  });
}

async function handOverBatch(payload: EachBatchPayload, range: Range, reading: Reading): Promise<void> {
  const { batchMessages, signal, handOver } = reading;
  const { batch } = payload;
  const { topic, partition, messages } = batch;
  const wanted = messages.filter(({ offset }) => Number(offset) >= range.next && Number(offset) < range.to);
  for (let from = 0; from < wanted.length; from += batchMessages) {
    if (signal.aborted) return;
    const part = wanted.slice(from, from + batchMessages);
    await handOver(
      part.map(({ offset, key, value, headers }) => {
        return { topic, partition, offset, key, value, ...(headers && { headers }) };
      }),
    );
    range.next = Number(part.at(-1)!.offset) + 1;
  }
  // Past the end without a record that is ours: the rest of the range does not exist.
  if (Number(batch.lastOffset()) >= range.to - 1) range.next = range.to;
  payload.resolveOffset(batch.lastOffset());
}

/** Begins where each range is, and leaves alone what is in none. */
function takePlaces(consumer: Consumer, assignment: Record<string, number[]>, open: Map<string, Range>): void {
  for (const [topic, partitions] of Object.entries(assignment)) {
    for (const partition of partitions) {
      const range = open.get(idOf({ topic, partition }));
      if (range) consumer.seek({ topic, partition, offset: String(range.next) });
      else consumer.pause([{ topic, partitions: [partition] }]);
    }
  }
}

/** A group without members and offsets is forgotten by the broker itself after a while: this only makes it sooner. */
async function forget(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin({ retry: { retries: 2 } });
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // As said: it goes by itself.
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

function idOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic} ${partition}`;
}
