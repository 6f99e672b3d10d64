import type { Process } from './process.js';
import type { Execution, State, Status, StepStatus } from './state.js';
import { stepOf } from './units.js';

const IN_FLIGHT: ReadonlySet<StepStatus> = new Set(['commanded', 'awaited', 'deciding']);

/** What is awaited, with its unit: outcomes of commands, events of other processes, decisions of people. */
export function inFlight(state: State): [unit: string, execution: Execution][] {
  return Object.entries(state.steps).flatMap(([id, unit]): [string, Execution][] => {
    if (IN_FLIGHT.has(unit.status)) return [[id, unit.execution!]];
    if (unit.status === 'compensating') return [[id, unit.compensation!]];
    return [];
  });
}

/** Of what a time was promised: what is in flight, and what is asked for again later. */
export function promised(state: State): [unit: string, execution: Execution][] {
  const retrying = Object.entries(state.steps).flatMap(([id, { status, execution }]): [string, Execution][] =>
    status === 'retrying' ? [[id, execution!]] : [],
  );
  return [...inFlight(state), ...retrying];
}

/** What people read of an instance. */
export function statusOf(process: Process, state: State): Status {
  if (state.rejection) return 'rejected';
  if (state.phase === 'new') return state.cause ? 'compensated' : 'expected';
  const units = Object.entries(state.steps);
  const isStuck = units.some(
    ([id, { status, skipped }]) =>
      status === 'compensation-refused' ||
      (status === 'refused' && state.phase === 'forward') ||
      (status === 'kept' && !skipped && stepOf(process, id).irreversible),
  );
  if (isStuck) return 'stopped';
  if (state.phase === 'ended') return state.cause ? (state.cause.step ? 'refused' : 'compensated') : 'completed';
  if (state.paused) return 'paused';
  const waiting = inFlight(state);
  if (waiting.some(([, execution]) => execution.overdueSince)) return 'overdue';
  if (state.phase === 'amending') return 'amending';
  if (state.phase === 'compensating') return 'compensating';
  const isDeciding = waiting.length > 0 && waiting.every(([id]) => state.steps[id]!.status === 'deciding');
  return isDeciding ? 'deciding' : 'running';
}

/** When the instance wants a timer input. */
export function nextTimerAt(state: State): string | undefined {
  if (state.phase === 'new' || state.phase === 'ended') return undefined;
  let next: string | undefined;
  const consider = (at: string | undefined): void => {
    if (at && (next === undefined || at < next)) next = at;
  };
  if (!state.slaBreachedAt && !state.slaKeptAt) consider(state.slaDueAt);
  for (const [, run] of inFlight(state)) {
    if (!run.overdueSince) consider(run.dueAt);
  }
  for (const [, run] of promised(state)) if (!run.slaBreachedAt) consider(run.slaDueAt);
  if (state.phase === 'forward' && !state.paused)
    for (const unit of Object.values(state.steps)) if (unit.status === 'retrying') consider(unit.execution?.retryAt);
  return next;
}
