import { DataSource, MigrationExecutor, type MigrationInterface } from 'typeorm';
import { CreateAssertion1796100000000 } from './assertion.js';
import type { Database } from './database.js';

/** Any number that all migrators of one database agree on ("thrl" in ASCII). */
const MIGRATION_LOCK = 0x7468_726c;

export type MigrationClass = new () => MigrationInterface;

/**
 * Applies what is missing, each migration in a transaction of its own, and returns the names applied. Idempotent, and safe to run
 * from several places at once: the others wait for an advisory lock and then find nothing to do.
 */
export async function migrate(database: Database | { url: string }, migrations: MigrationClass[]): Promise<string[]> {
  const url = 'url' in database ? database.url : database.options.url;
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    applicationName: 'throughline migrate',
    poolSize: 1,
    installExtensions: false,
    logging: false,
    migrations: [CreateAssertion1796100000000, ...migrations],
    migrationsTransactionMode: 'each',
    connectTimeoutMS: 10_000,
  });
  await dataSource.initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const applied = await new MigrationExecutor(dataSource, runner).executePendingMigrations();
    return applied.map((migration) => migration.name);
  } finally {
    await runner.release(); // the lock ends with the connection
    await dataSource.destroy();
  }
}
