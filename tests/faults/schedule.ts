import { seededRandom } from '../../apps/cli/src/demo/random.js';
import { CUTS, type Cut } from './tcp-proxy.js';
import { CONNECTIONS, VICTIMS, type Link } from './victims.js';

/** What `--only` can name. */
export const KINDS = ['kill', 'pause', 'network', 'webhooks', 'vendors', 'poison'] as const;
export type Kind = (typeof KINDS)[number];

/** What becomes of a deal: the life it leads in the CRM, with its approvers, in the warehouse and at its customer's bank. */
export const STORIES = [
  'plain',
  'paid',
  'reopened',
  'reopened-anytime',
  'credited',
  'closed-again',
  'amended',
  'amended-reopened',
  'amended-approved',
  'amended-rejected',
  'approved',
  'rejected',
  'reopened-undecided',
  'shipped-in-parts',
  'returned',
  'returned-paid',
  'reopened-unshipped',
  'amended-unshipped',
  'shipped-reopened-kept',
  'shipped-reopened-let-go',
  'shipped-amended-kept',
  'shipping-reopened',
  'kept-closed-again',
  'part-shipped-reopened-kept',
  'part-shipped-reopened-let-go',
] as const;
export type Story = (typeof STORIES)[number];

export interface PlannedStory {
  story: Story;
  /** How long people wait before they do what they do, in milliseconds: so it falls on any moment of what goes on meanwhile. */
  pausesMs: readonly [number, number];
  /** Seed of all else in this life: what is changed, how much is on the shelf, how much comes back. */
  chance: number;
}

/** Records that nobody can handle; each must become a dead letter, alone. */
export const POISONS = ['undecodable', 'unknown-schema', 'unknown-type', 'no-headers', 'failing-handler'] as const;
export type Poison = (typeof POISONS)[number];

/** A fault as the sandbox takes it, see apps/sandbox/README.md. */
export type SandboxFault = { kind: string; vendor: string; probability: number } & Record<string, unknown>;

export type Fault = { forMs: number } & (
  | { kind: 'kill' | 'pause'; whom: string }
  | { kind: 'network'; cut: Cut; from: string; link: Link }
  | { kind: 'webhooks' | 'vendors'; what: string; faults: SandboxFault[] }
  | { kind: 'poison'; records: Poison[] }
);

/** Deals are closed, and while they are under way the fault strikes. */
export interface Round {
  stories: PlannedStory[];
  fault: Fault;
  /** It waits until every earlier fault is over; the others come on top of what is still broken. */
  alone: boolean;
}

/** A fault with less under way would prove little. */
export const MIN_IN_FLIGHT = 5;
/** Rounds begin so far apart at least, in milliseconds. */
export const ROUND_MS = 7_500;
/** Longer than a session with Kafka (12 s) and than a sign of life of an instance (10 s): whoever stands still so long has lost everything it held. */
const LONG_PAUSE_MS: [number, number] = [13_000, 19_000];

/** Longer than a sale takes, so that a person's step falls before, into and after it. */
const LONGEST_PAUSE_MS = 5_000;

/** How often each kind comes up among all. */
const WEIGHTS: Record<Kind, number> = { kill: 4, pause: 2, network: 4, webhooks: 2, vendors: 3, poison: 1 };
const STORY_WEIGHTS: Record<Story, number> = {
  plain: 3,
  paid: 2,
  reopened: 1,
  'reopened-anytime': 3,
  credited: 1,
  'closed-again': 2,
  amended: 3,
  'amended-reopened': 1,
  'amended-approved': 1,
  'amended-rejected': 1,
  approved: 2,
  rejected: 1,
  'reopened-undecided': 1,
  'shipped-in-parts': 2,
  returned: 2,
  'returned-paid': 1,
  'reopened-unshipped': 1,
  'amended-unshipped': 1,
  'shipped-reopened-kept': 1,
  'shipped-reopened-let-go': 1,
  'shipped-amended-kept': 1,
  'shipping-reopened': 2,
  'kept-closed-again': 1,
  'part-shipped-reopened-kept': 1,
  'part-shipped-reopened-let-go': 1,
};

/**
 * Everything that will happen, decided before anything runs. Pure: the same seed, minutes and kinds give the same rounds. Each kind
 * goes through a deck of its variants before one comes again, so that a longer run meets all of them.
 */
export function planRounds(seed: number, minutes: number, only: readonly Kind[] = KINDS): Round[] {
  const random = seededRandom(seed);
  const between = (from: number, to: number): number => Math.round(from + random() * (to - from));
  const draw = <T>(items: readonly T[]): (() => T) => deck(random, items);
  const kind = draw(only.flatMap((name) => Array.from({ length: WEIGHTS[name] }, () => name)));
  const story = draw(STORIES.flatMap((name) => Array.from({ length: STORY_WEIGHTS[name] }, () => name)));
  const killed = draw(VICTIMS);
  const paused = draw(VICTIMS.flatMap((whom) => [false, true].map((long) => ({ whom, long }))));
  const connection = draw(CONNECTIONS.flatMap((one) => CUTS.map((cut) => ({ ...one, cut }))));
  const webhook = draw(['hubspot', 'stripe'].flatMap((vendor) => WEBHOOK_FAULTS.map((what) => ({ vendor, what }))));
  const request = draw(
    ['hubspot', 'medusa', 'stripe'].flatMap((vendor) => REQUEST_FAULTS.map((what) => ({ vendor, what }))),
  );

  const fault = (): Fault => {
    const chosen = kind();
    switch (chosen) {
      case 'kill':
        return { kind: chosen, whom: killed(), forMs: between(0, 6_000) };
      case 'pause': {
        const { whom, long } = paused();
        return { kind: chosen, whom, forMs: long ? between(...LONG_PAUSE_MS) : between(1_000, 6_000) };
      }
      case 'network':
        return { kind: chosen, ...connection(), forMs: between(2_000, 15_000) };
      case 'webhooks': {
        const { vendor, what } = webhook();
        const faults = [{ kind: what, vendor, probability: 0.2 + random() * 0.6 }];
        return { kind: chosen, what: `${what} of ${vendor}`, faults, forMs: between(10_000, 25_000) };
      }
      case 'vendors': {
        const { vendor, what } = request();
        const faults = [{ ...what(between), vendor, probability: 0.2 + random() * 0.3 }];
        return { kind: chosen, what: `${faults[0]!.kind} of ${vendor}`, faults, forMs: between(6_000, 18_000) };
      }
      case 'poison': {
        const each = draw(POISONS);
        return { kind: chosen, records: POISONS.map(each), forMs: 0 };
      }
    }
  };
  return Array.from({ length: Math.max(1, Math.floor((minutes * 60_000) / ROUND_MS)) }, () => ({
    stories: Array.from({ length: between(MIN_IN_FLIGHT, MIN_IN_FLIGHT + 2) }, () => ({
      story: story(),
      pausesMs: [between(0, LONGEST_PAUSE_MS), between(0, LONGEST_PAUSE_MS)],
      chance: between(0, 2 ** 32 - 1),
    })),
    fault: fault(),
    alone: random() < 0.4,
  }));
}

/** For people: `kill ops-adapter-1`. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
    case 'pause':
      return `${fault.kind} ${fault.whom}`;
    case 'network':
      return `network ${fault.cut} between ${fault.from} and its ${fault.link}`;
    case 'webhooks':
    case 'vendors':
      return `${fault.kind} ${fault.what}`;
    case 'poison':
      return `poison ${fault.records.join(', ')}`;
  }
}

/** What a fault takes hold of: two that hold the same come one after the other. */
export function holdOf(fault: Fault): string | undefined {
  if (fault.kind === 'kill' || fault.kind === 'pause') return fault.whom;
  return fault.kind === 'network' ? `${fault.from.replace(/-\d$/, '')} ${fault.link}` : undefined;
}

const WEBHOOK_FAULTS = ['webhook-duplicate', 'webhook-disorder', 'webhook-delay', 'webhook-drop'];

/** The dangerous half of them leaves open whether the call took effect. */
const REQUEST_FAULTS: ((
  between: (from: number, to: number) => number,
) => { kind: string } & Record<string, unknown>)[] = [
  (between) => ({ kind: 'answer-429', retryAfterSeconds: between(1, 3) }),
  () => ({ kind: 'answer-500', status: 500 }),
  () => ({ kind: 'answer-500', status: 503 }),
  (between) => ({ kind: 'delay', delayMs: between(500, 4_000) }),
  () => ({ kind: 'drop' }),
  () => ({ kind: 'apply-then-drop' }),
  (between) => ({ kind: 'timeout-then-apply', holdMs: between(0, 2_000), applyAfterMs: between(500, 5_000) }),
];

/** Draws through all items in a shuffled order before it begins anew. */
function deck<T>(random: () => number, items: readonly T[]): () => T {
  const rest: T[] = [];
  return () => {
    if (rest.length === 0) rest.push(...items);
    return rest.splice(Math.floor(random() * rest.length), 1)[0]!;
  };
}
