import { isRefusal, occurrenceField, type CompiledStep, type Process } from './compile.js';
import { decide, inFlight, type Input } from './decide.js';
import { initialState, type Command, type ProcessEvent, type State, type Status } from './state.js';
import { stepOf, unitsOf } from './units.js';

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
  /** Steps that a cancelled or refused instance left done, because the definition does not undo them. */
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

interface Node {
  state: State;
  /** Units whose thing stands in the other systems, judged by the events alone and not by the engine. */
  standing: string[];
  refusedCompensation: boolean;
  disturbances: number;
  path: string[];
}

/** Lines of an explored instance, and the events that begin a repeated step: two of the one, one of the other. */
const LINES = ['line-1', 'line-2'];
const RUN = 'run-1';

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
    const problem = isEnd ? judgeEnd(process, node, exploration) : judgeSilence(process, node);
    if (problem) exploration.problems.push({ path: node.path, problem });
    let paths = isEnd ? 1 : 0;
    for (const next of movesFrom(process, node)) if (next.disturbances <= maxDisturbances) paths += visit(next);
    pathsFrom.set(signature, paths);
    return paths;
  };

  const fresh = initialState({ key: 'key', occurrence: 1, correlationId: 'correlation' });
  const root: Node = { state: fresh, standing: [], refusedCompensation: false, disturbances: 0, path: [] };
  for (const first of take(process, root, eventOf(process, process.starts, root), { disturbance: 0 }))
    exploration.paths += visit(first);
  exploration.leftStanding = [...new Set(exploration.leftStanding)];
  exploration.neverBegun = process.steps.map(({ name }) => name).filter((name) => !begun.has(name));
  exploration.problems.sort((a, b) => a.path.length - b.path.length);
  return exploration;
}

function movesFrom(process: Process, node: Node): Node[] {
  return [
    ...inFlight(node.state).flatMap(([id, run]) => [
      ...answers(process, node, id),
      ...(run.overdueSince || !run.dueAt ? [] : [expire(process, node, id, run.dueAt)]),
    ]),
    ...Object.entries(node.state.steps).flatMap(([id, { status, execution }]) =>
      status === 'retrying' ? [expire(process, node, `${id}, to be asked again,`, execution!.retryAt!, 0)] : [],
    ),
    ...interventions(process, node),
    ...surprises(process, node),
  ];
}

/** What may end the wait of one unit. */
function answers(process: Process, node: Node, id: string): Node[] {
  const step = stepOf(process, id);
  const { status } = node.state.steps[id]!;
  if (status === 'deciding') {
    return (['approved', 'rejected'] as const).flatMap((verdict) => {
      const input: Input = {
        kind: 'decision',
        id: `${id}:${verdict}#${node.path.length}`,
        unit: id,
        verdict,
        by: 'a person',
      };
      return takeInput(process, node, input, `${id} ${verdict}`, { disturbance: verdict === 'rejected' ? 1 : 0 });
    });
  }
  const direction = status === 'compensating' ? 'compensation' : 'forward';
  const outcomes = [...process.outcomes].filter(
    ([, outcome]) => outcome.step === step.name && outcome.direction === direction,
  );
  return outcomes.flatMap(([type]) =>
    take(process, node, eventOf(process, type, node, id), { disturbance: isRefusal(type) ? 1 : 0, id }),
  );
}

/** What people do: cancel, amend, begin a repeated step. */
function interventions(process: Process, node: Node): Node[] {
  const unasked = { disturbance: 1, unasked: true };
  const cancellations = [...process.cancelledBy].flatMap((type) => {
    const undoes = process.outcomes.get(type);
    if (!undoes) return take(process, node, eventOf(process, type, node), unasked);
    // A thing can be undone in its own system by a person only where it stands.
    const standing = node.standing.filter((id) => stepOf(process, id).name === undoes.step);
    return standing.flatMap((id) => take(process, node, eventOf(process, type, node, id), { ...unasked, id }));
  });
  const amendments = [...process.amendedBy].flatMap((type) =>
    (node.state.revision ?? 0) + (node.state.amendment ? 1 : 0) > 0
      ? []
      : take(process, node, eventOf(process, type, node, undefined, '-amended'), unasked),
  );
  const triggers = [...process.triggers].flatMap(([type, names]) => {
    const isOutcome = process.outcomes.has(type);
    const hasRun = names.some((name) => node.state.steps[`${name}/${RUN}`]);
    if (isOutcome || hasRun) return [];
    return take(process, node, eventOf(process, type, node), { disturbance: 1, unasked: true });
  });
  return [...cancellations, ...amendments, ...triggers];
}

/** Answers that come twice, or after a refusal. */
function surprises(process: Process, node: Node): Node[] {
  return [...process.outcomes].flatMap(([type, outcome]) => {
    if (outcome.direction !== 'forward' || outcome.refusal) return [];
    return unitsOf(node.state, process.step(outcome.step)).flatMap(([id, unit]) => {
      const isRepeated = unit.execution?.outcome === type && node.standing.includes(id);
      const isLate = unit.status === 'refused';
      if (!isRepeated && !isLate) return [];
      return take(process, node, eventOf(process, type, node, id), { disturbance: 1, unasked: true, id });
    });
  });
}

interface Move {
  disturbance: number;
  unasked?: boolean;
  /** The unit an outcome is of. */
  id?: string;
}

/** One event, and what stands by it, once for each way in which conditions can fall. */
function take(process: Process, node: Node, event: ProcessEvent, move: Move): Node[] {
  const outcome = process.outcomes.get(event.type);
  const id = move.id ?? outcome?.step;
  let { standing, refusedCompensation } = node;
  if (outcome?.direction === 'forward' && !outcome.refusal) standing = [...new Set([...standing, id!])];
  if (outcome?.direction === 'compensation') {
    if (outcome.refusal) refusedCompensation = true;
    else standing = standing.filter((unit) => unit !== id);
  }
  const about = id?.includes('/') ? ` of ${id}` : '';
  const told = `${move.unasked ? '(unasked) ' : ''}${event.type}${about}`;
  return takeInput(process, { ...node, standing, refusedCompensation }, { kind: 'event', event }, told, move);
}

function takeInput(
  process: Process,
  node: Node,
  input: Input,
  told: string,
  { disturbance }: { disturbance: number },
): Node[] {
  return everyChoice(process, (chosen, said) => {
    const { state, commands, tasks } = decide(chosen, node.state, input, nowAt(node));
    const opened = tasks.opened.map(({ unit }) => `${unit}?`);
    // What is done again after an amendment no longer stands by its old event, where nothing had to undo it.
    const standing = node.standing.filter(
      (id) => state.steps[id] === undefined || state.steps[id].status !== 'waiting',
    );
    return {
      ...node,
      state,
      standing,
      disturbances: node.disturbances + disturbance,
      path: [...node.path, told + describe(said, [...commands.map(nameOf), ...opened])],
    };
  });
}

/** Runs `decide` for every combination of what the conditions met on the way may say. */
function everyChoice(process: Process, run: (process: Process, said: string[]) => Node): Node[] {
  if (process.steps.every(({ when, checkpoint }) => !when && !checkpoint)) return [run(process, [])];
  const nodes: Node[] = [];
  const pending: boolean[][] = [[]];
  for (let choices = pending.pop(); choices; choices = pending.pop()) {
    const made: boolean[] = [];
    const said: string[] = [];
    const given = choices;
    const choose = (name: string): boolean => {
      const choice = given[made.length] ?? true;
      if (made.length >= given.length) pending.push([...made, false]);
      made.push(choice);
      said.push(`${name}: ${choice ? 'needed' : 'not needed'}`);
      return choice;
    };
    nodes.push(run(withChoices(process, choose), said));
  }
  return nodes;
}

/** The same process, in which conditions are not computed but chosen. */
function withChoices(process: Process, choose: (step: string) => boolean): Process {
  const steps = process.steps.map((step): CompiledStep => {
    const { when, checkpoint } = step;
    const policy = { policy: checkpoint?.name ?? '', version: 0, rule: 'explored', outputs: {} };
    return {
      ...step,
      ...(when && { when: { ...when, evaluate: () => ({ value: choose(step.name), policies: [] }) } }),
      ...(checkpoint && {
        checkpoint: {
          ...checkpoint,
          policy: { ...checkpoint.policy, evaluate: () => ({ value: policy, policies: [] }) },
        },
      }),
    };
  });
  const byName = new Map(steps.map((step) => [step.name, step]));
  return { ...process, steps, step: (name) => byName.get(name)! };
}

function expire(process: Process, node: Node, what: string, at: string, disturbance = 1): Node {
  const { state, commands } = decide(process, node.state, { kind: 'timer' }, at);
  const told = disturbance > 0 ? `${what} is late` : `${what} is due`;
  return {
    ...node,
    state,
    disturbances: node.disturbances + disturbance,
    path: [...node.path, told + describe([], commands.map(nameOf))],
  };
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
      const isUndone = (id: string): boolean => stepOf(process, id).compensation !== undefined;
      exploration.leftStanding.push(...standing.filter((id) => !isUndone(id)).map((id) => stepOf(process, id).name));
      const halfDone = standing.filter(isUndone);
      return halfDone.length === 0 ? undefined : `${state.status}, but ${halfDone.join(', ')} still stands`;
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
  for (let round = 0; round < 50; round += 1) {
    const decision = decide(process, state, { kind: 'timer' }, '9999-12-31T00:00:00.000Z');
    state = decision.state;
    if (decision.commands.length === 0) break;
  }
  return ['overdue', 'stopped', 'deciding', 'paused'].includes(state.status) || hasDecision(state)
    ? undefined
    : `no answer ever comes, and the instance stays ${state.status}`;
}

const hasDecision = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'deciding');
const isRetrying = (state: State): boolean => Object.values(state.steps).some(({ status }) => status === 'retrying');

function eventOf(process: Process, type: string, node: Node, unit?: string, suffix = ''): ProcessEvent {
  const facts = [
    ...process.startFacts,
    ...process.steps.flatMap((step) => [...step.facts, ...(step.repeat?.fields ?? [])]),
  ];
  const payload: Record<string, unknown> = Object.fromEntries(facts.map((field) => [field, `a ${field}${suffix}`]));
  for (const { repeat } of process.steps) {
    if (repeat) payload[repeat.by] = unit?.includes('/') ? unit.slice(unit.indexOf('/') + 1) : RUN;
    if (!repeat?.forEach) continue;
    payload[repeat.forEach] = LINES.map((line) => ({
      ...Object.fromEntries([...repeat.fields].map((field) => [field, `a ${field}${suffix}`])),
      [repeat.by]: line,
    }));
  }
  return {
    messageId: `${type}#${node.path.length}`,
    type,
    payload: {
      ...payload,
      ...node.state.facts.assigned,
      [process.key]: 'key',
      [occurrenceField]: 1,
      reason: 'a-reason',
      message: 'a message',
    },
    source: 'exploration',
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'correlation',
  };
}

/** Time passes with each move, so that the order of commands can be read from the state. */
const nowAt = (node: Node): string => new Date(Date.UTC(2026, 0, 1) + node.path.length * 1000).toISOString();

const nameOf = ({ type, step }: Command): string =>
  step.includes('/') ? `${type} for ${step.slice(step.indexOf('/') + 1)}` : type;

function describe(said: string[], follows: string[]): string {
  const conditions = said.length > 0 ? ` (${said.join(', ')})` : '';
  return conditions + (follows.length > 0 ? ` -> ${follows.join(', ')}` : '');
}

/** Two nodes with one signature have the same future. */
function signatureOf({ state, standing, disturbances, refusedCompensation }: Node): string {
  const steps = Object.entries(state.steps)
    .map(([name, { status, undone, execution, compensation }]) => {
      const isCompensating = status === 'compensating' || status === 'compensation-refused';
      const overdue = isCompensating ? compensation?.overdueSince : execution?.overdueSince;
      const isOpen = ['commanded', 'awaited', 'deciding'].includes(status) || isCompensating;
      return [name, status, undone, execution?.outcome, execution?.attempts, isOpen && Boolean(overdue)];
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
