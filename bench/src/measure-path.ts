import { runBareLoop, type BareRun } from './bare-path.js';
import { median, medianBy, quantile } from './median.js';
import { withPath, type Ground, type Run } from './path.js';
import { per1000, total, type CpuParts } from './proc.js';

export interface Size {
  warmUp: number;
  processes: number;
  runs: number;
  perSecond: number;
  seconds: number;
}

export interface PathFigures {
  perSecond: number;
  cpuSecondsPer1000: number;
  cpuParts: CpuParts;
  commitsPerMessage: number;
  barePerSecond: number;
  bareCpuParts: CpuParts;
  bareRatio: number;
  p50Ms: number;
  p99Ms: number;
  cpuSecondsPer1000At50: number;
  /** How much later than planned the worst deal of a paced run was closed. */
  behindMs: number;
}

/**
 * Saturation and the bare loop by turns, so that whatever else the machine does meets both, each after the same warm-up in fresh
 * processes; then the steady pace. Medians over the runs; the ratio is the median of the ratios of neighbours.
 */
export async function measurePath(
  ground: Ground,
  name: string,
  samplingRatio: number | undefined,
  size: Size,
): Promise<PathFigures> {
  const saturated: { run: Run; commitsPerMessage: number }[] = [];
  const bare: BareRun[] = [];
  for (let round = 1; round <= size.runs; round += 1) {
    ground.say(`${name}: saturation, run ${round} of ${size.runs}`);
    const { result, commitsPerMessage } = await withPath(ground, { samplingRatio }, async (path) => {
      await path.run(`${name}-${round}-warm`, size.warmUp);
      return path.run(`${name}-${round}`, size.processes);
    });
    saturated.push({ run: result, commitsPerMessage });
    ground.say(`${name}: bare loop, run ${round} of ${size.runs}`);
    bare.push(await runBareLoop(ground, `${name}-${round}`, size.warmUp, size.processes));
  }
  const paced = await measurePaced(ground, name, samplingRatio, size);
  const { run, commitsPerMessage } = medianBy(saturated, (each) => speed(each.run));
  const cpuParts = per1000(run.cpuToCompletion, run.processes);
  return {
    perSecond: speed(run),
    cpuSecondsPer1000: total(cpuParts),
    cpuParts,
    commitsPerMessage,
    barePerSecond: median(bare.map(({ perSecond }) => perSecond)),
    bareCpuParts: medianBy(bare, ({ cpuParts }) => total(cpuParts)).cpuParts,
    bareRatio: median(saturated.map((each, index) => speed(each.run) / bare[index]!.perSecond)),
    p50Ms: median(paced.map(({ latenciesMs }) => quantile(latenciesMs, 0.5))),
    p99Ms: median(paced.map(({ latenciesMs }) => quantile(latenciesMs, 0.99))),
    cpuSecondsPer1000At50: median(paced.map((each) => total(per1000(each.cpuToLastEffect, each.processes)))),
    behindMs: Math.max(...paced.map(({ behindMs }) => behindMs)),
  };
}

async function measurePaced(
  ground: Ground,
  name: string,
  samplingRatio: number | undefined,
  size: Size,
): Promise<Run[]> {
  const { result } = await withPath(ground, { samplingRatio }, async (path) => {
    await path.run(`${name}-paced-warm`, size.warmUp);
    const runs: Run[] = [];
    for (let round = 1; round <= size.runs; round += 1) {
      ground.say(`${name}: ${size.perSecond} per second for ${size.seconds} s, run ${round} of ${size.runs}`);
      runs.push(await path.run(`${name}-paced-${round}`, size.perSecond * size.seconds, size.perSecond));
    }
    return runs;
  });
  return result;
}

const speed = ({ processes, seconds }: Run): number => processes / seconds;
