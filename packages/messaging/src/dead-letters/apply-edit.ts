import { catalog, codeOf, type Codec } from '@throughline/contracts';
import { readRecord } from '../consume/read-record.js';
import { editInvalid } from '../errors.js';
import { fromRawHeaders, type RawHeaders } from '../raw-headers.js';
import type { Routes } from '../routes.js';
import { typeOf } from './decode-content.js';
import type { Letter } from './letter.js';

/** What a person changes of a letter; what is not named stays. */
export interface LetterEdit {
  /** The whole decoded body, or the whole payload of a job. */
  payload?: unknown;
  /** Headers to set; `null` removes one. */
  headers?: Record<string, string | null> | undefined;
  /** Only of a record that nobody could read: the key of everything else is its place in the order. */
  key?: string | undefined;
}

/** What a letter carries, and what an edit replaces. */
export type Content = Pick<Letter, 'key' | 'headers' | 'value' | 'job'>;

/** They say which message it is; with another one it would be handled as another message. */
const IDENTITY = ['ce_id', 'ce_type'];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The content after the edit, checked by encoding and reading it as the consumer would, so that nothing is stored that cannot be read.
 *
 * @throws `MSG_EDIT_INVALID` with the field at fault; whatever a look-up of a schema says while the registry is away
 */
export async function applyEdit(letter: Letter, edit: LetterEdit, routes: Routes, codec: Codec): Promise<Content> {
  if (edit.payload === undefined && edit.headers === undefined && edit.key === undefined) {
    throw editInvalid('payload', 'Nothing to edit: give at least one of payload, headers and key.');
  }
  if (letter.kind === 'job') return editJob(letter, edit);
  if (edit.key !== undefined && letter.kind !== 'record') {
    throw editInvalid('key', 'The key of a message that could be read is its place in the order, and stays.');
  }
  const headers = editHeaders(letter, edit.headers ?? {});
  const key = edit.key === undefined ? letter.key : Buffer.from(edit.key);
  const content = { ...letter, headers, key };
  const value = edit.payload === undefined ? letter.value : await encode(content, edit.payload, routes, codec);
  const taken = await readRecord(toRecord({ ...content, value }), routes, codec);
  if (taken.kind === 'unreadable') {
    const { message, field } = taken.error as Error & { field?: string };
    throw editInvalid(field ?? 'payload', `After this edit nobody can read it: ${message}`, taken.error);
  }
  if (taken.kind === 'other')
    throw editInvalid('headers.ce_type', 'This service has no route for a message of that type.');
  return { key, headers, value, job: null };
}

/** The record as Kafka delivered it. */
export function toRecord({ topic, partition, offset, key, value, headers }: Letter) {
  return {
    topic: topic ?? '',
    partition: partition ?? 0,
    offset: offset ?? '0',
    key,
    value,
    headers: fromRawHeaders(headers ?? {}),
  };
}

function editJob(letter: Letter, { payload, headers, key }: LetterEdit): Content {
  const field = headers !== undefined ? 'headers' : key !== undefined ? 'key' : undefined;
  if (field) throw editInvalid(field, `A job has a payload and nothing else to edit: leave ${field} out.`);
  return { key: letter.key, headers: letter.headers, value: letter.value, job: { id: letter.job!.id, payload } };
}

function editHeaders(letter: Letter, changes: Record<string, string | null>): RawHeaders {
  const headers: RawHeaders = { ...letter.headers };
  for (const [name, value] of Object.entries(changes)) {
    if (!isStorable(name) || !isStorable(value ?? '')) {
      throw editInvalid(
        `headers.${name}`,
        `Header ${JSON.stringify(name)} has NUL or half of a surrogate pair in it: set it to text without.`,
      );
    }
    const before = headers[name];
    const known = name === 'ce_type' ? letter.kind !== 'record' : typeof before === 'string' && UUID.test(before);
    if (IDENTITY.includes(name) && known && before !== value) {
      throw editInvalid(
        `headers.${name}`,
        `${name} says which message this is, and stays: what was done for it is known by it.`,
      );
    }
    if (value === null) delete headers[name];
    else headers[name] = value;
  }
  return headers;
}

/** PostgreSQL's jsonb holds neither NUL nor half of a surrogate pair. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

async function encode(content: Letter, payload: unknown, routes: Routes, codec: Codec): Promise<Buffer> {
  const type = typeOf(content, content);
  if (!type || !routes.routes[type]) {
    throw editInvalid(
      'headers.ce_type',
      'The payload has no type to be encoded as: set ce_type to one this service handles.',
    );
  }
  const { keyField } = catalog[type];
  const entity = (payload as Record<string, unknown> | null)?.[keyField];
  if (entity !== content.key?.toString('utf8')) {
    throw editInvalid(
      `payload.${keyField}`,
      `${keyField} must be the key of the message, ${content.key?.toString('utf8')}: order is kept by it.`,
    );
  }
  await codec.prepare([type]);
  try {
    return codec.encode(type, payload as never);
  } catch (error) {
    if (codeOf(error) !== 'CONTRACT_PAYLOAD_INVALID') throw error;
    throw editInvalid('payload', (error as Error).message, error);
  }
}
