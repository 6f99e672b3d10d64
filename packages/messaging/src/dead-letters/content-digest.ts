import { createHash } from 'node:crypto';
import { BATCH_UNREADABLE } from '../errors.js';
import { HEAD_BYTES } from '../kafka/record-set.js';
import type { RawHeaders } from '../raw-headers.js';

/** A record as a letter keeps it. */
export interface RecordContent {
  key: Uint8Array | null;
  headers: RawHeaders | null;
  value: Uint8Array | null;
}

/** The same, where its bytes stay in the database. */
export interface HashedContent {
  /** SHA-256, hexadecimal. */
  key: string | null;
  headers: RawHeaders | null;
  /** Of the first {@link HEAD_BYTES} alone, where the record stands for a batch that nobody can read. */
  value: string | null;
}

/**
 * Tells a record apart from another one at the same place: a topic that was deleted and made again has the same offsets anew, and what is
 * a dead letter there is not the letter of before. Read again, the same record has the same digest. Of a batch that nobody can read its
 * head counts: where its bytes end, and which of its offsets are new, depends on the fetch.
 */
export function contentDigest({ key, headers, value }: RecordContent): Buffer {
  return digestOfHashes({
    key: key && sha256(key),
    headers,
    value: value && sha256(standsForBatch(headers) ? value.subarray(0, HEAD_BYTES) : value),
  });
}

export function digestOfHashes({ key, headers, value }: HashedContent): Buffer {
  const entries = standsForBatch(headers) ? null : Object.entries(headers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([key, entries, value]))
    .digest();
}

function standsForBatch(headers: RawHeaders | null): boolean {
  return headers?.[BATCH_UNREADABLE] !== undefined;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
