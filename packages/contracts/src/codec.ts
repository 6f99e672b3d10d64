import type avro from 'avsc';
import { ThroughlineError } from './errors.js';
import { catalog, type Messages, type MessageType } from './generated/messages.js';
import { avroType } from './logical-types.js';
import type { SchemaIds } from './schema-ids.js';

/** First byte of the Confluent wire format; the schema id follows as four bytes, big endian. */
const MAGIC_BYTE = 0;
const HEADER_BYTES = 5;

/** A body with the type that was read from it. */
export interface Decoded<T extends MessageType = MessageType> {
  type: T;
  payload: Messages[T];
}

/**
 * Encodes and decodes bodies in the Confluent wire format. Framing is done here with cached avsc resolvers, because rebuilding
 * a resolver per message costs a hundred times the decoding.
 */
export class Codec {
  private readonly writers = new Map<MessageType, { id: number; type: avro.Type }>();
  private readonly resolvers = new Map<string, { type: avro.Type; resolver: unknown }>();
  private scratch = Buffer.allocUnsafe(64 * 1024);

  constructor(private readonly schemaIds: SchemaIds) {}

  /** Learns the schema ids of the types a service writes, so that encoding needs no await. Call once at start. */
  async prepare(types: Iterable<MessageType>): Promise<void> {
    await Promise.all(
      [...types].map(async (type) => {
        if (this.writers.has(type)) return;
        const id = await this.schemaIds.idOf(catalog[type].subject, JSON.stringify(catalog[type].schema));
        this.writers.set(type, { id, type: readerType(type) });
      }),
    );
  }

  /** @throws `CONTRACT_PAYLOAD_INVALID` (`never`) with the path of the first field that does not fit. */
  encode<T extends MessageType>(type: T, payload: Messages[T]): Buffer {
    const writer = this.writers.get(type);
    if (!writer) throw new Error(`Codec.prepare was not called for ${type}: list it in the service's routes.`);
    try {
      let end = writer.type.encode(payload, this.scratch, HEADER_BYTES);
      if (end < 0) {
        this.scratch = Buffer.allocUnsafe(this.scratch.length - end + HEADER_BYTES);
        end = writer.type.encode(payload, this.scratch, HEADER_BYTES);
      }
      this.scratch.writeUInt8(MAGIC_BYTE, 0);
      this.scratch.writeUInt32BE(writer.id, 1);
      return Buffer.from(this.scratch.subarray(0, end));
    } catch (cause) {
      throw new ThroughlineError(`${type} cannot be encoded: ${invalidPath(writer.type, payload) ?? String(cause)}.`, {
        code: 'CONTRACT_PAYLOAD_INVALID',
        retry: 'never',
        cause,
      });
    }
  }

  /**
   * Reads a body of a known type as this service's own version of it.
   * @throws `CONTRACT_BODY_INVALID` (`never`) for bytes that are none; `CONTRACT_SCHEMA_UNKNOWN` (`never`) for an id nobody
   * registered; whatever the look-up of a schema says while the registry (`pause`) or our own store is away.
   */
  async decode<T extends MessageType>(type: T, bytes: Buffer): Promise<Messages[T]> {
    return this.decodeNow(type, bytes) ?? this.read(type, bytes, await this.resolver(type, schemaIdOf(bytes)));
  }

  /** As {@link decode} without an await where the writer's schema is known already; otherwise `undefined`. */
  decodeNow<T extends MessageType>(type: T, bytes: Buffer): Messages[T] | undefined {
    const known = this.resolvers.get(`${schemaIdOf(bytes)} ${type}`);
    return known && this.read(type, bytes, known);
  }

  private read<T extends MessageType>(
    type: T,
    bytes: Buffer,
    known: { type: avro.Type; resolver: unknown },
  ): Messages[T] {
    try {
      const read: { value: unknown; offset: number } = known.type.decode(bytes, HEADER_BYTES, known.resolver as never);
      const { value, offset } = read;
      if (offset !== bytes.length) throw new Error(offset < 0 ? 'the body is too short' : 'bytes are left over');
      return value as Messages[T];
    } catch (cause) {
      throw invalidBody(`is not a ${type}: ${(cause as Error).message}`, cause);
    }
  }

  private async resolver(type: MessageType, id: number): Promise<{ type: avro.Type; resolver: unknown }> {
    const reader = readerType(type);
    const schema = await this.schemaIds.schemaOf(id);
    try {
      const known = { type: reader, resolver: reader.createResolver(avroType(JSON.parse(schema))) };
      this.resolvers.set(`${id} ${type}`, known);
      return known;
    } catch (cause) {
      throw invalidBody(`was written with schema ${id}, which ${type} cannot read: ${(cause as Error).message}`, cause);
    }
  }
}

const readerTypes = new Map<MessageType, avro.Type>();

function readerType(type: MessageType): avro.Type {
  let reader = readerTypes.get(type);
  if (!reader) readerTypes.set(type, (reader = avroType(catalog[type].schema)));
  return reader;
}

function schemaIdOf(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC_BYTE) throw invalidBody('is not in the Confluent wire format');
  return bytes.readUInt32BE(1);
}

function invalidBody(what: string, cause?: unknown): ThroughlineError {
  return new ThroughlineError(`The body ${what}: fix the producer; the bytes are kept with the dead letter.`, {
    code: 'CONTRACT_BODY_INVALID',
    retry: 'never',
    cause,
  });
}

function invalidPath(type: avro.Type, payload: unknown): string | undefined {
  let found: string | undefined;
  type.isValid(payload, {
    errorHook: (path: string[], value: unknown) => {
      found ??= `field ${path.join('.') || '(root)'} does not fit: ${JSON.stringify(value)}`;
    },
  });
  return found;
}
