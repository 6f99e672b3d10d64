import { Courses, pathTo, type Node } from './courses.js';
import { decide } from './decide.js';
import type { CompiledStep, Process } from './process.js';
import { inFlight } from './standing.js';
import type { State, Status, StepStatus } from './state.js';
import { stepOf } from './units.js';

export interface ExploredPath {
  /** What happened, in order, as a person would tell it. */
  path: string[];
  problem: string;
  /** How many failures and other disturbances it takes. */
  disturbances: number;
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
  /** True where `maxMoves` ended the exploration before everything was seen. */
  isCutShort: boolean;
  /** Steps of which so many conditions fall in one decision that not every combination was looked at. */
  tooManyConditions: string[];
  /** The most units that were under way at once. */
  widest: string[];
}

export interface ExploreOptions {
  /** How many failures, cancellations and other disturbances are combined; default 3. */
  maxDisturbances?: number;
  /** Where to stop; default 500,000 moves, some twenty seconds. */
  maxMoves?: number;
}

/**
 * Runs every course a process can take: each command succeeding in each way, refused, tried again, timed out, answered early or twice or late or
 * never; each condition true and false; each person approving and rejecting; the instance cancelled or amended at any moment, also before its start,
 * and also by a person in another system; started while the occurrence before stands; what was refused asked for again by a person; what an amendment has replaced told of once more;
 * up to `maxDisturbances` of these combined. Each end must be completed with everything standing, undone with
 * nothing standing, or visibly waiting for a person.
 */
export function explore(
  process: Process,
  { maxDisturbances = 3, maxMoves = 500_000 }: ExploreOptions = {},
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
    tooManyConditions: [],
    widest: [],
  };
  const courses = new Courses(process, 'free');
  const pathsFrom = new Map<string, number>();
  const begun = new Set<string>();
  let moves = 0;

  const visit = (node: Node): number => {
    if (node.broken) {
      exploration.problems.push(toldOf(node, `it cannot go on: ${node.broken}`));
      return 0;
    }
    const signature = signatureOf(process, node);
    const known = pathsFrom.get(signature);
    if (known !== undefined) return known;
    if (moves >= maxMoves) {
      exploration.isCutShort = true;
      return 0;
    }
    pathsFrom.set(signature, 0);
    look(process, node, exploration, begun);
    let paths = hasEnded(node.state) ? 1 : 0;
    for (const next of courses.movesFrom(node, maxDisturbances - node.disturbances)) {
      moves += 1;
      paths += visit(next);
    }
    pathsFrom.set(signature, paths);
    return paths;
  };

  exploration.paths = visit(courses.root());
  exploration.tooManyConditions = courses.tooManyConditions;
  exploration.leftStanding = [...new Set(exploration.leftStanding)];
  exploration.neverBegun = process.steps.map(({ name }) => name).filter((name) => !begun.has(name));
  // What needs the fewest things to go wrong is the likeliest, and is understood best.
  exploration.problems.sort((a, b) => a.disturbances - b.disturbances || a.path.length - b.path.length);
  return exploration;
}

/** Judges one state, and counts it. */
function look(process: Process, node: Node, exploration: Exploration, begun: Set<string>): void {
  const { state } = node;
  exploration.states += 1;
  for (const [id, { status }] of Object.entries(state.steps))
    if (status !== 'waiting' && status !== 'skipped' && status !== 'not-needed') begun.add(stepOf(process, id).name);
  const underWay = inFlight(state).map(([id]) => id);
  if (underWay.length > exploration.widest.length) exploration.widest = underWay;
  const isEnd = hasEnded(state);
  if (isEnd) {
    exploration.ends[state.status] = (exploration.ends[state.status] ?? 0) + 1;
    const example = exploration.examples[state.status];
    if (!example || example.length > node.moves) exploration.examples[state.status] = pathTo(node);
  }
  const twice = node.doneTwice && `${node.doneTwice} is done a second time, while what it did stands`;
  const problem = twice ?? (isEnd ? judgeEnd(process, node, exploration) : judgeSilence(process, node));
  if (problem) exploration.problems.push(toldOf(node, problem));
}

const toldOf = (node: Node, problem: string): ExploredPath => ({
  path: pathTo(node),
  problem,
  disturbances: node.disturbances,
});

/** Nothing more happens by itself; before its start, something always does. */
function hasEnded(state: State): boolean {
  return state.phase !== 'new' && inFlight(state).length === 0 && !isRetrying(state);
}

function judgeEnd(process: Process, node: Node, exploration: Exploration): string | undefined {
  const { state, standing } = node;
  const isTold = (messageId: string): boolean => state.attention.some((one) => one.messageId === messageId);
  const untold = node.stale.find(([, messageId]) => !isTold(messageId));
  if (untold) return `${state.status}, but ${untold[0]} stands as it was before the amendment, and nobody is told`;
  switch (state.status) {
    case 'completed': {
      const early = state.early.filter(({ messageId }) => !isTold(messageId));
      if (early.length > 0)
        return `completed, but ${early[0]!.type} is kept for a step that is over, and nobody is told`;
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
      const isLetStand = (id: string): boolean => state.steps[id]?.skipped !== undefined;
      const halfDone = ours.filter((unit) => !mayStand(unit) && !isLetStand(unit.id)).map(({ id }) => id);
      return halfDone.length === 0
        ? undefined
        : `${state.status}, but ${halfDone.join(', ')} still stands; say how it is undone, or with "because" why it may stand`;
    }
    case 'stopped': {
      const isExplained = Object.entries(state.steps).some(
        ([, { status }]) => status === 'compensation-refused' || (status === 'refused' && state.phase === 'forward'),
      );
      return isExplained || state.attention.some(({ code }) => code === 'irreversible')
        ? undefined
        : 'stopped without a refusal that explains it';
    }
    case 'paused':
      return undefined;
    case 'rejected': {
      const early = state.early.find(({ type, messageId }) => process.outcomes.has(type) && !isTold(messageId));
      return early && `rejected, but ${early.type} came before, and nobody is told`;
    }
    default:
      return `nothing is in flight, and yet the instance is ${state.status}`;
  }
}

/** What is never answered must become visible by time alone, unless a person is asked and knows it. */
function judgeSilence(process: Process, node: Node): string | undefined {
  let { state } = node;
  if (state.phase === 'new' || isVisible(state)) return undefined;
  let at: string | undefined = '9000-01-01T00:00:00.000Z';
  // Each try that is never answered is followed by the next one; there is an end to them.
  for (let round = 0; at !== undefined && round < 1_000; round += 1) {
    ({ state, nextTimerAt: at } = decide(process, state, { kind: 'timer' }, at));
    if (isVisible(state)) return undefined;
  }
  return `no answer ever comes, and the instance stays ${state.status}`;
}

const isVisible = (state: State): boolean =>
  ['overdue', 'stopped', 'deciding', 'paused'].includes(state.status) || hasDecision(state);
const hasDecision = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'deciding');
const isRetrying = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'retrying');

/** Passed by: whether a person approved or nobody had to, nothing that comes later can tell. */
const PASSED: ReadonlySet<StepStatus> = new Set(['done', 'not-needed', 'kept']);

/** Two nodes with one signature have the same future. */
function signatureOf(process: Process, { state, standing, stale, former, disturbances }: Node): string {
  const steps = Object.entries(state.steps)
    .map(([id, { status, undone, execution, compensation, skipped }]) => {
      if (PASSED.has(status) && !skipped && stepOf(process, id).checkpoint) return `${id}:passed`;
      const isCompensating = status === 'compensating' || status === 'compensation-refused';
      const overdue = isCompensating ? compensation?.overdueSince : execution?.overdueSince;
      const isOpen = isCompensating || status === 'commanded' || status === 'awaited' || status === 'deciding';
      return `${id}:${status}:${undone}:${Boolean(skipped)}:${execution?.outcome}:${execution?.attempts}:${isOpen && Boolean(overdue)}`;
    })
    .toSorted();
  // What has nothing to undo is not part of the order in which things are undone.
  const undoable = state.completed.filter((id) => stepOf(process, id).compensation ?? stepOf(process, id).irreversible);
  const isTold = (messageId: string): boolean => state.attention.some((one) => one.messageId === messageId);
  return [
    state.phase,
    Boolean(state.paused),
    steps,
    undoable,
    state.cause && `because ${state.cause.step}`,
    state.revision,
    state.amendment?.steps,
    state.missed?.some(({ type }) => process.cancelledBy.has(type)),
    state.early.map(({ type }) => type).toSorted(),
    state.attention.some(({ code }) => code === 'irreversible'),
    standing.toSorted(),
    stale.map(([unit, messageId]) => `${unit}:${isTold(messageId)}`),
    state.refusedBefore?.map(({ unit }) => unit),
    former?.undone,
    former?.refused,
    disturbances,
  ].join('|');
}
