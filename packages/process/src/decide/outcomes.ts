import { whyNot } from '../actions.js';
import type { CompiledStep, Outcome } from '../process.js';
import type { Cause, Effect, Execution, ProcessEvent, StepStatus, UnitState } from '../state.js';
import { stepOf, unitId } from '../units.js';
import { isOfAnEarlierRevision } from './amend.js';
import { pick, reference, refusal } from './event-parts.js';
import { cancel, dropAmendment } from './turn-back.js';
import type { Turn } from './turn.js';

export function forwardOutcome(turn: Turn, event: ProcessEvent, { step: name, refusal: refused }: Outcome): Effect {
  const { state } = turn;
  const step = turn.process.step(name);
  const id = unitId(step, event.payload);
  if (step.repeat && !state.steps[id]) return withoutRun(turn, event, step);
  // A version that comes before the start may know no such step: no unit is made of it until then.
  if (state.phase === 'new' && !state.steps[id]) return turn.keepEarly(event);
  const unit = turn.unit(id);
  const mayStillCommand = state.phase !== 'compensating' && state.phase !== 'ended';
  if (unit.status === 'waiting' && (mayStillCommand || state.rejection !== undefined)) {
    turn.keepEarly(event);
    return state.rejection ? turn.unexpected(event, `${event.type} came although the instance never started`) : 'early';
  }
  if (unit.status === 'commanded' || unit.status === 'awaited' || unit.status === 'retrying') {
    if (refused && unit.status === 'retrying') return 'repeated';
    if (!refused) done(turn, event, id);
    return refused ? refuse(turn, { ...reference(event), ...refusal(event) }, id, turn.outcome(event)) : 'step-done';
  }
  const neverStood: StepStatus[] = ['refused', 'skipped', 'waiting', 'not-needed'];
  if (refused) {
    // Nothing of it stands, and nothing was to stand: no contradiction.
    if (neverStood.includes(unit.status)) return 'repeated';
    return turn.unexpected(event, `${event.type} came after step ${id} had been done`);
  }
  if (!neverStood.includes(unit.status)) return 'repeated';
  if (!state.cause && (unit.skipped || unit.status === 'not-needed')) {
    // It was not needed, and now it stands: part of the way from here on, and undone with the rest.
    done(turn, event, id);
    return 'late';
  }
  done(turn, event, id);
  if (state.phase === 'ended') state.phase = 'compensating';
  delete state.endedAt;
  return 'late';
}

/** An outcome of a repeated step of which there is no such run: not yet, or never. */
function withoutRun(turn: Turn, event: ProcessEvent, { name, repeat }: CompiledStep): Effect {
  const { state } = turn;
  const run = event.payload[repeat!.by] as string | null | undefined;
  if ((state.phase === 'new' || state.rejection) && turn.process.triggers.has(event.type)) return turn.keepEarly(event);
  // It came about without us, for example made by a person in its own system.
  if (run === null || run === undefined) return 'recorded';
  const mayCome = repeat!.on !== undefined && state.phase !== 'compensating' && !state.cause;
  if (state.phase === 'new' || state.rejection || mayCome) return turn.keepEarly(event);
  return turn.unexpected(event, `${event.type} names ${repeat!.by} ${run}, which step ${name} does not have`);
}

function done(turn: Turn, event: ProcessEvent, id: string): void {
  const unit = turn.unit(id);
  const { state } = turn;
  const step = stepOf(turn.process, id);
  const { reason, field, message, retryAt, ...execution } = unit.execution ?? {
    ...(step.command && { command: step.command.type }),
  };
  unit.execution = { ...execution, ...turn.outcome(event) };
  if (!step.repeat) state.facts.steps[step.name] = pick(event.payload, step.facts);
  else if (step.facts.size > 0) unit.item = { ...unit.item, ...pick(event.payload, step.facts) };
  delete unit.skipped;
  unit.status = unit.undone ? 'compensated' : 'done';
  if (!unit.undone) state.completed.push(id);
}

export function refuse(turn: Turn, cause: Omit<Cause, 'at' | 'step'>, id: string, outcome: Partial<Execution>): Effect {
  const { state } = turn;
  const step = stepOf(turn.process, id);
  const unit = turn.unit(id);
  const { type, messageId, ...said } = cause;
  unit.execution = { ...unit.execution, ...outcome, ...said };
  const attempts = unit.execution.attempts ?? 1;
  const mayRetry =
    step.retry &&
    state.phase === 'forward' &&
    attempts < step.retry.attempts &&
    (step.retry.reasons.length === 0 || step.retry.reasons.includes(said.reason ?? ''));
  if (mayRetry) {
    unit.status = 'retrying';
    unit.execution.retryAt = turn.process.later(turn.now, step.retry!.every);
    return 'step-retrying';
  }
  unit.status = 'refused';
  // What an amendment does again anyhow is no reason to turn back.
  const isDoneAgain = state.phase === 'amending' && state.amendment!.steps.includes(step.name);
  if (step.onRefusal === 'stop' || state.cause || isDoneAgain) return 'step-refused';
  state.cause = { type, messageId, ...said, at: turn.now, step: id };
  state.phase = 'compensating';
  dropAmendment(turn);
  return 'step-refused';
}

export function compensationOutcome(
  turn: Turn,
  event: ProcessEvent,
  { step: name, refusal: refused }: Outcome,
): Effect {
  const step = turn.process.step(name);
  const id = unitId(step, event.payload);
  if (step.repeat && !turn.state.steps[id]) return withoutRun(turn, event, step);
  const unit = turn.unit(id);
  const asked = unit.status === 'compensating' || unit.status === 'compensation-refused';
  if (asked && refused) {
    unit.status = 'compensation-refused';
    unit.compensation = { ...unit.compensation!, ...turn.outcome(event), ...refusal(event) };
    if (step.undoneFirst) askWhatStands(turn, event, id);
    return 'compensation-refused';
  }
  if (asked) {
    undo(turn, event, unit, name);
    return 'step-compensated';
  }
  if (unit.status === 'compensated') return 'repeated';
  if (!refused && turn.process.cancelledBy.has(event.type)) return undoneElsewhere(turn, event, unit, name);
  return turn.unexpected(event, `${event.type} came although step ${id} was not being undone`);
}

/** Says what a person can choose where what is undone first could not be. */
function askWhatStands(turn: Turn, event: ProcessEvent, id: string): void {
  const { process, state } = turn;
  const { message = 'no reason was given.' } = refusal(event);
  const choices = [
    ...(whyNot(process, state, 'keep', undefined) ? [] : ['keep the deal as it was, for nothing else was undone']),
    state.cause
      ? `skip ${id}, so that it stands with what it stands on, and the rest is undone`
      : 'cancel the deal; the amendment would do it a second time',
  ];
  turn.attend('not-undone', event, `Step ${id} could not be undone: ${message} Now ${choices.join('; or ')}.`);
}

/** A person undid it in its own system: that is a cancellation, and this step needs no compensation any more. */
function undoneElsewhere(turn: Turn, event: ProcessEvent, unit: UnitState, name: string): Effect {
  if (unit.status === 'done') undo(turn, event, unit, name);
  else if (unit.status === 'waiting' || unit.status === 'commanded' || unit.status === 'awaited') unit.undone = true;
  return cancel(turn, event);
}

function undo(turn: Turn, event: ProcessEvent, unit: UnitState, name: string): void {
  const command = turn.process.step(name).compensation?.type ?? '';
  const { reason, field, message, ...execution } = unit.compensation ?? { command };
  unit.status = 'compensated';
  unit.compensation = { ...execution, ...turn.outcome(event) };
}

export function moving(turn: Turn, event: ProcessEvent): Effect {
  const unit = turn.state.steps[turn.unitOf(event)!];
  if (unit?.status !== 'commanded' && unit?.status !== 'awaited') return 'recorded';
  const { timeout } = turn.process.step(turn.process.progress.get(event.type)!);
  const { overdueSince, ...execution } = unit.execution!;
  unit.execution = { ...execution, progress: event.type, dueAt: turn.process.later(turn.now, timeout!) };
  return 'progress';
}

/** What came early is due now: the first outcome of this unit ends it, as if it had just come. */
export function takeEarly(turn: Turn, id: string): void {
  if (turn.state.early.length === 0) return;
  const isOutcome = (event: ProcessEvent) => turn.process.outcomes.has(event.type) && turn.unitOf(event) === id;
  const due = turn.state.early.filter(isOutcome);
  turn.state.early = turn.state.early.filter((event) => !isOutcome(event));
  for (const event of due)
    if (!isOfAnEarlierRevision(turn, event)) forwardOutcome(turn, event, turn.process.outcomes.get(event.type)!);
}
