import type { CompiledStep, Process } from './compile.js';
import { beginnings, movesFrom, type Node } from './courses.js';
import { decide } from './decide.js';
import { inFlight } from './standing.js';
import type { State, Status } from './state.js';
import { stepOf } from './units.js';

export interface ExploredPath {
  /** What happened, in order, as a person would tell it. */
  path: string[];
  problem: string;
}

export interface Exploration {
  /** Different states visited. */
  states: number;
  /** Different ways from the start to an end. */
  paths: number;
  /** How many different end states have each status. */
  ends: Partial<Record<Status, number>>;
  /** One way to each kind of end: the shortest that was found. */
  examples: Partial<Record<Status, string[]>>;
  /** Steps that a cancelled or refused instance left done, as the definition says they may. */
  leftStanding: string[];
  /** Steps that began on no way. */
  neverBegun: string[];
  problems: ExploredPath[];
  /** True where `maxStates` ended the exploration before everything was seen. */
  isCutShort: boolean;
}

export interface ExploreOptions {
  /** How many failures, cancellations and other disturbances are combined; default 3. */
  maxDisturbances?: number;
  /** Where to stop; default 200,000 states. */
  maxStates?: number;
}

/**
 * Runs every course a process can take: each command succeeding in each way, refused, tried again, timed out, answered twice or late or
 * never; each condition true and false; each person approving and rejecting; the instance cancelled or amended at any moment, also by
 * a person in another system; up to `maxDisturbances` of these combined. Each end must be completed with everything standing, undone with
 * nothing standing, or visibly waiting for a person.
 */
export function explore(
  process: Process,
  { maxDisturbances = 3, maxStates = 200_000 }: ExploreOptions = {},
): Exploration {
  const exploration: Exploration = {
    states: 0,
    paths: 0,
    ends: {},
    examples: {},
    leftStanding: [],
    neverBegun: [],
    problems: [],
    isCutShort: false,
  };
  const pathsFrom = new Map<string, number>();
  const begun = new Set<string>();

  const visit = (node: Node): number => {
    const signature = signatureOf(node);
    const known = pathsFrom.get(signature);
    if (known !== undefined) return known;
    if (exploration.states >= maxStates) {
      exploration.isCutShort = true;
      return 0;
    }
    pathsFrom.set(signature, 0);
    exploration.states += 1;
    for (const [id, { status }] of Object.entries(node.state.steps))
      if (status !== 'waiting' && status !== 'skipped' && status !== 'not-needed') begun.add(stepOf(process, id).name);
    const isEnd = inFlight(node.state).length === 0 && !isRetrying(node.state);
    if (isEnd) {
      const { status } = node.state;
      exploration.ends[status] = (exploration.ends[status] ?? 0) + 1;
      const example = exploration.examples[status];
      if (!example || example.length > node.path.length) exploration.examples[status] = node.path;
    }
    const twice = node.doneTwice && `${node.doneTwice} is done a second time, while what it did stands`;
    const problem = twice ?? (isEnd ? judgeEnd(process, node, exploration) : judgeSilence(process, node));
    if (problem) exploration.problems.push({ path: node.path, problem });
    let paths = isEnd ? 1 : 0;
    for (const next of movesFrom(process, node)) if (next.disturbances <= maxDisturbances) paths += visit(next);
    pathsFrom.set(signature, paths);
    return paths;
  };

  for (const first of beginnings(process)) exploration.paths += visit(first);
  exploration.leftStanding = [...new Set(exploration.leftStanding)];
  exploration.neverBegun = process.steps.map(({ name }) => name).filter((name) => !begun.has(name));
  exploration.problems.sort((a, b) => a.path.length - b.path.length);
  return exploration;
}

function judgeEnd(process: Process, node: Node, exploration: Exploration): string | undefined {
  const { state, standing, refusedCompensation } = node;
  switch (state.status) {
    case 'completed': {
      const missing = Object.entries(state.steps).filter(
        ([id, { status }]) => status === 'done' && stepOf(process, id).command && !standing.includes(id),
      );
      const extra = standing.filter((id) => state.steps[id]?.status !== 'done');
      if (extra.length > 0) return `completed, but ${extra.join(', ')} stands beside it`;
      return missing.length === 0 ? undefined : `completed, but ${missing.map(([id]) => id).join(', ')} does not stand`;
    }
    case 'compensated':
    case 'refused': {
      const steps = standing.map((id) => ({ id, step: stepOf(process, id) }));
      // What another process did is that one's to undo, unless this one says how.
      const ours = steps.filter(({ step }) => step.command ?? step.compensation);
      const mayStand = ({ step }: { step: CompiledStep }): boolean => step.because !== undefined || step.irreversible;
      exploration.leftStanding.push(...ours.filter(mayStand).map(({ step }) => step.name));
      const isLetStand = (id: string): boolean =>
        state.steps[id]?.status === 'kept' && Boolean(state.steps[id].skipped);
      const halfDone = ours.filter((unit) => !mayStand(unit) && !isLetStand(unit.id)).map(({ id }) => id);
      return halfDone.length === 0
        ? undefined
        : `${state.status}, but ${halfDone.join(', ')} still stands; say how it is undone, or with "because" why it may stand`;
    }
    case 'stopped': {
      const stoppedForward = Object.entries(state.steps).some(
        ([id, { status }]) => stepOf(process, id).onRefusal === 'stop' && status === 'refused',
      );
      const irreversible = state.attention.some(({ code }) => code === 'irreversible');
      return refusedCompensation || stoppedForward || irreversible
        ? undefined
        : 'stopped without a refusal that explains it';
    }
    case 'paused':
      return undefined;
    default:
      return `nothing is in flight, and yet the instance is ${state.status}`;
  }
}

/** What is never answered must become visible by time alone, unless a person is asked and knows it. */
function judgeSilence(process: Process, node: Node): string | undefined {
  let { state } = node;
  let at: string | undefined = '9000-01-01T00:00:00.000Z';
  // Each try that is never answered is followed by the next one; there is an end to them.
  for (let round = 0; at !== undefined && round < 1_000; round += 1) {
    const decision = decide(process, state, { kind: 'timer' }, at);
    ({ state, nextTimerAt: at } = decision);
  }
  return ['overdue', 'stopped', 'deciding', 'paused'].includes(state.status) || hasDecision(state)
    ? undefined
    : `no answer ever comes, and the instance stays ${state.status}`;
}

const hasDecision = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'deciding');
const isRetrying = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'retrying');

/** Two nodes with one signature have the same future. */
function signatureOf({ state, standing, disturbances, refusedCompensation }: Node): string {
  const steps = Object.entries(state.steps)
    .map(([name, { status, undone, execution, compensation, skipped }]) => {
      const isCompensating = status === 'compensating' || status === 'compensation-refused';
      const overdue = isCompensating ? compensation?.overdueSince : execution?.overdueSince;
      const isOpen = ['commanded', 'awaited', 'deciding'].includes(status) || isCompensating;
      return [
        name,
        status,
        undone,
        Boolean(skipped),
        execution?.outcome,
        execution?.attempts,
        isOpen && Boolean(overdue),
      ];
    })
    .toSorted(([a], [b]) => String(a).localeCompare(String(b)));
  return JSON.stringify([
    state.phase,
    steps,
    state.completed,
    state.cause?.step,
    Boolean(state.cause),
    state.revision,
    state.amendment?.steps,
    state.early.map(({ type }) => type),
    state.attention.some(({ code }) => code === 'irreversible'),
    standing.toSorted(),
    disturbances,
    refusedCompensation,
  ]);
}
