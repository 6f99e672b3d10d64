import { isStuck } from '../actions.js';
import type { CompiledStep } from '../process.js';
import type { Amendment, ProcessEvent, StepStatus, UnitState } from '../state.js';
import { stepOf, unitsOf, waitsFor } from '../units.js';
import { awaitEvent, send } from './command.js';
import { end } from './go-forward.js';
import { forwardOutcome, takeEarly } from './outcomes.js';
import { assignIds, unfold } from './start.js';
import type { Turn } from './turn.js';

/** Under way, or in need of a person: nothing is undone beside it. */
const BUSY: ReadonlySet<StepStatus> = new Set(['commanded', 'awaited', 'compensating', 'compensation-refused']);

export function goBack(turn: Turn): void {
  const { state, process } = turn;
  for (const event of state.early.splice(0)) {
    const outcome = process.outcomes.get(event.type);
    if (outcome?.direction === 'forward') forwardOutcome(turn, event, outcome);
  }
  awaitWhatFollows(turn, process.steps);
  for (const [id, unit] of Object.entries(state.steps)) leave(turn, id, unit, 'the instance was cancelled');
  if (!undoLast(turn, Object.keys(state.steps))) return;
  for (const unit of Object.values(state.steps)) if (unit.status === 'waiting') unit.status = 'skipped';
  end(turn);
}

/**
 * What another process does because of steps that are done is under way, whether this one wants it still or not: it is awaited, so that it
 * is undone before what it stands on.
 */
function awaitWhatFollows(turn: Turn, steps: CompiledStep[]): void {
  for (const step of steps) {
    if (step.command || step.checkpoint || step.when || !step.compensation || step.after.length === 0) continue;
    if (!step.after.every((name) => stands(turn, name))) continue;
    for (const [id, unit] of unitsOf(turn.state, step)) {
      if (unit.status !== 'waiting' || unit.undone) continue;
      awaitEvent(turn, step, id, unit);
      takeEarly(turn, id);
    }
  }
}

/** A step and all before it are passed, and nothing of them was undone: a person may have undone the order itself. */
function stands(turn: Turn, name: string): boolean {
  const step = turn.process.step(name);
  const isPassed = ({ status, skipped }: UnitState): boolean =>
    status === 'done' || status === 'not-needed' || skipped !== undefined;
  return (
    unitsOf(turn.state, step).every(([, unit]) => isPassed(unit)) && step.after.every((before) => stands(turn, before))
  );
}

/** Ends what has no effect yet: a decision nobody needs any more, a pause before asking again, an event that would undo nothing. */
function leave(turn: Turn, id: string, unit: UnitState, reason: string): void {
  const hasNothingToUndo = unit.status === 'awaited' && !stepOf(turn.process, id).compensation;
  if (unit.status === 'deciding') turn.tasks.closed.push({ unit: id, reason });
  if (unit.status === 'deciding' || unit.status === 'retrying' || hasNothingToUndo) unit.status = 'skipped';
}

/**
 * Undoes what was done last among these units, after what is to be undone first; true when nothing of them stands or is under way.
 */
function undoLast(turn: Turn, ids: string[]): boolean {
  const { state, process } = turn;
  for (;;) {
    if (ids.some((id) => BUSY.has(turn.unit(id).status))) return false;
    const standing = state.completed.filter((done) => ids.includes(done) && turn.unit(done).status === 'done');
    const id = standing.findLast((done) => isUndoneFirst(turn, done)) ?? standing.at(-1);
    if (id === undefined) return true;
    const step = stepOf(process, id);
    if (step.compensation) send(turn, step, id, 'compensation', step.compensation);
    else turn.unit(id).status = 'kept';
    if (!step.irreversible) continue;
    const about = state.cause ?? turn.input!;
    const choices = state.cause
      ? 'Settle it outside, then skip it with the reason.'
      : 'An amendment would do it a second time: keep the deal as it was, or cancel it.';
    turn.attend('irreversible', about, `Step ${id} cannot be undone. ${choices}`);
    if (!state.cause) return false;
  }
}

/** An obstacle is met before anything is touched: nothing is amended around what cannot be undone. */
function isUndoneFirst(turn: Turn, id: string): boolean {
  const { undoneFirst, irreversible } = stepOf(turn.process, id);
  return undoneFirst !== undefined || (irreversible && !turn.state.cause);
}

/** Undoes the steps that used what changed; when nothing of them stands, the new facts are in force and they begin again. */
export function goBackTo(turn: Turn, { start, attributes, steps }: Amendment): void {
  const { state, process } = turn;
  const affected = steps.map((name) => process.step(name));
  const ids = affected.flatMap((step) => unitsOf(state, step).map(([id]) => id));
  awaitWhatFollows(turn, affected);
  for (const id of ids) leave(turn, id, turn.unit(id), 'the deal was amended');
  if (ids.some((id) => isStuck(process, state, id, turn.unit(id)))) return;
  if (!undoLast(turn, ids)) return;
  state.revision = (state.revision ?? 0) + 1;
  const refused = ids.filter((id) => turn.unit(id).status === 'refused' || turn.unit(id).skipped);
  if (refused.length > 0)
    state.refusedBefore = [
      ...(state.refusedBefore ?? []),
      ...refused.map((unit) => ({ unit, ids: state.facts.assigned })),
    ];
  state.completed = state.completed.filter((id) => !ids.includes(id));
  for (const id of ids) delete state.steps[id];
  // What came before its time was an answer to the old facts.
  const isOld = (event: ProcessEvent): boolean =>
    turn.process.outcomes.has(event.type) && ids.includes(turn.unitOf(event) ?? '');
  for (const event of state.early.filter(isOld))
    turn.attend('unexpected-event', event, `${event.type} came before its time, and the deal was amended since`);
  state.early = state.early.filter((event) => !isOld(event));
  for (const name of steps) delete state.facts.steps[name];
  state.facts.start = start;
  state.attributes = attributes;
  assignIds(
    turn,
    [...process.assigned].filter(([, step]) => steps.includes(step)).map(([field]) => field),
  );
  delete state.amendment;
  unfold(turn, affected);
  // Asked for again when what it stands on is there again.
  for (const [id, unit] of Object.entries(state.steps))
    if (unit.status === 'retrying' && waitsFor(process, state, stepOf(process, id))) unit.status = 'waiting';
  state.phase = 'forward';
}
