import { Client, escapeIdentifier, escapeLiteral } from 'pg';

export interface RegistryDatabase {
  jdbcUrl: string;
  user: string;
  password: string;
}

/** A database and a role of its own for the registry; both are created where they are missing, under a lock. */
export async function ensureRegistryDatabase(
  adminUrl: string,
  name: string,
  password: string,
): Promise<RegistryDatabase> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtext($1))`, [`throughline ${name}`]);
    const role = await client.query('select 1 from pg_roles where rolname = $1', [name]);
    const verb = role.rowCount === 0 ? 'create' : 'alter';
    await client.query(`${verb} role ${escapeIdentifier(name)} login password ${escapeLiteral(password)}`);
    const database = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (database.rowCount === 0) {
      // An admin that is no superuser may give a database only to a role it is a member of.
      await client.query(`grant ${escapeIdentifier(name)} to current_user`).catch(() => undefined);
      await client.query(`create database ${escapeIdentifier(name)} owner ${escapeIdentifier(name)}`);
      await client.query(`revoke all on database ${escapeIdentifier(name)} from public`);
    }
  } finally {
    await client.end();
  }
  return { jdbcUrl: jdbcUrl(adminUrl, name), user: name, password };
}

/** `postgres://user:secret@host:5432/db?sslmode=require` gives `jdbc:postgresql://host:5432/<name>?sslmode=require`. */
export function jdbcUrl(postgresUrl: string, database: string): string {
  const url = new URL(postgresUrl);
  const sslmode = url.searchParams.get('sslmode');
  return `jdbc:postgresql://${url.hostname}:${url.port || 5432}/${database}${sslmode ? `?sslmode=${sslmode}` : ''}`;
}
