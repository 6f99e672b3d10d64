import type { Process } from './process.js';
import { isOpen, type State, type StepStatus, type UnitState } from './state.js';
import { stepOf, waitsFor } from './units.js';

export const actions = ['pause', 'resume', 'retry', 'skip', 'cancel', 'keep', 'repair', 'acknowledge'] as const;
export type Action = (typeof actions)[number];

/** What a person may do to an instance now, and to which of its units. */
export function allowedActions(process: Process, state: State): { action: Action; unit?: string }[] {
  const units = Object.keys(state.steps);
  const candidates = actions.flatMap((action): { action: Action; unit?: string }[] =>
    action === 'retry' || action === 'skip' ? units.map((unit) => ({ action, unit })) : [{ action }],
  );
  return candidates.filter(({ action, unit }) => !whyNot(process, state, action, unit));
}

/** Why an action cannot be taken now; undefined where it can. */
export function whyNot(process: Process, state: State, action: Action, unit: string | undefined): string | undefined {
  // What came at the wrong moment may have come before the start, and after the end.
  if (action === 'acknowledge')
    return state.attention.some(isOpen) ? undefined : 'nothing of it is left that a person should look at';
  if (state.phase === 'new' || state.rejection) return 'it has not started';
  const isOver = state.phase === 'ended' && (state.cause !== undefined || action !== 'cancel');
  switch (action) {
    case 'pause':
      return state.paused ? `it is paused already, by ${state.paused.by}` : isOver ? 'it has ended' : undefined;
    case 'resume':
      return state.paused ? undefined : 'it is not paused';
    case 'cancel':
      return state.cause ? `it turns back already, because of ${state.cause.type}` : undefined;
    case 'keep':
      return whyNotKeep(process, state);
    case 'repair':
      return isOver ? 'it has ended, and sends no command any more' : undefined;
    case 'retry':
    case 'skip': {
      const known = Object.keys(state.steps).join(', ');
      if (unit === undefined) return `say which step, as unit (on the command line --unit); its steps are ${known}`;
      const found = state.steps[unit];
      if (!found) return `it has no step ${unit}; its steps are ${known}`;
      return action === 'retry' ? whyNotRetry(process, state, unit, found) : whyNotSkip(process, state, unit, found);
    }
  }
}

/** Whether this unit stands although it should be undone, because its undoing was refused or there is none. */
export function isStuck(process: Process, { phase }: State, id: string, { status, skipped }: UnitState): boolean {
  if (status === 'compensation-refused') return true;
  return phase === 'amending' && status === 'kept' && !skipped && stepOf(process, id).irreversible;
}

/** What was done can stand as it was as long as nothing of it is undone. */
function whyNotKeep(process: Process, state: State): string | undefined {
  const units = Object.entries(state.steps);
  if (state.phase !== 'compensating' && state.phase !== 'amending') return 'it does not turn back';
  if (!units.some(([id, unit]) => isStuck(process, state, id, unit)))
    return 'nothing of it was refused to be undone, so it goes on by itself';
  const cancellation = state.missed?.find(({ type }) => process.cancelledBy.has(type));
  if (cancellation)
    return `${cancellation.type} came while it turned back, so that it is not to stand; retry or skip what was refused`;
  const isGivenUp = ({ status, undone, skipped }: UnitState): boolean =>
    undone === true || UNDONE.has(status) || (status === 'kept' && skipped !== undefined);
  const [givenUp] = units.find(([, unit]) => isGivenUp(unit)) ?? [];
  return givenUp === undefined
    ? undefined
    : `step ${givenUp} is undone, being undone, or settled outside already; what is half undone cannot be kept`;
}

const UNDONE: ReadonlySet<StepStatus> = new Set(['compensating', 'compensated']);

function whyNotRetry(process: Process, state: State, id: string, unit: UnitState): string | undefined {
  if (unit.status === 'compensation-refused') return undefined;
  const isForward = state.phase === 'forward';
  if (unit.status !== 'refused' && !(unit.status === 'retrying' && isForward))
    return `step ${id} is ${unit.status}; only a refusal can be answered by asking again`;
  if (stepOf(process, id).checkpoint)
    return `a person rejected ${id}; cancel the instance, or amend what it is about, so that they are asked again`;
  if (!stepOf(process, id).command)
    return `another process does ${id}, and cannot be asked from here; have it done there, or skip it with the reason`;
  if (!isForward) return `the instance is not on its way forward any more`;
  const before = waitsFor(process, state, stepOf(process, id));
  return before && `step ${before}, which it waits for, is done again since the deal was amended; ask again after that`;
}

function whyNotSkip(process: Process, state: State, id: string, unit: UnitState): string | undefined {
  const step = stepOf(process, id);
  if (state.phase === 'amending' && isStuck(process, state, id, unit))
    return `step ${id} stands, and the amendment would do it a second time; undo it in its system, keep the deal as it was, or cancel it`;
  if (unit.status === 'compensation-refused') return undefined;
  if (unit.status === 'kept' && step.irreversible) return unit.skipped ? 'that was acknowledged already' : undefined;
  // Nothing of ours is in flight there, and another process may never do it.
  if (unit.status === 'awaited') return undefined;
  if (state.phase !== 'forward') return 'the instance is not on its way forward';
  if (step.checkpoint) return `a person must decide ${id}; nobody may go around a checkpoint`;
  if (unit.status === 'refused' || unit.status === 'retrying') return undefined;
  return unit.status === 'waiting'
    ? undefined
    : `step ${id} is ${unit.status}; what may have happened cannot be skipped, only awaited or undone`;
}
