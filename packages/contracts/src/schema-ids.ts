import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { ThroughlineError } from './errors.js';

/** Which id a schema has, and which schema an id has. */
export interface SchemaIds {
  /** @throws `CONTRACT_SCHEMA_NOT_PUBLISHED` (`pause`) where the subject does not hold this schema. */
  idOf(subject: string, schema: string): Promise<number>;
  /** The schema as JSON text. @throws `CONTRACT_SCHEMA_UNKNOWN` (`never`) where no schema has this id. */
  schemaOf(id: number): Promise<string>;
}

/** Where learnt ids are kept so that a service starts while the registry is away. */
export interface SchemaIdStore {
  findId(subject: string, schema: string): Promise<number | undefined>;
  findSchema(id: number): Promise<string | undefined>;
  save(entry: { id: number; subject: string; schema: string }): Promise<void>;
}

export interface RegistryOptions {
  /** Base address of the Confluent-compatible API. */
  url: string;
  /** Limit of one request, in milliseconds. Default 5,000. */
  timeoutMs?: number;
  store?: SchemaIdStore;
}

/** Unknown ids are remembered this long, so that a flood of bad messages does not become a flood of registry requests. */
const UNKNOWN_ID_MS = 30_000;
const UNKNOWN_IDS_MAX = 1_000;

/** Ids from a Confluent-compatible registry: memory first, then the store, then the registry. */
export function registrySchemaIds(options: RegistryOptions): SchemaIds {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const registry = new SchemaRegistry({
    host: options.url,
    retry: { retries: 2, maxRetryTimeInSecs: 2, initialRetryTimeInSecs: 0.1 },
  });
  const schemas = new Map<number, Promise<string>>();
  const unknownUntil = new Map<number, number>();

  return {
    async idOf(subject, schema) {
      const stored = await options.store?.findId(subject, schema);
      if (stored !== undefined) return stored;
      const id = await within(
        timeoutMs,
        registry.getRegistryIdBySchema(subject, { type: 'AVRO', schema } as never),
      ).catch((cause: unknown) => {
        throw new ThroughlineError(
          `The schema of ${subject} is not in the registry at ${options.url}: run "throughline deploy", or start the registry.`,
          { code: 'CONTRACT_SCHEMA_NOT_PUBLISHED', retry: 'pause', dependency: 'schema-registry', cause },
        );
      });
      await options.store?.save({ id, subject, schema });
      return id;
    },

    schemaOf(id) {
      if ((unknownUntil.get(id) ?? 0) > Date.now()) return Promise.reject(unknownId(id));
      let schema = schemas.get(id);
      if (!schema) {
        schema = find(id).catch((error: unknown) => {
          schemas.delete(id);
          throw error;
        });
        schemas.set(id, schema);
      }
      return schema;
    },
  };

  async function find(id: number): Promise<string> {
    const stored = await options.store?.findSchema(id);
    if (stored !== undefined) return stored;
    const response = await fetch(`${options.url}/schemas/ids/${id}`, { signal: AbortSignal.timeout(timeoutMs) }).catch(
      (cause: unknown) => {
        throw unreachable(cause);
      },
    );
    if (response.status === 404) {
      if (unknownUntil.size >= UNKNOWN_IDS_MAX) unknownUntil.clear();
      unknownUntil.set(id, Date.now() + UNKNOWN_ID_MS);
      throw unknownId(id);
    }
    if (!response.ok) throw unreachable(new Error(`status ${response.status}`));
    const { schema } = (await response.json()) as { schema: string };
    const subject = nameOf(schema);
    if (subject !== undefined) await options.store?.save({ id, subject, schema });
    return schema;
  }

  function unreachable(cause: unknown): ThroughlineError {
    return new ThroughlineError(
      `The schema registry at ${options.url} does not answer: start it, or set SCHEMA_REGISTRY_URL.`,
      {
        code: 'CONTRACT_REGISTRY_UNREACHABLE',
        retry: 'pause',
        dependency: 'schema-registry',
        cause,
      },
    );
  }
}

/** Full name of an Avro record; `undefined` where the schema is something else, which whoever reads with it will refuse. */
function nameOf(schema: string): string | undefined {
  try {
    const { namespace, name } = JSON.parse(schema) as { namespace?: string; name?: string };
    return [namespace, name].filter(Boolean).join('.') || undefined;
  } catch {
    return undefined;
  }
}

function unknownId(id: number): ThroughlineError {
  return new ThroughlineError(
    `No schema has id ${id}: the producer wrote with another registry, or not in the Confluent wire format.`,
    {
      code: 'CONTRACT_SCHEMA_UNKNOWN',
      retry: 'never',
    },
  );
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
