import { topics } from '@throughline/contracts';
import { ensureTopics } from '@throughline/messaging';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { databaseUrl, makeDatabases, type Ground } from './path.js';
import { cpuOf, difference, per1000, type CpuParts } from './proc.js';

const DATABASES = 'bare';
const SIDES = ['revenue', 'ops', 'finance', 'orchestrator'] as const;
const READY_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 240_000;

export interface BareRun {
  perSecond: number;
  cpuParts: CpuParts;
}

/**
 * The bare loop over the same number of processes, after the same warm-up in databases as fresh, from the first outbox commit to the
 * last effect commit.
 */
export async function runBareLoop(ground: Ground, run: string, warmUp: number, processes: number): Promise<BareRun> {
  const { addresses, pids } = ground;
  const prefix = `bare-${run}.`;
  await ensureTopics({ brokers: addresses.kafkaBrokers, clientId: 'bench', topicPrefix: prefix }, topics, {
    replicationFactor: 1,
  });
  await makeDatabases(ground, SIDES, DATABASES);
  const children = new Map<(typeof SIDES)[number], ChildProcess>();
  try {
    for (const side of SIDES) {
      const config = {
        brokers: addresses.kafkaBrokers,
        registryUrl: addresses.registryUrl,
        databaseUrl: databaseUrl(addresses, DATABASES, side),
        prefix,
      };
      children.set(
        side,
        fork(fileURLToPath(new URL('./bare.js', import.meta.url)), [side], {
          env: { ...process.env, NODE_ENV: 'production', BARE: JSON.stringify(config) },
          // What it logs must not mix with what is measured on standard output.
          stdio: ['ignore', 2, 2, 'ipc'],
        }),
      );
    }
    const ended = Promise.race(
      [...children].map(async ([side, child]) => {
        await once(child, 'exit');
        throw new Error(`${side} of the bare loop ended`);
      }),
    );
    ended.catch(() => undefined);
    const answer = async (child: ChildProcess, limitMs: number): Promise<unknown> => {
      const message = once(child, 'message', { signal: AbortSignal.timeout(limitMs) });
      return ((await Promise.race([message, ended])) as [unknown])[0];
    };
    const revenue = children.get('revenue')!;
    const finance = children.get('finance')!;
    await Promise.all([...children.values()].map((child) => answer(child, READY_LIMIT_MS)));
    const services = [...children.values()].map(({ pid }) => pid!);
    const close = async (name: string, count: number): Promise<number> => {
      finance.send({ watch: count });
      revenue.send({ close: { run: name, count } });
      const [{ firstCommitMs }, { lastEffectMs }] = (await Promise.all([
        answer(revenue, RUN_LIMIT_MS),
        answer(finance, RUN_LIMIT_MS),
      ])) as [{ firstCommitMs: number }, { lastEffectMs: number }];
      return (lastEffectMs - firstCommitMs) / 1_000;
    };
    await close(`${prefix}warm`, warmUp);
    const before = cpuOf({ services, ...pids });
    const seconds = await close(prefix, processes);
    const used = difference(cpuOf({ services, ...pids }), before);
    return { perSecond: processes / seconds, cpuParts: per1000(used, processes) };
  } finally {
    for (const child of children.values()) if (child.connected) child.disconnect();
    for (const child of children.values()) if (child.exitCode === null) await once(child, 'exit');
  }
}
