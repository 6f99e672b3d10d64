import type { ServiceName } from '../topology.js';
import { seededRandom } from './random.js';

export type KillTarget = ServiceName | 'broker';

export interface PlannedKill {
  target: KillTarget;
  /** Killed once this many deals of the run are closed (and at least {@link MIN_IN_FLIGHT} are still on their way). */
  afterClosed: number;
}

/** A kill with less under way would prove little. */
export const MIN_IN_FLIGHT = 5;

const TARGETS: KillTarget[] = [
  'revenue-adapter',
  'ops-adapter',
  'finance-adapter',
  'orchestrator',
  'sandbox',
  'broker',
];

/**
 * When each target is killed, in a seeded order at seeded moments spread over the run. Pure.
 * @throws where there are too few deals for {@link MIN_IN_FLIGHT} to be under way at every kill.
 */
export function planKills(deals: number, seed: number): PlannedKill[] {
  const slot = Math.floor(deals / TARGETS.length);
  if (slot < MIN_IN_FLIGHT)
    throw new Error(
      `--kill all needs at least ${TARGETS.length * MIN_IN_FLIGHT} deals, so that ${MIN_IN_FLIGHT} are under way at every kill`,
    );
  const random = seededRandom(seed ^ 0x5eed);
  const order = [...TARGETS];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order.map((target, index) => ({
    target,
    afterClosed: index * slot + MIN_IN_FLIGHT + Math.floor(random() * (slot - MIN_IN_FLIGHT + 1)),
  }));
}
