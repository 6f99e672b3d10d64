import { isRefusal, occurrenceField, type CompiledStep, type Process } from './compile.js';
import { isStuck, whyNot, type Action } from './actions.js';
import { decide, type Input } from './decide.js';
import { inFlight } from './standing.js';
import { initialState, type Command, type ProcessEvent, type State } from './state.js';
import { stepOf, unitsOf } from './units.js';

/** A moment of an imagined instance, and how it came about. */
export interface Node {
  state: State;
  /** Units whose thing stands in the other systems, judged by the events alone and not by the engine. */
  standing: string[];
  refusedCompensation: boolean;
  /** A step that was commanded again while what it had done stood. */
  doneTwice?: string;
  disturbances: number;
  path: string[];
}

/** Lines of an explored instance, and the events that begin a repeated step: two of the one, one of the other. */
const LINES = ['line-1', 'line-2'];
const RUN = 'run-1';

/** The first moment after the start, once for each way in which conditions can fall. */
export function beginnings(process: Process): Node[] {
  const fresh = initialState({ key: 'key', occurrence: 1, correlationId: 'correlation' });
  const root: Node = { state: fresh, standing: [], refusedCompensation: false, disturbances: 0, path: [] };
  return take(process, root, eventOf(process, process.starts, root), { disturbance: 0 });
}

/** Everything that can happen next. */
export function movesFrom(process: Process, node: Node): Node[] {
  return [
    ...inFlight(node.state).flatMap(([id, run]) => [
      ...answers(process, node, id),
      ...(run.overdueSince || !run.dueAt ? [] : [expire(process, node, id, run.dueAt)]),
    ]),
    ...Object.entries(node.state.steps).flatMap(([id, { status, execution }]) =>
      status === 'retrying' ? [expire(process, node, `${id}, to be asked again,`, execution!.retryAt!, 0)] : [],
    ),
    ...choices(process, node),
    ...interventions(process, node),
    ...surprises(process, node),
  ];
}

/** What may end the wait of one unit. */
export function answers(process: Process, node: Node, id: string): Node[] {
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
  return outcomes.flatMap(([type]) => {
    const event = eventOf(process, type, node, id);
    if (!isRefusal(type)) return take(process, node, event, { disturbance: 0, id });
    // A refusal that is answered by asking again, and one that is not.
    const reasons = ['a-reason', ...(direction === 'forward' ? (step.retry?.reasons.slice(0, 1) ?? []) : [])];
    return reasons.flatMap((reason) =>
      take(process, node, { ...event, payload: { ...event.payload, reason } }, { disturbance: 1, id }),
    );
  });
}

/** What a person may decide where something could not be undone: keep everything, or let that stand and undo the rest. */
function choices(process: Process, node: Node): Node[] {
  const stuck = Object.entries(node.state.steps).filter(([id, unit]) => isStuck(process, node.state, id, unit));
  if (stuck.length === 0) return [];
  const wanted: { action: Action; unit?: string }[] = [
    { action: 'keep' },
    ...stuck.map(([unit]) => ({ action: 'skip' as const, unit })),
  ];
  return wanted.flatMap(({ action, unit }) => {
    if (whyNot(process, node.state, action, unit)) return [];
    const id = `${action}#${node.path.length}`;
    const input: Input = { kind: 'control', id, action, by: 'a person', reason: 'explored', ...(unit && { unit }) };
    return takeInput(process, node, input, `a person chooses to ${action} ${unit ?? 'the deal'}`, { disturbance: 0 });
  });
}

/** What people do: cancel, amend, begin a repeated step. */
export function interventions(process: Process, node: Node): Node[] {
  const unasked = { disturbance: 1, unasked: true };
  const cancellations = [...process.cancelledBy].flatMap((type) => {
    const undoes = process.outcomes.get(type);
    if (!undoes) return take(process, node, eventOf(process, type, node), unasked);
    // A thing can be undone in its own system by a person only where it stands.
    const standing = node.standing.filter((id) => stepOf(process, id).name === undoes.step);
    return standing.flatMap((id) => take(process, node, eventOf(process, type, node, id), { ...unasked, id }));
  });
  // People can cancel an instance by its control, whatever its definition says.
  const cancel: Input = {
    kind: 'control',
    id: `cancel#${node.path.length}`,
    action: 'cancel',
    by: 'a person',
    reason: 'explored',
  };
  if (cancellations.length === 0 && !node.state.cause && node.state.phase !== 'new')
    cancellations.push(...takeInput(process, node, cancel, '(unasked) cancelled by a person', { disturbance: 1 }));
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

/** Answers that come twice, or after a refusal; of one step, or of any. */
export function surprises(process: Process, node: Node, step?: string): Node[] {
  return [...process.outcomes].flatMap(([type, outcome]) => {
    if (outcome.direction !== 'forward' || outcome.refusal || outcome.step !== (step ?? outcome.step)) return [];
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
      ...doneTwice(process, node, commands),
      disturbances: node.disturbances + disturbance,
      path: [...node.path, told + describe(said, [...commands.map(nameOf), ...opened])],
    };
  });
}

/** A step that is commanded while what it did before stands; what may stand by its definition is done again without harm. */
function doneTwice(process: Process, { standing }: Node, commands: Command[]): Pick<Node, 'doneTwice'> {
  const twice = commands.find(
    ({ direction, step }) =>
      direction === 'forward' && standing.includes(step) && stepOf(process, step).because === undefined,
  );
  return twice ? { doneTwice: twice.step } : {};
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

export function expire(process: Process, node: Node, what: string, at: string, disturbance = 1): Node {
  const { state, commands } = decide(process, node.state, { kind: 'timer' }, at);
  const told = disturbance > 0 ? `${what} is late` : `${what} is due`;
  return {
    ...node,
    state,
    disturbances: node.disturbances + disturbance,
    path: [...node.path, told + describe([], commands.map(nameOf))],
  };
}

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
