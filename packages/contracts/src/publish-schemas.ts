import { catalog, type MessageType } from './generated/messages.js';
import { ThroughlineError } from './errors.js';

export interface PublishedSchema {
  type: MessageType;
  subject: string;
  id: number;
  compatibility: string;
}

/** Any consumer reads any retained event; a command only has to be read by its own, newer handler. */
const COMPATIBILITY = { event: 'FULL_TRANSITIVE', command: 'BACKWARD_TRANSITIVE' } as const;

/**
 * Registers every schema of the catalog; a deploy command, idempotent. The compatibility level is set before the schema, so
 * that the very first incompatible change is refused too.
 *
 * @throws `CONTRACT_SCHEMA_INCOMPATIBLE` with the registry's own words.
 */
export async function publishSchemas(
  registryUrl: string,
  options: { timeoutMs?: number } = {},
): Promise<PublishedSchema[]> {
  const request = async (method: string, path: string, body: unknown): Promise<{ id?: number }> => {
    const response = await fetch(`${registryUrl}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(options.timeoutMs ?? 15_000),
    });
    if (!response.ok) {
      throw new ThroughlineError(`The registry refused ${method} ${path}: ${await response.text()}`, {
        code: response.status === 409 ? 'CONTRACT_SCHEMA_INCOMPATIBLE' : 'CONTRACT_REGISTRY_REFUSED',
        retry: 'never',
      });
    }
    return (await response.json()) as { id?: number };
  };

  const published: PublishedSchema[] = [];
  for (const { type, subject, kind, schema } of Object.values(catalog)) {
    const compatibility = COMPATIBILITY[kind];
    await request('PUT', `/config/${subject}`, { compatibility });
    const { id } = await request('POST', `/subjects/${subject}/versions`, { schema: JSON.stringify(schema) });
    published.push({ type, subject, id: id!, compatibility });
  }
  return published;
}
