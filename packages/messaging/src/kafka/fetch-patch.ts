import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { askBroker, type Broker } from './broker.js';
import { decodeFetchResponse, type FetchedTopic, type OffsetGap, type RefusedPartition } from './decode-fetch.js';
import { FetchSession, type FetchTerms } from './fetch-session.js';

interface FetchAnswer {
  errorCode: number;
  responses: FetchedTopic[];
  refused?: RefusedPartition[];
  withheld?: RefusedPartition[];
  gaps?: OffsetGap[];
}

interface Fetching extends Broker<FetchAnswer> {
  fetch(options: FetchTerms): Promise<FetchAnswer>;
}

/** A member of a consumer group, in kafkajs. */
interface GroupMember {
  memberId: string | null;
  cluster: { refreshMetadata(): Promise<void> };
  recoverFromFetch(error: unknown): Promise<void>;
}

/**
 * Tells the member id of whom a fetch has failed, and why: kafkajs keeps a closed connection, a broker it cannot find, and the like to
 * itself, and says FETCH as if it had been answered with nothing. Tells also of which partition a broker serves nothing, because what it
 * has there is damaged: kafkajs would fetch from none of them any more; and which offsets were passed over.
 */
export const failedFetches = new EventEmitter<{
  failed: [memberId: string | null, error: unknown];
  refused: [partition: RefusedPartition];
  gap: [gap: OffsetGap];
}>();
failedFetches.setMaxListeners(0); // one for each consumer of the process

/** A broker closes a connection that was idle, or where it stops; what stands before one that is away takes each, and closes it. */
const CLOSED = 'KafkaJSConnectionClosedError';
/** A broker cannot be reached, or does not answer. */
const AWAY = new Set(['KafkaJSConnectionError', 'KafkaJSRequestTimeoutError', CLOSED]);
/** It is tried again after so long, in milliseconds; at once where it has closed a connection that had served. */
const AWAY_MS = 1_000;

type Parse = (answer: FetchAnswer) => Promise<FetchAnswer>;

const PATCHED = Symbol.for('throughline.kafkajs.fetch-patch');
/** Kafka's protocol: the key of Fetch, and the version that kafkajs knows best. */
const FETCH = 1;
const VERSION = 11;
/** The broker does not know the session, or its epoch, any more: the next fetch names all partitions again. */
const SESSION_ERRORS = new Set([70, 71]);
/** A broker answers at once where it refuses a partition. Then so long is waited, in milliseconds, where it has nothing else to say. */
const REFUSED_MS = 500;

/**
 * kafkajs 2.2.4 names every partition in every fetch, gets an answer for each, and makes some ten objects of every one of them; a record
 * costs it an object per header on top. Where messages come one by one that was half of what a service did. With this a fetch belongs to
 * a session (KIP-227, as in the Java client): it names what has changed since the last one, the answer holds only partitions with
 * records, and what is read is read without detours. Brokers before 2.4 get the original. What fails is told by {@link failedFetches};
 * a broker that is away stops the fetches from no other. Idempotent.
 */
export function patchKafkaFetch(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Fetching & { [PATCHED]?: true } };
  if (prototype[PATCHED]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'fetch')?.value as Fetching['fetch'] | undefined;
  const { parse } = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as { parse?: Parse };
  const { prototype: member } = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: GroupMember };
  const recover = Object.getOwnPropertyDescriptor(member, 'recoverFromFetch')?.value as
    GroupMember['recoverFromFetch'] | undefined;
  if (typeof original !== 'function' || typeof parse !== 'function' || typeof recover !== 'function') {
    throw new Error('kafkajs has changed: check whether fetch-patch.ts is still needed, and remove or adapt it.');
  }
  const sessions = new WeakMap<Fetching, FetchSession>();
  /** What they were asked last brought no answer, but a connection that was closed. */
  const closed = new WeakSet<Fetching>();

  prototype.fetch = async function fetch(this: Fetching, options: FetchTerms): Promise<FetchAnswer> {
    if ((this.versions?.[FETCH]?.maxVersion ?? 0) < VERSION) return original.call(this, options);
    let session = sessions.get(this);
    if (!session) sessions.set(this, (session = new FetchSession()));
    try {
      let answer = await ask(this, session, options);
      if (SESSION_ERRORS.has(answer.errorCode)) {
        session.reset();
        answer = await ask(this, session, options);
      }
      closed.delete(this);
      const { refused = [], withheld = [], gaps = [], responses } = answer;
      session.withheld(withheld);
      for (const gap of gaps) failedFetches.emit('gap', gap);
      for (const partition of refused) failedFetches.emit('refused', partition);
      if (refused.length > 0 && responses.length === 0) await sleep(REFUSED_MS);
      return await parse(answer);
    } catch (error) {
      // What the broker has heard, and what it thinks that we have, is not known any more.
      session.reset();
      if ((error as Error).name === CLOSED) {
        Object.assign(error as Error, { hadServed: !closed.has(this) });
        closed.add(this);
      }
      throw isOutOfRange(error) ? Object.assign(error, { fetchOffset: placeOf(error, options) }) : error;
    }
  };
  member.recoverFromFetch = async function recoverFromFetch(this: GroupMember, error: unknown): Promise<void> {
    failedFetches.emit('failed', this.memberId, error);
    const { name = '', hadServed = false } = (error ?? {}) as { name?: string; hadServed?: boolean };
    if (!AWAY.has(name)) return recover.call(this, error);
    // kafkajs would end the fetches from all other brokers, and soon leave the group. Whether this member lives, its heartbeats tell.
    // Who leads by now is not waited for: to ask may take minutes where nobody answers, and a stop waits for this.
    void this.cluster.refreshMetadata().catch(() => undefined);
    if (!hadServed) await sleep(AWAY_MS);
  };
  prototype[PATCHED] = true;

  async function ask(broker: Fetching, session: FetchSession, options: FetchTerms): Promise<FetchAnswer> {
    const body = session.next(options);
    const request = { apiKey: FETCH, apiVersion: VERSION, apiName: 'Fetch', body, isAlone: true };
    const decode = (bytes: Buffer): Promise<object> => decodeFetchResponse(bytes, options);
    const answer = await askBroker(broker, request, { decode, parse: asItIs });
    session.answered(answer as FetchAnswer & { sessionId: number });
    return answer;
  }
}

/** What was asked for is not there: removed by retention, or cut off. kafkajs goes on from the oldest record that is. */
export interface OutOfRange {
  topic: string;
  partition: number;
  /** What was asked for. */
  fetchOffset?: string | undefined;
}

export function isOutOfRange(error: unknown): error is OutOfRange {
  return (error as { name?: unknown } | null)?.name === 'KafkaJSOffsetOutOfRange';
}

function placeOf({ topic, partition }: OutOfRange, { topics }: FetchTerms): string | undefined {
  const places = topics.find((each) => each.topic === topic)?.partitions;
  return places?.find((place) => place.partition === partition)?.fetchOffset;
}

function asItIs(response: object): Promise<object> {
  return Promise.resolve(response);
}
