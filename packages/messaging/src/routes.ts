import type { MessageType } from '@throughline/contracts';
import type { Tx } from '@throughline/postgres';
import type { EffectContext } from './effect-context.js';
import { dependencyUndeclared } from './errors.js';
import type { EffectResult, Job, Message, MessagingTx } from './message.js';

/** Decides with SQL alone, inside the transaction of the whole batch: no HTTP, no timers. Messages are in order per key. */
export type StateHandler<T extends MessageType> = (messages: Message<T>[], tx: MessagingTx) => Promise<void>;

/** Calls another system. Runs outside any transaction, again after a crash, one at a time per key. */
export type EffectHandler<T extends MessageType> = (
  message: Message<T>,
  context: EffectContext,
) => Promise<EffectResult | void>;

/** As {@link EffectHandler}, for work that came from a webhook or a sweep. */
export type JobHandler<P> = (job: Job<P>, context: EffectContext) => Promise<EffectResult | void>;

export interface RetryPolicy {
  /** The message becomes a dead letter after this many failed attempts. Default 10. */
  maxAttempts?: number;
  /** ... or once it has failed for this long, whichever comes first; time in which its dependency was down does not count. Default 1 h. */
  giveUpAfterMs?: number;
  /** First and longest wait between attempts; doubles in between, with jitter. Default [200, 30,000]. */
  backoffMs?: [number, number];
}

/**
 * What the successors of a dead letter do. `hold`: they wait until a person has put it back or let it go, because what comes after it
 * may be wrong without it. `continue`: each stands for itself.
 */
export type OnDeadLetter = 'hold' | 'continue';

/** A system that effects call, named by vendor and tenant: `stripe:acct_1`. */
export interface DependencyOptions {
  /**
   * A cheap read that ends with the signal: it is up where this resolves, or is refused with an answer (`never`, or a rate limit). While
   * it fails, the dependency pauses and no attempt counts. Without it one row is tried to find out, and what cannot be told apart from an
   * outage counts as one.
   */
  probe?: (signal: AbortSignal) => Promise<unknown>;
  /** Limit of one probe. Default 5,000. */
  probeTimeoutMs?: number;
}

export interface EffectOptions {
  /** The system that is called; work for it pauses as a whole while it is down. Order is kept per key within one dependency. */
  dependency: string;
  /** Limit of one attempt. The lease outlives it. Default 30,000. */
  timeoutMs?: number;
  retry?: RetryPolicy;
  /** Default `hold`; of jobs `continue`, because a job is a hint to look anew, and the next one of its key does that as well. */
  onDeadLetter?: OnDeadLetter;
}

interface Policy {
  dependency: string;
  timeoutMs: number;
  retry: Required<RetryPolicy>;
  onDeadLetter: OnDeadLetter;
}

/**
 * The handler may be run over all of retained history again. `true`: in order, over what it wrote before, it comes to the same state,
 * because each message overwrites. Otherwise `reset` first removes what the handler has written, SQL only.
 */
export type Replayable = true | { reset: (tx: Tx) => Promise<unknown> };

export type StateRoute = Policy & {
  kind: 'state';
  handle: StateHandler<MessageType>;
  replayable: Replayable | undefined;
  ahead: boolean;
};
export type EffectRoute = Policy & { kind: 'effect'; handle: EffectHandler<MessageType> };
export type JobRoute = Policy & { kind: 'job'; handle: JobHandler<unknown> };
/** What can stand in the work queue. A state route stands there while a message of it is parked. */
export type WorkRoute = StateRoute | EffectRoute | JobRoute;

export interface Routes {
  /** Kafka consumer group, and the consumer's name in the inbox: never rename it. */
  group: string;
  orderBy: 'key' | 'correlationId';
  dependencies: Record<string, DependencyOptions>;
  routes: Partial<Record<MessageType, StateRoute | EffectRoute>>;
  jobs: Record<string, JobRoute>;
  /** Types this service emits; their schema ids are learnt at start. */
  emits: MessageType[];
}

/** The dependency of state routes: our own database. */
export const STATE_DEPENDENCY = 'state';

const DEFAULT_RETRY: Required<RetryPolicy> = { maxAttempts: 10, giveUpAfterMs: 3_600_000, backoffMs: [200, 30_000] };
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Handles messages with SQL alone, a whole batch at once. A message that fails is parked or dead-lettered without the others. With `ahead`
 * it is called before the inbox has answered, so that its statements travel with the inbox's, and where it awaits none of them with COMMIT,
 * too; where a message turns out to be known, its key to wait, or the handler fails, all of it is rolled back and done again, not ahead. For
 * a handler that touches nothing but its transaction.
 */
export function state<T extends MessageType>(
  handle: StateHandler<T>,
  options: Omit<EffectOptions, 'dependency'> & { replayable?: Replayable; ahead?: boolean } = {},
): StateRoute {
  const { replayable, ahead = false } = options;
  const own = policy({ dependency: STATE_DEPENDENCY, ...options }, 'hold');
  return { ...own, kind: 'state', handle: handle as never, replayable, ahead };
}

/** Handles messages one by one by calling another system, from the keyed work queue. */
export function effect<T extends MessageType>(handle: EffectHandler<T>, options: EffectOptions): EffectRoute {
  return { ...policy(options, 'hold'), kind: 'effect', handle: handle as never };
}

/** Handles jobs that {@link MessagingTx.enqueue} stored. */
export function job<P = unknown>(handle: JobHandler<P>, options: EffectOptions): JobRoute {
  return { ...policy(options, 'continue'), kind: 'job', handle: handle as never };
}

/**
 * The one place that says what a service does with each message and what happens on failure.
 *
 * @example
 * defineRoutes({
 *   group: 'ops-adapter',
 *   routes: { CreateOrder: effect(createOrder, { dependency: 'medusa' }) },
 *   emits: ['OrderCreated', 'OrderRejected'],
 * })
 */
export function defineRoutes(definition: {
  group: string;
  /**
   * What waits together when a message fails. Default `key`: the entity, as in its topic. `correlationId` where a handler's state is fed
   * by entities of several topics: once a message waits, everything of its correlation id lines up behind it, from whichever topic.
   */
  orderBy?: 'key' | 'correlationId';
  /** The systems its effects and jobs call. Where any is declared, all must be. */
  dependencies?: Record<string, DependencyOptions>;
  routes?: { [T in MessageType]?: StateRoute | EffectRoute };
  jobs?: Record<string, JobRoute>;
  emits?: MessageType[];
}): Routes {
  const dependencies = definition.dependencies ?? {};
  const called = [...Object.values(definition.routes ?? {}), ...Object.values(definition.jobs ?? {})];
  for (const { kind, dependency } of called) {
    if (kind === 'state' || Object.keys(dependencies).length === 0 || dependencies[dependency]) continue;
    throw dependencyUndeclared(dependency);
  }
  return {
    group: definition.group,
    orderBy: definition.orderBy ?? 'key',
    dependencies,
    routes: definition.routes ?? {},
    jobs: definition.jobs ?? {},
    emits: definition.emits ?? [],
  };
}

function policy(options: EffectOptions, onDeadLetter: OnDeadLetter): Policy {
  return {
    dependency: options.dependency,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retry: { ...DEFAULT_RETRY, ...options.retry },
    onDeadLetter: options.onDeadLetter ?? onDeadLetter,
  };
}
