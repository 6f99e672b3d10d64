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
  cpuPartsAt50: CpuParts;
  bareP50Ms: number;
  bareP99Ms: number;
  bareCpuPartsAt50: CpuParts;
  /** How much later than planned the worst deal of a paced run was closed. */
  behindMs: number;
}

/**
 * Saturation and the bare loop by turns, so that whatever else the machine does meets both, each after the same warm-up in fresh
 * processes; then both at the steady pace. Medians over the runs; the ratio is the median of the ratios of neighbours.
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
    const { warmUp, processes } = size;
    bare.push(await runBareLoop(ground, `${name}-${round}`, { warmUp, processes }));
  }
  const { paced, barePaced } = await measurePaced(ground, name, samplingRatio, size);
  const cpuPartsAt50 = medianBy(
    paced.map((each) => per1000(each.cpuToLastEffect, each.processes)),
    total,
  );
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
    p50Ms: quantileOf(paced, 0.5),
    p99Ms: quantileOf(paced, 0.99),
    cpuSecondsPer1000At50: total(cpuPartsAt50),
    cpuPartsAt50,
    bareP50Ms: quantileOf(barePaced, 0.5),
    bareP99Ms: quantileOf(barePaced, 0.99),
    bareCpuPartsAt50: medianBy(barePaced, ({ cpuParts }) => total(cpuParts)).cpuParts,
    behindMs: Math.max(...paced.map(({ behindMs }) => behindMs)),
  };
}

/** At a steady pace, the shipped path and the bare loop by turns, each in fresh processes that have kept it for a while. */
async function measurePaced(
  ground: Ground,
  name: string,
  samplingRatio: number | undefined,
  { warmUp, runs, perSecond, seconds }: Size,
): Promise<{ paced: Run[]; barePaced: BareRun[] }> {
  const paced: Run[] = [];
  const barePaced: BareRun[] = [];
  const processes = perSecond * seconds;
  for (let round = 1; round <= runs; round += 1) {
    ground.say(`${name}: ${perSecond} per second for ${seconds} s, run ${round} of ${runs}`);
    const { result } = await withPath(ground, { samplingRatio }, async (path) => {
      await path.run(`${name}-paced-warm`, warmUp);
      await path.run(`${name}-paced-warm-at-pace`, processes / 2, perSecond);
      return path.run(`${name}-paced-${round}`, processes, perSecond);
    });
    paced.push(result);
    ground.say(`${name}: bare loop, ${perSecond} per second, run ${round} of ${runs}`);
    barePaced.push(await runBareLoop(ground, `${name}-paced-${round}`, { warmUp, processes, perSecond }));
  }
  return { paced, barePaced };
}

const quantileOf = (runs: { latenciesMs: number[] }[], share: number): number =>
  median(runs.map(({ latenciesMs }) => quantile(latenciesMs, share)));

const speed = ({ processes, seconds }: Run): number => processes / seconds;
