import type { Process } from './compile.js';
import { inFlight } from './decide.js';
import type { Execution, State } from './state.js';
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
  /** It was refused, and the process cannot go on by itself. */
  needsPerson: boolean;
}

/** Where an instance that has not started waits. */
export const START = 'start';

/** What an instance waits for; empty when it has ended. What needs a person comes first. */
export function waitsOf(process: Process, state: State): Wait[] {
  if (state.rejection) return [];
  if (state.phase === 'new')
    return [{ step: START, owner: process.owner, events: [process.starts], isOverdue: false, needsPerson: false }];
  const stuck = Object.entries(state.steps).flatMap(([name, step]) => {
    if (step.status === 'compensation-refused') return [waitFor(process, state, name, step.compensation!, true)];
    const isRefusedForward = step.status === 'refused' && state.phase === 'forward';
    return isRefusedForward ? [waitFor(process, state, name, step.execution!, true)] : [];
  });
  return [...stuck, ...inFlight(state).map(([name, run]) => waitFor(process, state, name, run, false))];
}

function waitFor(process: Process, state: State, name: string, run: Execution, needsPerson: boolean): Wait {
  const direction = run === state.steps[name]?.compensation ? 'compensation' : 'forward';
  const outcomes = [...process.outcomes].filter(
    ([, { step, ...outcome }]) => step === stepOf(process, name).name && outcome.direction === direction,
  );
  const since = needsPerson ? run.outcomeAt : run.commandedAt;
  return {
    step: name,
    owner: stepOf(process, name).owner,
    ...(run.command && { command: run.command }),
    // A second refusal would change nothing for a step that was refused.
    events: outcomes.filter(([, { refusal }]) => !(needsPerson && refusal)).map(([type]) => type),
    ...(since && { since }),
    ...(run.dueAt && { dueAt: run.dueAt }),
    isOverdue: !needsPerson && run.overdueSince !== undefined,
    needsPerson: needsPerson || state.steps[name]?.status === 'deciding',
  };
}
