import { fromHeaders } from '@throughline/contracts';
import type { Queryable, Statement } from '@throughline/postgres';
import type { KafkaRecord } from '../consume/read-record.js';
import { contentDigest } from '../dead-letters/content-digest.js';
import { toRawHeaders } from '../raw-headers.js';
import type { Routes } from '../routes.js';
import { count, type Counts, type ReplayRequest } from './replay.js';

export interface HistoryParts {
  database: Queryable;
  routes: Routes;
  request: ReplayRequest;
  counts: Counts;
  /** The rebuild whose inbox is asked, or null. */
  rebuild: string | null;
  /** Of a dry run of a rebuild: a generation that nothing was taken into yet. */
  allIsNew: boolean;
  /** Resolves once the records are durably taken in; without it, they are only counted. */
  take?: (records: KafkaRecord[]) => Promise<void>;
}

const UNREADABLE = '(unreadable)';

/** Takes in what is wanted and not known yet, in order, and counts all of it. What is known is only looked up, never written. */
export async function takeHistory(parts: HistoryParts, records: KafkaRecord[]): Promise<void> {
  const { database, routes, request, counts, rebuild, allIsNew, take } = parts;
  const wanted = records.map((record) => identify(record, routes)).filter((found) => isWanted(found, request));
  const ids = wanted.flatMap(({ id }) => id ?? []);
  const known = allIsNew ? new Set<string>() : await findKnown(database, routes.group, ids, rebuild);
  const unknown = wanted.filter(({ id }) => id === undefined || !known.has(id));
  const buried = unknown.length > 0 ? await findBuried(database, routes.group, unknown) : new Set<string>();
  const fresh = unknown.filter(({ record }) => !buried.has(placeOf(record)));
  if (fresh.length > 0) await take?.(fresh.map(({ record }) => record));

  const isFresh = new Set(fresh);
  counts.read += records.length;
  counts.passedOver += records.length - wanted.length;
  const seen = new Set<string>();
  for (const found of wanted) {
    const again = found.id !== undefined && seen.has(found.id);
    if (found.id !== undefined) seen.add(found.id);
    count(counts, found.type ?? UNREADABLE, isFresh.has(found) && !again ? 'new' : 'known');
  }
}

/** A record as far as it matters whether it was taken in before. */
interface Identified {
  record: KafkaRecord;
  /** None where nobody can read the headers. */
  type?: string;
  id?: string;
  /** Of a type the consumer has no route for. */
  other?: boolean;
}

function identify(record: KafkaRecord, routes: Routes): Identified {
  try {
    const { id, type } = fromHeaders(record.headers);
    return { record, type, ...(UUID.test(id) && { id: id.toLowerCase() }), other: !routes.routes[type] };
  } catch {
    return { record };
  }
}

function isWanted({ record, type, other }: Identified, request: ReplayRequest): boolean {
  if (other || (request.type !== undefined && request.type !== type)) return false;
  return request.key === undefined || record.key?.toString('utf8') === request.key;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

async function findKnown(
  database: Queryable,
  group: string,
  ids: string[],
  rebuild: string | null,
): Promise<Set<string>> {
  const rows = await database.query<{ message_id: string }>(findInInbox, [group, ids, rebuild]);
  return new Set(rows.map(({ message_id }) => message_id));
}

/**
 * Places of records that nobody could read and that are dead letters already: the inbox does not know them. A letter buries its own record
 * alone: not what has its place in a topic that was made again, nor the last record of a batch, once that can be read.
 */
async function findBuried(database: Queryable, group: string, unknown: Identified[]): Promise<Set<string>> {
  const rows = await database.query<{ topic: string; partition: number; offset: string; content: Buffer }>(
    findDeadRecords,
    [
      group,
      unknown.map(({ record }) => record.topic),
      unknown.map(({ record }) => record.partition),
      unknown.map(({ record }) => record.offset),
    ],
  );
  const records = new Map(unknown.map(({ record }) => [placeOf(record), record]));
  const isOf = (content: Buffer, { key, value, headers }: KafkaRecord): boolean =>
    content.equals(contentDigest({ key, value, headers: toRawHeaders(headers) }));
  return new Set(rows.filter((row) => isOf(row.content, records.get(placeOf(row))!)).map(placeOf));
}

function placeOf({ topic, partition, offset }: { topic: string; partition: number; offset: string }): string {
  return `${topic} ${partition} ${offset}`;
}

/** $1 consumer, $2 message ids, $3 rebuild. */
const findInInbox: Statement = {
  name: 'find-in-inbox',
  text: `
    SELECT message_id FROM inbox
     WHERE consumer = (SELECT inbox_of($1, $3)) AND message_id = ANY($2::uuid[])`,
};

/** $1 consumer, $2 topics, $3 partitions, $4 offsets. */
const findDeadRecords: Statement = {
  name: 'find-dead-records',
  text: `
    SELECT d.topic, d."partition", d."offset", d.content FROM dead_letter d
      JOIN unnest($2::text[], $3::int[], $4::bigint[]) AS t (topic, "partition", "offset")
        ON d.topic = t.topic AND d."partition" = t."partition" AND d."offset" = t."offset"
     WHERE d.consumer = $1 AND d.kind = 'record'`,
};
