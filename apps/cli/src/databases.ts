import { createHmac } from 'node:crypto';
import pg from 'pg';
import { databaseName, type Namespace } from './namespace.js';
import { SERVICES, type ServiceName } from './topology.js';

/** Limit of one statement of the deployment, in milliseconds. */
const TIMEOUT_MS = 15_000;

/** A password of its own for every role, from the one secret of the installation. */
function rolePassword(secret: string, role: string): string {
  return createHmac('sha256', secret).update(role).digest('hex');
}

/** The address of each service's own database, for its own role. */
export function databaseUrls(adminUrl: string, secret: string, namespace: Namespace): Record<ServiceName, string> {
  const urls = SERVICES.map((service) => {
    const url = new URL(adminUrl);
    const name = databaseName(namespace, service);
    url.username = name;
    url.password = rolePassword(secret, name);
    url.pathname = `/${name}`;
    return [service, url.href] as const;
  });
  return Object.fromEntries(urls) as Record<ServiceName, string>;
}

/** Creates a database and a role per service, idempotently; no role can connect to another's database. */
export async function ensureDatabases(adminUrl: string, secret: string, namespace: Namespace): Promise<void> {
  const client = new pg.Client({
    connectionString: adminUrl,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  await client.connect();
  try {
    // Two deployments at once must not race: CREATE DATABASE has no IF NOT EXISTS.
    await client.query(`SELECT pg_advisory_lock(hashtext('throughline deploy'))`);
    for (const service of SERVICES) {
      const name = databaseName(namespace, service);
      const identifier = client.escapeIdentifier(name);
      const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
      const login = `LOGIN PASSWORD ${client.escapeLiteral(rolePassword(secret, name))}`;
      await client.query(
        roles.rowCount === 0 ? `CREATE ROLE ${identifier} ${login}` : `ALTER ROLE ${identifier} ${login}`,
      );
      const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${identifier} OWNER ${identifier}`);
      await client.query(`REVOKE ALL ON DATABASE ${identifier} FROM PUBLIC`);
    }
  } finally {
    await client.end();
  }
}
