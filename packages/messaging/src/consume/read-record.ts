import { fromHeaders, type Codec, type Envelope, type KafkaHeaders } from '@throughline/contracts';
import { BATCH_UNREADABLE, batchUnreadable, keyInvalid, messageIdInvalid } from '../errors.js';
import type { Message } from '../message.js';
import type { EffectRoute, Routes, StateRoute } from '../routes.js';

/** A record as Kafka delivered it. */
export interface KafkaRecord {
  topic: string;
  partition: number;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers?: KafkaHeaders;
}

/** What a record is to this service. */
export type Intake =
  /** `key`: what it is ordered by. */
  | { kind: 'message'; record: KafkaRecord; key: string; message: Message; route: StateRoute | EffectRoute }
  /** Of a type this service has no route for. */
  | { kind: 'other'; record: KafkaRecord }
  /** Nobody can ever handle it. */
  | { kind: 'unreadable'; record: KafkaRecord; error: unknown };

const KEY_MAX = 500;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Reads a record; awaits only for a writer's schema that is not known yet. Rejects where that cannot be looked up now, because the
 * registry or our own database is away: this says nothing about the record.
 */
export function readRecord(record: KafkaRecord, routes: Routes, codec: Codec): Intake | Promise<Intake> {
  try {
    const damage = record.headers?.[BATCH_UNREADABLE];
    if (damage !== undefined) throw batchUnreadable(String(damage));
    const envelope = fromHeaders(record.headers);
    if (!UUID.test(envelope.id)) throw messageIdInvalid(envelope.id);
    const route = routes.routes[envelope.type];
    if (!route) return { kind: 'other', record };
    const recordKey = usable(record.key?.toString('utf8'));
    const key = routes.orderBy === 'key' ? recordKey : usable(envelope.correlationId);
    const value = record.value ?? Buffer.alloc(0);
    const payload = codec.decodeNow(envelope.type, value);
    if (payload) return { kind: 'message', record, key, route, message: toMessage(envelope, payload) };
    return codec.decode(envelope.type, value).then(
      (decoded): Intake => ({ kind: 'message', record, key, route, message: toMessage(envelope, decoded) }),
      (error: unknown): Intake => {
        if ((error as { retry?: unknown } | null)?.retry !== 'never') throw error;
        return { kind: 'unreadable', record, error };
      },
    );
  } catch (error) {
    // Without I/O: the same record always fails like this.
    return { kind: 'unreadable', record, error };
  }
}

function toMessage(envelope: Envelope, payload: unknown): Message {
  return { type: envelope.type, payload, envelope: { ...envelope, id: envelope.id.toLowerCase() } } as Message;
}

/** What PostgreSQL can hold, and index. */
function usable(key: string | undefined): string {
  if (!key || key.includes('\0') || key.length > KEY_MAX) throw keyInvalid(KEY_MAX);
  return key;
}
