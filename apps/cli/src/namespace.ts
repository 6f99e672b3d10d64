import { removeTopicsAndGroups } from '@throughline/messaging';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Config } from './config.js';
import { CommandError } from './output.js';
import type { ServiceName } from './topology.js';

/**
 * What keeps installations and runs apart that share a Kafka or a PostgreSQL: a part of the name of every database, role, topic and
 * consumer group. The empty one adds nothing.
 */
export type Namespace = string;

/** Limit of one statement, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** What a person has chosen for an installation. */
export function namespaceFrom(text: string): Namespace {
  if (/^([a-z][a-z0-9-]{0,19})?$/.test(text)) return text;
  throw new CommandError(
    'THROUGHLINE_NAMESPACE: up to 20 lower-case letters, digits and hyphens, beginning with a letter, such as "staging".',
  );
}

/** One that nobody else has, for a run that removes at its end what it made. */
export function namespaceOfRun(kind: 'demo' | 'test'): Namespace {
  return `${kind}-${randomBytes(4).toString('hex')}`;
}

/** Before the name of every topic and consumer group. */
export function kafkaPrefix(namespace: Namespace): string {
  return namespace && `${namespace}.`;
}

/** Before the name of every database and role. */
function databasePrefix(namespace: Namespace): string {
  return namespace ? `throughline_${namespace.replaceAll('-', '_')}_` : 'throughline_';
}

/** Name of a service's database and of its role: `revenue-adapter` has `throughline_revenue_adapter`. */
export function databaseName(namespace: Namespace, service: ServiceName): string {
  return databasePrefix(namespace) + service.replaceAll('-', '_');
}

/** Name of a local registry's database on a PostgreSQL that is not local. */
export function registryDatabase(namespace: Namespace): string {
  return `${databasePrefix(namespace)}registry`;
}

/**
 * Removes what a run made on a Kafka and a PostgreSQL that outlive it. Nothing of the run may be running any more.
 *
 * @param parts those that outlive it; the others are removed as a whole
 */
export async function removeNamespace(
  namespace: Namespace,
  { kafkaBrokers: brokers, postgresUrl }: Pick<Config, 'kafkaBrokers' | 'postgresUrl'>,
): Promise<void> {
  if (namespace === '') throw new Error('Without a namespace nothing tells what a run made from what others made.');
  if (postgresUrl) await removeDatabases(postgresUrl, databasePrefix(namespace));
  if (brokers) {
    await removeTopicsAndGroups({ brokers, clientId: 'throughline-remove', topicPrefix: kafkaPrefix(namespace) });
  }
}

async function removeDatabases(adminUrl: string, prefix: string): Promise<void> {
  const client = new pg.Client({
    connectionString: adminUrl,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  await client.connect();
  try {
    const names = async (query: string): Promise<string[]> =>
      (await client.query<{ name: string }>(query, [prefix])).rows.map(({ name }) => client.escapeIdentifier(name));
    for (const name of await names('SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)'))
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    for (const name of await names('SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, $1)'))
      await client.query(`DROP ROLE ${name}`);
  } finally {
    await client.end();
  }
}
