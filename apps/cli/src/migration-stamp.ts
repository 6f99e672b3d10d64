import pg from 'pg';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './installation.js';

/** Limit of the question to PostgreSQL, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * Remembers for which databases and which migrations everything was applied, so that a start does not run one process per service
 * only to hear that there is nothing to do.
 */
export class MigrationStamp {
  private constructor(
    private readonly file: string,
    private readonly wanted: string,
  ) {}

  /** `undefined` where the server does not say who it is: then migrations run every time. */
  static async read(file: string, adminUrl: string, databases: string[]): Promise<MigrationStamp | undefined> {
    const server = await identify(adminUrl, databases).catch(() => undefined);
    return server ? new MigrationStamp(file, `${server} ${migrationsHash()}`) : undefined;
  }

  get isCurrent(): boolean {
    return existsSync(this.file) && readFileSync(this.file, 'utf8') === this.wanted;
  }

  write(): void {
    writeFileSync(this.file, this.wanted);
  }
}

/** The cluster and each database in it: one that was dropped and made again has another oid. */
async function identify(adminUrl: string, databases: string[]): Promise<string | undefined> {
  const client = new pg.Client({
    connectionString: adminUrl,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ system: string; oids: string }>(
      `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
              string_agg(datname || '=' || oid, ',' ORDER BY datname) AS oids
         FROM pg_database WHERE datname = ANY($1)`,
      [databases],
    );
    return rows[0] && `${rows[0].system} ${rows[0].oids}`;
  } finally {
    await client.end();
  }
}

/** Every built file that has to do with migrations, of services and packages. */
function migrationsHash(): string {
  const hash = createHash('sha256');
  for (const folder of ['apps', 'packages']) {
    for (const workspace of readdirSync(join(projectRoot, folder)).sort()) {
      const dist = join(projectRoot, folder, workspace, 'dist');
      if (!existsSync(dist)) continue;
      const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
        .filter((name) => /migration/i.test(name) && name.endsWith('.js'))
        .sort();
      for (const name of files) hash.update(`${workspace}/${name}\0`).update(readFileSync(join(dist, name)));
    }
  }
  return hash.digest('hex');
}
