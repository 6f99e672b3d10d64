import { isRefusal, occurrenceField, type Process } from './compile.js';
import { decide, inFlight } from './decide.js';
import { initialState, type Command, type ProcessEvent, type State, type Status } from './state.js';

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
  /** Steps that a cancelled or refused instance left done, because the definition does not undo them. */
  leftStanding: string[];
  problems: ExploredPath[];
}

interface Node {
  state: State;
  /** What stands in the other systems, judged by the events alone and not by the engine. */
  standing: string[];
  refusedCompensation: boolean;
  disturbances: number;
  path: string[];
}

/**
 * Runs every course a process can take: each command succeeding in each way, refused, timed out, answered twice or late or never;
 * the instance cancelled at any moment, also by a person in another system; up to `maxDisturbances` of these combined.
 * Each end must be completed with everything standing, undone with nothing standing, or visibly waiting for a person.
 */
export function explore(process: Process, { maxDisturbances = 3 } = {}): Exploration {
  const exploration: Exploration = { states: 0, paths: 0, ends: {}, leftStanding: [], problems: [] };
  const pathsFrom = new Map<string, number>();

  const visit = (node: Node): number => {
    const signature = signatureOf(node);
    const known = pathsFrom.get(signature);
    if (known !== undefined) return known;
    exploration.states += 1;
    const isEnd = inFlight(node.state).length === 0;
    if (isEnd) exploration.ends[node.state.status] = (exploration.ends[node.state.status] ?? 0) + 1;
    const problem = isEnd ? judgeEnd(process, node, exploration) : judgeSilence(process, node);
    if (problem) exploration.problems.push({ path: node.path, problem });
    let paths = isEnd ? 1 : 0;
    for (const next of movesFrom(process, node, maxDisturbances)) paths += visit(next);
    pathsFrom.set(signature, paths);
    return paths;
  };

  const fresh = initialState({ key: 'key', occurrence: 1, correlationId: 'correlation' });
  const root: Node = { state: fresh, standing: [], refusedCompensation: false, disturbances: 0, path: [] };
  exploration.paths = visit(take(process, root, process.starts, { disturbance: 0 }));
  exploration.leftStanding = [...new Set(exploration.leftStanding)];
  return exploration;
}

function movesFrom(process: Process, node: Node, maxDisturbances: number): Node[] {
  const moves: Node[] = [];
  for (const [name, { overdueSince, command }] of inFlight(node.state)) {
    const direction = node.state.steps[name]?.status === 'compensating' ? 'compensation' : 'forward';
    const outcomes = [...process.outcomes].filter(
      ([, outcome]) => outcome.step === name && outcome.direction === direction,
    );
    for (const [type] of outcomes) moves.push(take(process, node, type, { disturbance: isRefusal(type) ? 1 : 0 }));
    if (!overdueSince) moves.push(expire(process, node, command));
  }
  for (const type of process.cancelledBy) {
    // A thing can be undone in its own system by a person only where it stands.
    const undoes = process.outcomes.get(type);
    if (!undoes || node.standing.includes(undoes.step))
      moves.push(take(process, node, type, { disturbance: 1, unasked: true }));
  }
  for (const [type, outcome] of process.outcomes) {
    const step = node.state.steps[outcome.step]!;
    if (
      step.execution?.outcome === type &&
      outcome.direction === 'forward' &&
      !outcome.refusal &&
      node.standing.includes(outcome.step)
    ) {
      moves.push(take(process, node, type, { disturbance: 1, unasked: true }));
    }
    const answeredLate = outcome.direction === 'forward' && !outcome.refusal && step.status === 'refused';
    if (answeredLate) moves.push(take(process, node, type, { disturbance: 1, unasked: true }));
  }
  return moves.filter((next) => next.disturbances <= maxDisturbances);
}

function take(process: Process, node: Node, type: string, { disturbance = 0, unasked = false }): Node {
  const event = eventOf(process, type, `${type}#${node.path.length}`);
  const { state, commands } = decide(process, node.state, { kind: 'event', event }, nowAt(node));
  const outcome = process.outcomes.get(type);
  let { standing, refusedCompensation } = node;
  if (outcome?.direction === 'forward' && !outcome.refusal) standing = [...new Set([...standing, outcome.step])];
  if (outcome?.direction === 'compensation') {
    if (outcome.refusal) refusedCompensation = true;
    else standing = standing.filter((step) => step !== outcome.step);
  }
  const told = `${unasked ? '(unasked) ' : ''}${type}${describe(commands)}`;
  return {
    state,
    standing,
    refusedCompensation,
    disturbances: node.disturbances + disturbance,
    path: [...node.path, told],
  };
}

function expire(process: Process, node: Node, command: string): Node {
  const due = Object.values(node.state.steps).flatMap(({ execution, compensation }) =>
    [execution, compensation].filter((run) => run?.command === command).map((run) => run!.dueAt!),
  );
  const { state } = decide(process, node.state, { kind: 'timer' }, due.at(-1)!);
  return { ...node, state, disturbances: node.disturbances + 1, path: [...node.path, `${command} times out`] };
}

function judgeEnd(process: Process, node: Node, exploration: Exploration): string | undefined {
  const { state, standing, refusedCompensation } = node;
  const all = process.steps.map((step) => step.name);
  switch (state.status) {
    case 'completed':
      return standing.length === all.length ? undefined : `completed, but only ${standing.join(', ')} stand`;
    case 'compensated':
    case 'refused': {
      const irreversible = standing.filter((name) => !process.step(name).compensation);
      exploration.leftStanding.push(...irreversible);
      const halfDone = standing.filter((name) => process.step(name).compensation);
      return halfDone.length === 0 ? undefined : `${state.status}, but ${halfDone.join(', ')} still stand`;
    }
    case 'stopped': {
      const stoppedForward = process.steps.some(
        (step) => step.onRefusal === 'stop' && state.steps[step.name]?.status === 'refused',
      );
      return refusedCompensation || stoppedForward ? undefined : 'stopped without a refusal that explains it';
    }
    default:
      return `nothing is in flight, and yet the instance is ${state.status}`;
  }
}

/** A command that is never answered must become visible by time alone. */
function judgeSilence(process: Process, node: Node): string | undefined {
  const { state } = decide(process, node.state, { kind: 'timer' }, '9999-12-31T00:00:00.000Z');
  return ['overdue', 'stopped'].includes(state.status)
    ? undefined
    : `no answer ever comes, and the instance stays ${state.status}`;
}

function eventOf(process: Process, type: string, messageId: string): ProcessEvent {
  const facts = [...process.startFacts, ...process.steps.flatMap((step) => [...step.facts])];
  const payload = Object.fromEntries(facts.map((field) => [field, `a ${field}`]));
  return {
    messageId,
    type,
    payload: { ...payload, [process.key]: 'key', [occurrenceField]: 1, reason: 'a-reason', message: 'a message' },
    source: 'exploration',
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'correlation',
  };
}

/** Time passes with each move, so that the order of commands can be read from the state. */
const nowAt = (node: Node): string => new Date(Date.UTC(2026, 0, 1) + node.path.length * 1000).toISOString();

const describe = (commands: Command[]): string =>
  commands.length > 0 ? ` -> ${commands.map((command) => command.type).join(', ')}` : '';

/** Two nodes with one signature have the same future. */
function signatureOf({ state, standing, disturbances, refusedCompensation }: Node): string {
  const steps = Object.entries(state.steps).map(([name, { status, undone, execution, compensation }]) => {
    const overdue =
      status === 'commanded' ? execution?.overdueSince : status === 'compensating' && compensation?.overdueSince;
    return [name, status, undone, execution?.outcome, Boolean(overdue)];
  });
  return JSON.stringify([
    state.phase,
    steps,
    state.completed,
    state.cause?.step,
    Boolean(state.cause),
    standing.toSorted(),
    disturbances,
    refusedCompensation,
  ]);
}
