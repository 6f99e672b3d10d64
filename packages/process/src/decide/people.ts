import { isStuck, whyNot, type Action } from '../actions.js';
import { ProcessError } from '../errors.js';
import { whyNotOfType } from '../fact-types.js';
import { isOpen, type Attention, type Effect, type Execution, type UnitState } from '../state.js';
import { stepOf, unitsOf } from '../units.js';
import { commandAgain, LACKING } from './command.js';
import { pick } from './event-parts.js';
import type { ControlInput, DecisionInput } from './input.js';
import { refuse } from './outcomes.js';
import { dropAmendment, turnBack } from './turn-back.js';
import type { Turn } from './turn.js';

/** Actions by which a person answers what was put before them, and what asks for one. */
const ANSWERING: ReadonlySet<Action> = new Set(['keep', 'skip', 'retry']);
const ASKING: ReadonlySet<Attention['code']> = new Set(['irreversible', 'not-undone']);

export function decided(turn: Turn, { id, unit: name, verdict, by, reason }: DecisionInput): Effect {
  const unit = turn.state.steps[name];
  if (unit?.status !== 'deciding') return 'repeated';
  const outcome: Partial<Execution> = { outcome: verdict, outcomeAt: turn.now, by };
  if (verdict === 'rejected') {
    const said = { reason: 'rejected', by, ...(reason && { message: reason }) };
    return refuse(turn, { type: 'decision:rejected', messageId: id, ...said }, name, outcome);
  }
  unit.execution = { ...unit.execution, ...outcome, ...(reason && { message: reason }) };
  unit.status = 'done';
  turn.state.completed.push(name);
  return 'step-done';
}

export function control(turn: Turn, input: ControlInput): Effect {
  const { state, process } = turn;
  const { action, unit } = input;
  const open = openAndSeen(turn, input);
  const refusedBecause =
    whyNot(process, state, action, unit) ??
    (action === 'acknowledge' ? whyNotSeen(turn, input, open) : whyNotFacts(turn, input));
  if (refusedBecause !== undefined)
    throw new ProcessError(
      'PROCESS_ACTION_REFUSED',
      `${action} is not possible for ${process.name} ${state.key}/${state.occurrence}: ${refusedBecause}.`,
    );
  const effect = act(turn, input);
  acknowledge(turn, input, open);
  return effect;
}

/** Entries are only ever added at the end, so a number says which of them were there. */
function openAndSeen(turn: Turn, { action, seen = 0 }: ControlInput): Attention[] {
  return turn.state.attention.filter((one, index) => isOpen(one) && (action !== 'acknowledge' || index < seen));
}

/** Who answers what was asked has looked at it. */
function acknowledge(turn: Turn, { action, by, reason }: ControlInput, open: Attention[]): void {
  const answers = ANSWERING.has(action);
  const isMeant = (one: Attention): boolean => {
    if (action === 'acknowledge') return true;
    if (one.code === 'earlier-stands') return action === 'resume' || action === 'cancel';
    if (one.code === LACKING) return answers || action === 'repair';
    return answers && ASKING.has(one.code) && !isAnyStuck(turn);
  };
  const acknowledged = { by, reason, at: turn.now };
  turn.state.attention = turn.state.attention.map((one) =>
    open.includes(one) && isMeant(one) ? { ...one, acknowledged } : one,
  );
}

function isAnyStuck(turn: Turn): boolean {
  const { process, state } = turn;
  return Object.entries(state.steps).some(
    ([id, unit]) =>
      isStuck(process, state, id, unit) ||
      (unit.status === 'kept' && !unit.skipped && stepOf(process, id).irreversible),
  );
}

function act(turn: Turn, { action, by, reason, unit, id, facts }: ControlInput): Effect {
  const { state, now: at } = turn;
  switch (action) {
    case 'pause':
      state.paused = { by, reason, at };
      return 'paused';
    case 'resume':
      delete state.paused;
      return 'resumed';
    case 'cancel':
      delete state.paused;
      return turnBack(turn, { type: 'control:cancel', messageId: id, at, by, message: reason });
    case 'keep':
      keep(turn);
      return 'kept';
    case 'repair':
      putRight(turn, facts!);
      return 'repaired';
    case 'acknowledge':
      return 'acknowledged';
    case 'retry':
      if (turn.unit(unit!).status === 'compensation-refused') turn.unit(unit!).status = 'done';
      else commandAgain(turn, unit!);
      return 'step-retried';
    case 'skip':
      if (facts) putRight(turn, facts);
      skip(turn, unit!, { by, reason, at });
      return 'step-skipped';
  }
}

/** Facts must be those that the definition uses; and a skipped step must leave nobody without what it would have brought. */
function whyNotFacts(turn: Turn, { action, unit, facts }: ControlInput): string | undefined {
  const { process, state } = turn;
  if (action === 'repair' && !facts?.start && !facts?.steps) return 'no facts were given to put right';
  const unknown = [
    ...Object.keys(facts?.start ?? {}).filter((field) => !process.startFacts.has(field)),
    ...Object.entries(facts?.steps ?? {}).flatMap(([name, given]) => {
      const step = process.steps.find((known) => known.name === name);
      return Object.keys(given)
        .filter((field) => !step?.facts.has(field))
        .map((field) => `${name}.${field}`);
    }),
  ];
  if (unknown.length > 0) return `it uses no fact ${unknown.join(', ')}`;
  const wrong = wrongTypes(turn, facts ?? {});
  if (wrong.length > 0) return wrong.join('; ');
  const decided = checkpointsOn(turn, Object.keys(facts?.start ?? {}), Object.keys(facts?.steps ?? {}));
  if (decided.length > 0)
    return `${decided.join(' and ')} was decided on it; change it where it comes from, so that people are asked again`;
  if (action !== 'skip' || state.phase !== 'forward') return undefined;
  const step = stepOf(process, unit!);
  const given = { ...state.facts.steps[step.name], ...facts?.steps?.[step.name] };
  const missing = [...step.facts].filter((field) => !(field in given));
  const isUsed = process.steps.some(
    (later) => later.uses.steps.has(step.name) && unitsOf(state, later).some(([, { status }]) => status === 'waiting'),
  );
  if (!isUsed || step.repeat || missing.length === 0) return undefined;
  return `later steps need ${missing.map((field) => `${step.name}.${field}`).join(', ')}; give them as facts`;
}

/** Facts that no event could have told, each with what is expected of it. */
function wrongTypes(turn: Turn, { start = {}, steps = {} }: NonNullable<ControlInput['facts']>): string[] {
  const given = [
    ...Object.entries(start).map(([field, value]) => ({ step: undefined, field, value })),
    ...Object.entries(steps).flatMap(([step, facts]) =>
      Object.entries(facts).map(([field, value]) => ({ step, field, value })),
    ),
  ];
  return given.flatMap(({ step, field, value }) => {
    const types = turn.process.typesOf(step, field);
    const told = types.map((type) => whyNotOfType(type, value, `${step ?? 'start'}.${field}`));
    return told.length === 0 || told.includes(undefined) ? [] : told[0]!;
  });
}

/** Checkpoints that were decided, or found not needed, by one of these facts: a repair must not go around them. */
function checkpointsOn(turn: Turn, fields: string[], names: string[]): string[] {
  const { process, state } = turn;
  return process.steps
    .filter(
      ({ checkpoint, uses }) =>
        checkpoint && (fields.some((field) => uses.start.has(field)) || names.some((name) => uses.steps.has(name))),
    )
    .filter((step) => unitsOf(state, step).some(([, { status }]) => status !== 'waiting' && status !== 'skipped'))
    .map(({ name }) => name);
}

function putRight(turn: Turn, facts: NonNullable<ControlInput['facts']>): void {
  const { facts: known, attributes } = turn.state;
  known.start = { ...known.start, ...facts.start };
  turn.state.attributes = { ...attributes, ...pick(facts.start ?? {}, turn.process.attributes) };
  const { amendment } = turn.state;
  if (amendment && facts.start) {
    amendment.start = { ...amendment.start, ...facts.start };
    amendment.attributes = { ...amendment.attributes, ...pick(facts.start, turn.process.attributes) };
  }
  for (const [step, given] of Object.entries(facts.steps ?? {})) known.steps[step] = { ...known.steps[step], ...given };
  goOnWhereLacking(turn);
}

/** What could not be commanded for want of a fact is due again. */
function goOnWhereLacking(turn: Turn): void {
  for (const unit of Object.values(turn.state.steps)) {
    if (unit.status === 'compensation-refused' && unit.compensation?.reason === LACKING) unit.status = 'done';
    if (unit.status !== 'refused' || unit.execution?.reason !== LACKING || turn.state.phase !== 'forward') continue;
    unit.status = 'waiting';
    delete unit.execution;
  }
}

function skip(turn: Turn, id: string, skipped: NonNullable<UnitState['skipped']>): void {
  const unit = turn.unit(id);
  unit.skipped = skipped;
  if (unit.status === 'kept') return;
  const stands = unit.status === 'compensation-refused';
  unit.status = stands ? 'kept' : 'skipped';
  const { undoneFirst, after } = stepOf(turn.process, id);
  if (stands && undoneFirst) keepBefore(turn, after, { ...skipped, reason: `${id} stands on it: ${skipped.reason}` });
}

/** What cannot be undone needs what it was made from: goods that have left, their order. */
function keepBefore(turn: Turn, names: string[], skipped: NonNullable<UnitState['skipped']>): void {
  for (const step of names.map((name) => turn.process.step(name))) {
    for (const [, unit] of unitsOf(turn.state, step))
      if (unit.status === 'done') Object.assign(unit, { status: 'kept', skipped });
    keepBefore(turn, step.after, skipped);
  }
}

/** Lets everything stand as it was before the instance turned back, and goes on from there. */
function keep(turn: Turn): void {
  const { state } = turn;
  for (const missed of state.missed ?? [])
    turn.attend(
      'unexpected-event',
      missed,
      `${missed.type} came while it turned back, and was not taken: see to it now`,
    );
  delete state.missed;
  delete state.cause;
  dropAmendment(turn);
  for (const unit of Object.values(state.steps)) {
    if (unit.status === 'compensation-refused' || unit.status === 'kept') unit.status = 'done';
    // It was let go only because the instance turned back.
    if (unit.status === 'skipped' && !unit.skipped) unit.status = 'waiting';
  }
  state.phase = 'forward';
}

function whyNotSeen({ state }: Turn, { seen }: ControlInput, open: Attention[]): string | undefined {
  if (seen === undefined) return 'it is not said how many entries of its attention were seen';
  const there = state.attention.length;
  if (seen > there) return `${seen} entries of its attention cannot have been seen: there are ${there}`;
  return open.length === 0 ? 'what is left of it came after what was seen' : undefined;
}
