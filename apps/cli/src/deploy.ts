import { publishSchemas, topics } from '@throughline/contracts';
import { checkExternal, spawnService, type StackAddresses } from '@throughline/local-stack';
import { ensureTopics } from '@throughline/messaging';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.js';
import { databaseUrls, ensureDatabases } from './databases.js';
import { projectRoot, type Installation } from './installation.js';
import { MigrationStamp } from './migration-stamp.js';
import { databaseName, kafkaPrefix, type Namespace } from './namespace.js';
import { CommandError, table } from './output.js';
import { SERVICES, type ServiceName } from './topology.js';

/**
 * `throughline deploy`: schemas and topics on the Kafka and registry that the environment names, and, where POSTGRES_URL names an
 * administrator's address, each service's database, role and migrations too. Every part is safe to repeat. Nothing is touched
 * before each of them has answered, which it may take 10 s for.
 */
export async function deploy(config: Config, installation: Installation, options: { json: boolean }): Promise<void> {
  const running = installation.running();
  const kafkaBrokers = config.kafkaBrokers ?? running?.kafkaBrokers;
  const registryUrl = config.registryUrl ?? running?.registryUrl;
  if (!kafkaBrokers || !registryUrl) {
    throw new CommandError(
      'Where to? Set KAFKA_BROKERS and SCHEMA_REGISTRY_URL (and POSTGRES_URL for databases and migrations), or run npm start first.',
    );
  }
  const { postgresUrl: adminUrl, namespace } = config;
  await Promise.all([
    checkExternal('kafka', kafkaBrokers.join(',')),
    checkExternal('registry', registryUrl),
    ...(adminUrl ? [checkExternal('postgres', adminUrl)] : []),
  ]);
  if (adminUrl) {
    const { databaseSecret } = installation.secrets();
    await deployDatabases(adminUrl, namespace, databaseSecret, installation.path('logs'));
  }
  const contracts = await deployContracts({ registryUrl, kafkaBrokers }, namespace);
  const report = { databases: adminUrl ? SERVICES.length : 0, ...contracts };
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    process.stdout.write(
      `${table(
        ['part', 'state'],
        [
          ['databases', adminUrl ? `${SERVICES.length} up to date` : 'left alone (POSTGRES_URL is not set)'],
          ['schemas', `${contracts.schemas} registered and compatible`],
          ['topics', `${contracts.createdTopics.length} created`],
          ...contracts.differences.map((difference): [string, string] => ['topic differs', difference]),
        ],
      )}\n`,
    );
  }
}

/** How long the migrations of one service may take. */
const MIGRATION_LIMIT_MS = 120_000;

/**
 * Databases, roles and migrations of every service; idempotent. Returns the address of each service's database.
 * @param options.stampFile remembers what was applied, so that migrations that are all applied need not run
 */
export async function deployDatabases(
  adminUrl: string,
  namespace: Namespace,
  password: string,
  logDirectory: string,
  options: { stampFile?: string; signal?: AbortSignal } = {},
): Promise<Record<ServiceName, string>> {
  await ensureDatabases(adminUrl, password, namespace);
  const urls = databaseUrls(adminUrl, password, namespace);
  const names = SERVICES.map((service) => databaseName(namespace, service));
  const stamp = options.stampFile && (await MigrationStamp.read(options.stampFile, adminUrl, names));
  if (stamp && stamp.isCurrent) return urls;
  await Promise.all(SERVICES.map((service) => migrateService(service, urls[service], logDirectory, options.signal)));
  if (stamp) stamp.write();
  return urls;
}

/** Schemas and topics; idempotent. Topics that differ from infra/topics.yaml are reported, not changed. */
export async function deployContracts(
  addresses: Pick<StackAddresses, 'registryUrl' | 'kafkaBrokers'>,
  namespace: Namespace,
): Promise<{ schemas: number; createdTopics: string[]; differences: string[] }> {
  const [published, report] = await Promise.all([
    publishSchemas(addresses.registryUrl),
    ensureTopics(
      { brokers: addresses.kafkaBrokers, clientId: 'throughline-deploy', topicPrefix: kafkaPrefix(namespace) },
      topics,
    ),
  ]);
  return { schemas: published.length, createdTopics: report.created, differences: report.differences };
}

async function migrateService(
  service: ServiceName,
  databaseUrl: string,
  logDirectory: string,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) throw new CommandError('interrupted', 130);
  const logFile = join(logDirectory, `${service}-migrate.log`);
  const child = await spawnService({
    name: `${service} migrations`,
    command: process.execPath,
    args: [join(projectRoot, 'apps', service, 'dist', 'main.js'), 'migrate'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(logDirectory, '..', 'compile-cache'),
      DATABASE_URL: databaseUrl,
    },
    logFile,
  });
  const timer = setTimeout(() => void child.kill(), MIGRATION_LIMIT_MS);
  // What a migration has begun is one transaction: it may end at any moment.
  const abort = (): void => void child.kill();
  signal?.addEventListener('abort', abort, { once: true });
  const { code } = await child.exited;
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  if (code !== 0) {
    throw new CommandError(
      `The migrations of ${service} failed.\n${lastLines(logFile)}\nWhole log: ${logFile}\nNext: fix the migration named above and run "npx throughline deploy" again; what was applied stays applied.`,
    );
  }
}

/** The end of a log file, for an error message. */
export function lastLines(file: string, count = 12): string {
  try {
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-count)
      .map((line) => `  ${line}`)
      .join('\n');
  } catch {
    return '  (no log was written)';
  }
}
