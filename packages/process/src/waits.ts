import { successesOf } from './contracts.js';
import type { CompiledStep, Outcome, Process } from './process.js';
import type { Execution, State, StepStatus } from './state.js';
import { stepOf } from './units.js';

/** One thing an instance waits for. */
export interface Wait {
  /** The unit. */
  step: string;
  /** Who answers for it. */
  owner: string;
  /** The command in flight, or the refused one; absent before the start. */
  command?: string;
  /** Any of these ends the wait. */
  events: string[];
  /** ISO 8601; absent before the start, which nobody has promised. */
  since?: string;
  dueAt?: string;
  isOverdue: boolean;
  /** A person must decide, or it was refused and the process cannot go on by itself. */
  needsPerson: boolean;
}

/** Where an instance that has not started waits. */
export const START = 'start';

/** What an instance waits for; empty when it has ended. What needs a person comes first. */
export function waitsOf(process: Process, state: State): Wait[] {
  if (state.rejection) return [];
  if (state.phase === 'new' && state.cause) return [];
  if (state.phase === 'new')
    return [{ step: START, owner: process.owner, events: [process.starts], isOverdue: false, needsPerson: false }];
  const units = Object.keys(state.steps).map((unit) => ({ unit, wait: waitAt(process, state, unit) }));
  const waits = units.flatMap(({ wait }) => wait ?? []);
  return waits.toSorted((a, b) => Number(b.needsPerson) - Number(a.needsPerson));
}

const AWAITING: ReadonlySet<StepStatus> = new Set([
  'commanded',
  'awaited',
  'deciding',
  'retrying',
  'compensating',
  'compensation-refused',
]);

/** The steps an instance waits at, each with who answers for it: {@link waitsOf} without the details, for every change of every instance. */
export function waitedAt(process: Process, state: State): Map<string, string> {
  const steps = new Map<string, string>();
  if (state.rejection) return steps;
  if (state.phase === 'new') return steps.set(START, process.owner);
  for (const [unit, { status, skipped }] of Object.entries(state.steps)) {
    const isStuck =
      (status === 'refused' && state.phase === 'forward') ||
      (status === 'kept' && !skipped && stepOf(process, unit).irreversible);
    if (!isStuck && !AWAITING.has(status)) continue;
    // A step that runs for each line is waited at as one.
    const { name, owner } = stepOf(process, unit);
    steps.set(name, owner);
  }
  return steps;
}

/** What one unit waits for, if anything. */
function waitAt(process: Process, state: State, unit: string): Wait | undefined {
  const { status, execution, compensation, skipped } = state.steps[unit]!;
  const step = stepOf(process, unit);
  switch (status) {
    case 'commanded':
    case 'awaited':
      return toWait(process, step, unit, execution!, 'forward');
    case 'compensating':
      return toWait(process, step, unit, compensation!, 'compensation');
    case 'retrying':
      return { ...toWait(process, step, unit, execution!, 'forward'), dueAt: execution!.retryAt!, isOverdue: false };
    case 'deciding':
      return { ...toWait(process, step, unit, execution!, 'forward'), needsPerson: true };
    case 'compensation-refused':
      return stuck(toWait(process, step, unit, compensation!, 'compensation'), compensation!);
    case 'refused':
      return state.phase === 'forward'
        ? stuck(toWait(process, step, unit, execution!, 'forward'), execution!)
        : undefined;
    case 'kept': {
      // It cannot be undone, and nobody has said yet that it was settled otherwise.
      if (!step.irreversible || skipped) return undefined;
      const since = state.cause?.at;
      return {
        step: unit,
        owner: step.owner,
        events: [],
        ...(since && { since }),
        isOverdue: false,
        needsPerson: true,
      };
    }
    default:
      return undefined;
  }
}

function toWait(
  process: Process,
  { name, owner }: CompiledStep,
  unit: string,
  { command, commandedAt, dueAt, overdueSince }: Execution,
  direction: Outcome['direction'],
): Wait {
  const outcomes = [...process.outcomes].filter(
    ([, outcome]) => outcome.step === name && outcome.direction === direction,
  );
  return {
    step: unit,
    owner,
    ...(command && { command }),
    events: outcomes.map(([type]) => type),
    ...(commandedAt && { since: commandedAt }),
    ...(dueAt && { dueAt }),
    isOverdue: overdueSince !== undefined,
    needsPerson: false,
  };
}

/** Refused: a second refusal would change nothing, and how late it is does not matter any more. */
function stuck(wait: Wait, { outcomeAt }: Execution): Wait {
  const events = successesOf(wait.events);
  return { ...wait, events, ...(outcomeAt && { since: outcomeAt }), isOverdue: false, needsPerson: true };
}
