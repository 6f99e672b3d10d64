import type { StackAddresses } from '@throughline/local-stack';
import { topics } from '@throughline/contracts';
import { ensureTopics } from '@throughline/messaging';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const SIDES = ['revenue', 'ops', 'finance', 'orchestrator'] as const;
const LIMIT_MS = 240_000;

/** Processes per second of the bare loop, from the first emission to the last effect; the databases are those of the measured path. */
export async function measureBareLoop(addresses: StackAddresses, run: string, processes: number): Promise<number> {
  const prefix = `bare-${run}.`;
  const kafka = { brokers: addresses.kafkaBrokers, clientId: 'bench', topicPrefix: prefix };
  await ensureTopics(kafka, topics, { replicationFactor: 1 });
  const urlOf = (side: string): string => {
    const url = new URL(addresses.postgresAdminUrl);
    url.pathname = `/bench_${side}`;
    return url.href;
  };
  const orchestrator = new pg.Client({ connectionString: urlOf('orchestrator') });
  await orchestrator.connect();
  await orchestrator.query('CREATE TABLE IF NOT EXISTS bare_instance (id uuid PRIMARY KEY, state jsonb NOT NULL)');
  await orchestrator.end();
  const finance = new pg.Client({ connectionString: urlOf('finance') });
  await finance.connect();
  const count = async (): Promise<number> => {
    const { rows } = await finance.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM vendor_effect WHERE kind = 'schedule'`,
    );
    return rows[0]?.count ?? 0;
  };

  const children = new Map<string, ChildProcess>();
  try {
    for (const side of SIDES) {
      const config = {
        brokers: addresses.kafkaBrokers,
        registryUrl: addresses.registryUrl,
        databaseUrl: urlOf(side),
        prefix,
      };
      children.set(
        side,
        fork(fileURLToPath(new URL('./bare.js', import.meta.url)), [side], {
          env: { ...process.env, BARE: JSON.stringify(config) },
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        }),
      );
    }
    await Promise.all(
      [...children.values()].map((child) => once(child, 'message', { signal: AbortSignal.timeout(60_000) })),
    );
    const before = await count();
    const start = performance.now();
    children.get('revenue')!.send({ emit: { run: `bare-${run}`, count: processes } });
    while ((await count()) < before + processes) {
      if (performance.now() - start > LIMIT_MS)
        throw new Error(`the bare loop ended only ${(await count()) - before} of ${processes} processes`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return Math.round((processes * 1_000) / (performance.now() - start));
  } finally {
    for (const child of children.values()) if (child.connected) child.disconnect();
    await finance.end();
  }
}
