import { topics } from '@throughline/contracts';
import { ensureTopics } from '@throughline/messaging';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Closing } from './bare.js';
import { databaseUrl, HEAP, latenciesOf, makeDatabases, secondsOf, type Ground, type Stamp } from './path.js';
import { cpuOf, difference, per1000, type CpuParts } from './proc.js';

const DATABASES = 'bare';
const SIDES = ['revenue', 'ops', 'finance', 'orchestrator'] as const;
const READY_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 240_000;

export interface BareRun {
  perSecond: number;
  /** CPU-seconds per 1000 processes. */
  cpuParts: CpuParts;
  /** From each deal's outbox commit to its last effect commit, ascending; `NaN` for none. */
  latenciesMs: number[];
}

/**
 * The bare loop over the same number of processes, as fast as it goes or at a pace, after the same warm-ups in databases as fresh, from
 * the first outbox commit to the last effect commit.
 */
export async function runBareLoop(
  ground: Ground,
  run: string,
  { warmUp, processes, perSecond }: { warmUp: number; processes: number; perSecond?: number | undefined },
): Promise<BareRun> {
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
          execArgv: HEAP,
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
    const close = async (closing: Closing): Promise<[commits: Stamp[], recorded: Stamp[]]> => {
      finance.send({ watch: closing.count });
      revenue.send({ close: closing });
      return Promise.all([answer(revenue, RUN_LIMIT_MS), answer(finance, RUN_LIMIT_MS)]) as Promise<[Stamp[], Stamp[]]>;
    };
    await close({ run: `${prefix}warm`, count: warmUp });
    if (perSecond) await close({ run: `${prefix}warm-at-pace`, count: processes / 2, perSecond });
    const before = cpuOf({ services, ...pids });
    const [commits, recorded] = await close({ run: prefix, count: processes, perSecond });
    const used = difference(cpuOf({ services, ...pids }), before);
    return {
      perSecond: processes / secondsOf(commits, recorded),
      cpuParts: per1000(used, processes),
      latenciesMs: latenciesOf(commits, recorded),
    };
  } finally {
    for (const child of children.values()) if (child.connected) child.disconnect();
    for (const child of children.values()) if (child.exitCode === null) await once(child, 'exit');
  }
}
