import { setTimeout as sleep } from 'node:timers/promises';
import { withPath, type Ground, type Side } from './path.js';
import { cpuSeconds } from './proc.js';

export interface IdleFigures {
  /** Of one core, per service. */
  percentOfCore: Record<Side, number>;
  /** The busiest of them. */
  worstPercent: number;
}

/** After the last outcome: offsets, deletions and the garbage of start-up, which V8 collects some 15 s later, are over by then. */
const SETTLE_MS = 30_000;
const MEASURE_MS = 20_000;

/** What each service costs while there is nothing to do. */
export async function measureIdle(ground: Ground): Promise<IdleFigures> {
  const { result } = await withPath(ground, {}, async (path) => {
    await path.run('idle-warm', 200);
    ground.say('idle: waiting, then measuring');
    await sleep(SETTLE_MS);
    const services = path.pids().map(({ side, pid }) => ({ side, pid, before: cpuSeconds([pid]) }));
    const start = performance.now();
    await sleep(MEASURE_MS);
    const seconds = (performance.now() - start) / 1_000;
    return services.map(({ side, pid, before }) => [side, ((cpuSeconds([pid]) - before) * 100) / seconds] as const);
  });
  return {
    percentOfCore: Object.fromEntries(result) as Record<Side, number>,
    worstPercent: Math.max(...result.map(([, percent]) => percent)),
  };
}
