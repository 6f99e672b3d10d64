import type { Facts } from '../policies.js';
import type { CompiledStep } from '../process.js';
import type { StepStatus, UnitState } from '../state.js';
import { readyUnits } from '../units.js';
import { awaitEvent, send, slaOf } from './command.js';
import { takeEarly } from './outcomes.js';
import type { Turn } from './turn.js';

/** Nothing more is to come of it on the way forward. */
const SETTLED: ReadonlySet<StepStatus> = new Set(['done', 'not-needed', 'skipped', 'compensated', 'kept']);

export function goForward(turn: Turn): void {
  const { state, process } = turn;
  for (const step of process.steps) {
    for (const [id, unit] of readyUnits(process, state, step)) {
      if (unit.status === 'waiting') begin(turn, step, id, unit);
      if (state.phase !== 'forward') return;
    }
  }
  const isSettled = Object.values(state.steps).every(({ status }) => SETTLED.has(status));
  if (isSettled) end(turn);
}

function begin(turn: Turn, step: CompiledStep, id: string, unit: UnitState): void {
  const facts: Facts = {
    start: turn.state.facts.start,
    steps: turn.state.facts.steps,
    ...(unit.item && { item: unit.item }),
  };
  if (step.when) {
    unit.condition = step.when.evaluate(facts);
    turn.asked.push(...unit.condition.policies);
    if (!unit.condition.value) {
      unit.status = 'not-needed';
      takeEarly(turn, id);
      return;
    }
  }
  if (step.checkpoint) ask(turn, step, id, unit, facts);
  else if (step.command) send(turn, step, id, 'forward', step.command);
  else awaitEvent(turn, step, id, unit);
  takeEarly(turn, id);
}

function ask(turn: Turn, step: CompiledStep, id: string, unit: UnitState, facts: Facts): void {
  const { process, state, now } = turn;
  const { name, policy, due } = step.checkpoint!;
  const { value, policies } = policy.evaluate(facts);
  turn.asked.push(...policies);
  unit.status = 'deciding';
  unit.policy = value;
  const dueAt = due && process.later(now, due);
  unit.execution = { commandedAt: now, ...(dueAt && { dueAt }), ...slaOf(turn, step) };
  const shown = Object.fromEntries(
    policy.reads.map((read) =>
      read.from === 'step'
        ? [`${read.step}.${read.field}`, state.facts.steps[read.step]?.[read.field]]
        : [read.field, state.facts.start[read.field]],
    ),
  );
  turn.tasks.opened.push({
    unit: id,
    step: step.name,
    checkpoint: name,
    owner: step.owner,
    policy: value,
    facts: { ...state.attributes, ...shown },
    requesters: state.requesters ?? [],
    ...(dueAt && { dueAt }),
  });
}

export function end(turn: Turn): void {
  const { state, now } = turn;
  state.phase = 'ended';
  state.endedAt = now;
  // What comes after an end in time, a return or an amendment, breaks no promise about the first one.
  if (state.slaDueAt && !state.slaBreachedAt && now <= state.slaDueAt) state.slaKeptAt ??= now;
}
