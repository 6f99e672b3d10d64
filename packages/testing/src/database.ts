import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { Database, migrate, type DatabaseOptions, type MigrationClass } from '@throughline/postgres';
import { runNamespace, stackAddress } from './stack.js';

export interface TestDatabase {
  url: string;
  /** Opens a pool on it; closed by `drop()`. */
  connect(options?: Partial<DatabaseOptions>): Promise<Database>;
  drop(): Promise<void>;
}

const PREFIX = `throughline_${runNamespace.replaceAll('-', '_')}_`;
/** Serialises the making of templates between the workers of one test run. */
const TEMPLATE_LOCK = 0x7465_7374;

/**
 * A fresh database with these migrations applied: the clone of a template that is made once per set of migrations, so that the
 * second spec file pays milliseconds.
 */
export async function testDatabase(migrations: MigrationClass[]): Promise<TestDatabase> {
  const template = `${PREFIX}template_${fingerprint(migrations)}`;
  const name = `${PREFIX}${randomBytes(8).toString('hex')}`;
  await asAdmin(async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (rowCount === 0) {
      const making = `${template}_making`;
      await admin.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${making}`);
      await migrate({ url: urlOf(making) }, migrations);
      await admin.query(`ALTER DATABASE ${making} RENAME TO ${template}`);
    }
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  });

  const opened: Database[] = [];
  return {
    url: urlOf(name),
    async connect(options = {}) {
      const database = await Database.connect({ url: urlOf(name), applicationName: 'spec', ...options });
      opened.push(database);
      return database;
    },
    async drop() {
      await Promise.all(
        opened.filter(({ dataSource }) => dataSource.isInitialized).map((database) => database.close()),
      );
      await asAdmin((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** Migrations never change once released, but they do while somebody writes them: the text of each is part of the name. */
function fingerprint(migrations: MigrationClass[]): string {
  const hash = createHash('sha256');
  for (const migration of migrations) hash.update(migration.toString());
  return hash.digest('hex').slice(0, 16);
}

function urlOf(database: string): string {
  const url = new URL(stackAddress('postgresUrl'));
  url.pathname = `/${database}`;
  return url.href;
}

async function asAdmin<T>(fn: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: stackAddress('postgresUrl') });
  await admin.connect();
  try {
    return await fn(admin);
  } finally {
    await admin.end();
  }
}
