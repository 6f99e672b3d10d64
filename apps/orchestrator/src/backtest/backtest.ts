import { isDeepStrictEqual } from 'node:util';
import { toDecimal } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import {
  courseOf,
  differencesOf,
  ProcessError,
  replayHistory,
  type Process,
  type RecordedInput,
  type Replayed,
  type State,
  type Undecided,
} from '@throughline/process';
import {
  readHistory,
  readRecordedInstances,
  readVersionNumbers,
  type ProcessRunner,
  type StoredEvent,
  type StoredInstance,
} from '@throughline/process/postgres';
import type { Rules } from '../load-rules.js';
import { isChangedPolicy } from '../store-policies.js';
import { findUndecided } from '../tasks/find-undecided.js';
import type { Comparison } from './summarise.js';

/** What is tried: a version of a process, or a policy in place of the one in force. */
export interface Candidate {
  kind: 'process' | 'policy';
  name: string;
  version: number;
  /** As it was written. */
  source: unknown;
  /** The processes whose instances it may change. */
  processes: string[];
  /** The definition by which an instance on this one would run. */
  of: (recorded: Process) => Process;
  /**
   * What it is compared with: what happened, for a process; for a policy the same instance under the rules in force, so that
   * what other policies have changed since is not counted.
   */
  baseline: 'recorded' | 'in force';
}

/** Instances read and compared at once. */
const PAGE = 200;

const readOnly = { name: 'backtest-read-only', text: 'SET TRANSACTION READ ONLY' };

/** Compiles what was written; throws with every problem, and where it is neither a process nor a policy. */
export function readCandidate(written: unknown, rules: Rules): Candidate {
  const { process, policy, version } = (written ?? {}) as { process?: unknown; policy?: unknown; version?: unknown };
  if (typeof process === 'string') {
    const compiled = rules.compile(written);
    return {
      kind: 'process',
      name: process,
      version: compiled.version,
      source: compiled.source,
      processes: [process],
      of: () => compiled,
      baseline: 'recorded',
    };
  }
  if (typeof policy === 'string') {
    if (!rules.policies.all.has(policy))
      throw new ProcessError(
        'PROCESS_DEFINITION_INVALID',
        `There is no policy "${policy}" in force that this would take the place of; there are ${[...rules.policies.all.keys()].join(', ')}.`,
      );
    const compile = rules.compileWith(written as { policy: string });
    const compiled = new Map<string, Process>();
    const of = (recorded: Process): Process => {
      const key = `${recorded.name}/${recorded.version}`;
      const known = compiled.get(key) ?? compile(recorded.source);
      compiled.set(key, known);
      return known;
    };
    const processes = rules.processes.map(({ name }) => name);
    return {
      kind: 'policy',
      name: policy,
      version: Number(version),
      source: written,
      processes,
      of,
      baseline: 'in force',
    };
  }
  throw new ProcessError(
    'PROCESS_DEFINITION_INVALID',
    'The candidate is neither a process nor a policy: it must begin with "process: <name>" or "policy: <name>".',
  );
}

/** Why a start with this candidate would be refused; undefined where it is a version of its own, or what is stored. */
export async function whyNotStarted(
  { database, runner }: { database: Database; runner: ProcessRunner },
  { kind, name, version, source }: Candidate,
): Promise<string | undefined> {
  const tell = (code: string): string =>
    `A start would refuse it (${code}): ${kind} ${name} version ${version} is kept with other content; give the change version ${version + 1}.`;
  if (kind === 'policy')
    return (await isChangedPolicy(database, { policy: name, version, source })) ? tell('POLICY_CHANGED') : undefined;
  if (!(await readVersionNumbers(database, name)).includes(version)) return undefined;
  const stored = await runner.definitionOf(database, { process: name, version });
  return isDeepStrictEqual(stored.source, source) ? undefined : tell('PROCESS_DEFINITION_CHANGED');
}

export interface Scope {
  /** Only instances that started since then. */
  since: Date;
  /** Only those behind this instance; `'0'` begins with the oldest. */
  after: string;
  limit: number;
  /** Until when time passes for instances that are still open. */
  now: Date;
}

/**
 * Takes recorded instances again by the candidate, in memory. Reads in transactions that PostgreSQL lets change nothing, page by page, so
 * that the service goes on with its work meanwhile. `next`: where to go on; null where that was all.
 */
export async function runBacktest(
  { database, runner }: { database: Database; runner: ProcessRunner },
  candidate: Candidate,
  { since, limit, now, ...scope }: Scope,
): Promise<{ comparisons: Comparison[]; next: string | null }> {
  const comparisons: Comparison[] = [];
  for (let { after } = scope; ;) {
    const page = await database.rehearse(async (tx) => {
      await tx.query(readOnly);
      const instances = await readRecordedInstances(tx, {
        after,
        processes: candidate.processes,
        since,
        limit: Math.min(PAGE, limit - comparisons.length + 1),
      });
      const ids = instances.map(({ id }) => id);
      const history = ids.length > 0 ? await readHistory(tx, ids) : [];
      const undecided = await findUndecided(tx, ids);
      const byInstance = Map.groupBy(history, ({ instanceId }) => instanceId);
      const definitions = new Map<string, Process>();
      for (const { process, version } of instances)
        definitions.set(`${process}/${version}`, await runner.definitionOf(tx, { process, version }));
      return instances.map((instance) => ({
        instance,
        history: byInstance.get(instance.id) ?? [],
        undecided: undecided.get(instance.id) ?? [],
        recorded: definitions.get(`${instance.process}/${instance.version}`)!,
      }));
    });
    for (const { instance, history, undecided, recorded } of page) {
      if (comparisons.length === limit) return { comparisons, next: comparisons.at(-1)!.id };
      comparisons.push(compare(instance, history, undecided, recorded, candidate, now.toISOString()));
      // The service has other things to do meanwhile.
      if (comparisons.length % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return { comparisons, next: null };
    after = last.instance.id;
  }
}

function compare(
  instance: StoredInstance,
  history: StoredEvent[],
  undecided: Undecided[],
  recorded: Process,
  candidate: Candidate,
  now: string,
): Comparison {
  const { id, process, version, key, occurrence, correlationId, state } = instance;
  const inputs = history.map(toRecordedInput);
  const replay = (by: Process): Replayed =>
    replayHistory(by, { key, occurrence, correlationId }, inputs, { state, undecided }, now);
  const before = candidate.baseline === 'in force' ? replay(recorded) : undefined;
  const commands = history.flatMap((event) => event.commands);
  const recordedCommands = new Set(commands);
  const was = before ? courseOf(before.state, before.commands, recordedCommands) : courseOf(state, commands);
  const replayed = tryOut(() => replay(candidate.of(recorded)), state);
  const blocked = before?.blocked ?? replayed.blocked;
  const would = courseOf(replayed.state, replayed.commands, recordedCommands);
  const known = { ...state.attributes, ...state.facts.start };
  const amount = recorded.amount === undefined ? undefined : known[recorded.amount];
  return {
    id,
    process,
    version,
    key,
    occurrence,
    amount: typeof amount === 'string' ? toDecimal(amount) : null,
    currency: typeof known['currency'] === 'string' ? known['currency'] : null,
    differs: blocked === undefined ? differencesOf(was, would) : [],
    was,
    would,
    assumed: replayed.assumed,
    blocked: blocked ?? null,
  };
}

/** A version that the candidate does not fit cannot be compared; the others can. */
function tryOut(replay: () => Replayed, state: State): Replayed {
  try {
    return replay();
  } catch (error) {
    return { state, commands: [], assumed: [], blocked: (error as Error).message };
  }
}

function toRecordedInput(event: StoredEvent): RecordedInput {
  const { messageId, type, payload, detail, step, source, occurredAt, recordedAt } = event;
  return {
    messageId,
    type,
    payload,
    detail,
    step,
    source,
    occurredAt: occurredAt.toISOString(),
    recordedAt: recordedAt.toISOString(),
  };
}
