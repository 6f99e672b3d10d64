import { opportunityCorrelationId } from '@throughline/contracts';
import { median } from './median.js';
import type { Size } from './measure-path.js';
import { withPath, type Ground, type Path } from './path.js';
import { failsTransiently, sampleOpportunity } from './sample.js';

export interface FailingKeysFigures {
  /** Deals that failed three times at each of their four effects. */
  failing: number;
  healthyPerSecond: number;
  perSecondWithoutFailures: number;
  /** Median of neighbours. */
  healthyShare: number;
}

const SHARE = 0.01;

/** What deals that fail for a while cost those that do not: runs with and without them by turns, on the same services. */
export async function measureFailingKeys(ground: Ground, size: Size): Promise<FailingKeysFigures> {
  const { result } = await withPath(ground, {}, async (path) => {
    await path.run('failing-warm', size.warmUp);
    const rounds: { healthy: number; without: number; failing: number }[] = [];
    for (let round = 1; round <= size.runs; round += 1) {
      ground.say(`failing keys: run ${round} of ${size.runs}`);
      const without = await healthyRate(path, `failing-none-${round}`, size.processes, 0);
      const { failing, perSecond } = await healthyRate(path, `failing-${round}`, size.processes, SHARE);
      rounds.push({ healthy: perSecond, without: without.perSecond, failing });
    }
    return rounds;
  });
  return {
    failing: median(result.map(({ failing }) => failing)),
    healthyPerSecond: median(result.map(({ healthy }) => healthy)),
    perSecondWithoutFailures: median(result.map(({ without }) => without)),
    healthyShare: median(result.map(({ healthy, without }) => healthy / without)),
  };
}

async function healthyRate(
  path: Path,
  run: string,
  processes: number,
  share: number,
): Promise<{ failing: number; perSecond: number }> {
  const failing = new Set<string>();
  for (let index = 0; index < processes; index += 1) {
    const { opportunityId, occurrence } = sampleOpportunity(run, index);
    if (failsTransiently(opportunityId, share)) failing.add(opportunityCorrelationId(opportunityId, occurrence));
  }
  await path.failFrom(share);
  const { commits, ended } = await path.run(run, processes);
  const healthyEndMs = Math.max(...ended.filter((end) => !failing.has(end.correlationId)).map(({ atMs }) => atMs));
  const startMs = Math.min(...commits.map(({ atMs }) => atMs));
  return { failing: failing.size, perSecond: ((processes - failing.size) * 1_000) / (healthyEndMs - startMs) };
}
