import { ThroughlineError } from './errors.js';
import { catalog, type MessageType } from './generated/messages.js';

/** What travels beside the body of every message: CloudEvents 1.0 attributes plus the W3C trace context. */
export interface Envelope {
  /** UUID of the message; consumers deduplicate by it. */
  id: string;
  type: MessageType;
  /** The service that wrote it, for example `ops-adapter`. */
  source: string;
  /** Id of the entity; also the Kafka key. Order is promised per subject. */
  subject: string;
  /** ISO 8601, when it was written. */
  time: string;
  /** Position per (source, subject), from 1 without gaps: consumers detect gaps and regressions by it. */
  sequence: number;
  /** Shared by everything that belongs to one closing of one opportunity. */
  correlationId: string;
  /** Id of the message that caused this one. */
  causationId?: string;
  /** W3C trace context of the span that wrote it. */
  traceparent?: string;
}

/** Null where there is none, as any producer may write it. */
type HeaderValue = Buffer | string | null;
/** Headers as kafkajs delivers them. */
export type KafkaHeaders = Record<string, HeaderValue | HeaderValue[] | undefined>;

/** The Kafka headers of a message: CloudEvents binary mode for Kafka. */
export function toHeaders(envelope: Envelope): Record<string, string> {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: envelope.id,
    ce_type: catalog[envelope.type].subject,
    ce_source: envelope.source,
    ce_subject: envelope.subject,
    ce_time: envelope.time,
    ce_sequence: String(envelope.sequence),
    ce_correlationid: envelope.correlationId,
    'content-type': 'application/avro',
  };
  if (envelope.causationId) headers['ce_causationid'] = envelope.causationId;
  if (envelope.traceparent) headers['traceparent'] = envelope.traceparent;
  return headers;
}

/** W3C Trace Context: version, trace, parent and flags; later versions may append more. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]*)?$/;

const typeBySubject = new Map<string, MessageType>(Object.values(catalog).map((entry) => [entry.subject, entry.type]));

/**
 * The envelope of a consumed message.
 * @throws `CONTRACT_HEADER_MISSING` or `CONTRACT_TYPE_UNKNOWN`, both `never`.
 */
export function fromHeaders(headers: KafkaHeaders | undefined): Envelope {
  const read = (name: string): string | undefined => {
    const value = headers?.[name];
    const first = Array.isArray(value) ? value[0] : value;
    return first?.toString();
  };
  const need = (name: string): string => {
    const value = read(name);
    if (value) return value;
    throw new ThroughlineError(
      `Header ${name} is missing: the producer must write CloudEvents 1.0 in Kafka binary mode.`,
      {
        code: 'CONTRACT_HEADER_MISSING',
        retry: 'never',
        field: name,
      },
    );
  };
  const ceType = need('ce_type');
  const type = typeBySubject.get(ceType);
  if (!type) {
    throw new ThroughlineError(
      `Message type "${ceType}" is not in this service's contracts: upgrade it, or stop the producer.`,
      {
        code: 'CONTRACT_TYPE_UNKNOWN',
        retry: 'never',
        field: 'ce_type',
      },
    );
  }
  const envelope: Envelope = {
    id: need('ce_id'),
    type,
    source: need('ce_source'),
    subject: need('ce_subject'),
    time: need('ce_time'),
    sequence: Number(need('ce_sequence')),
    correlationId: need('ce_correlationid'),
  };
  const causationId = read('ce_causationid');
  const traceparent = read('traceparent');
  if (causationId) envelope.causationId = causationId;
  // By its standard, what is none is as good as missing: nobody's message fails for it.
  if (traceparent && TRACEPARENT.test(traceparent)) envelope.traceparent = traceparent;
  return envelope;
}
