import type { CompiledCommand, CompiledStep, Source } from '../process.js';
import type { Command, Execution, UnitState } from '../state.js';
import { stepOf } from '../units.js';
import type { Turn } from './turn.js';

export function send(
  turn: Turn,
  step: CompiledStep,
  id: string,
  direction: Command['direction'],
  command: CompiledCommand,
): void {
  const unit = turn.unit(id);
  const payload: Record<string, unknown> = {};
  for (const [field, source] of command.fields) {
    const value = fact(turn, source, unit);
    const mayBeNull = command.nullable.get(field);
    if (value === undefined ? mayBeNull !== true : value === null && mayBeNull === false)
      return lack(turn, id, direction, command.type, field, source);
    payload[field] = value ?? null;
  }
  turn.commands.push({ type: command.type, payload, step: id, direction });
  const execution: Execution = {
    command: command.type,
    commandedAt: turn.now,
    dueAt: turn.process.later(turn.now, command.timeout),
    ...(direction === 'forward' && slaOf(turn, step)),
  };
  unit.status = direction === 'forward' ? 'commanded' : 'compensating';
  unit[direction === 'forward' ? 'execution' : 'compensation'] = execution;
}

/** Stops the instance at what cannot be commanded, because nobody has told what it needs. */
function lack(
  turn: Turn,
  id: string,
  direction: Command['direction'],
  command: string,
  field: string,
  source: Source,
): void {
  const unit = turn.unit(id);
  const from = source.from === 'step' ? `${source.step}.` : `${source.from}.`;
  const where = 'field' in source ? from + source.field : source.from;
  const message = `${command}.${field} needs ${where}, and no event has told it: repair it, then this goes on.`;
  const execution: Execution = { command, attempts: 0, outcomeAt: turn.now, reason: LACKING, field, message };
  unit.status = direction === 'forward' ? 'refused' : 'compensation-refused';
  unit[direction === 'forward' ? 'execution' : 'compensation'] = execution;
  turn.attend(LACKING, turn.input ?? turn.history.at(-1)!, message);
}

function fact(turn: Turn, source: Source, { item }: UnitState): unknown {
  const { facts, cause } = turn.state;
  switch (source.from) {
    case 'assigned':
      return facts.assigned[source.field];
    case 'start':
      return facts.start[source.field];
    case 'item':
      return item?.[source.field];
    case 'cause':
      return cause?.type ?? 'amended';
    case 'step':
      return (turn.process.step(source.step).repeat ? item : facts.steps[source.step])?.[source.field];
  }
}

export function commandAgain(turn: Turn, id: string): void {
  const step = stepOf(turn.process, id);
  const { attempts = 1, slaDueAt, slaBreachedAt } = turn.unit(id).execution ?? {};
  send(turn, step, id, 'forward', step.command!);
  // The time that was promised runs from the first attempt, however often it takes.
  if (turn.unit(id).status !== 'commanded') return;
  Object.assign(turn.unit(id).execution!, {
    attempts: attempts + 1,
    ...(slaDueAt && { slaDueAt }),
    ...(slaBreachedAt && { slaBreachedAt }),
  });
}

export function awaitEvent(turn: Turn, step: CompiledStep, id: string, unit: UnitState): void {
  unit.status = 'awaited';
  unit.execution = {
    commandedAt: turn.now,
    dueAt: turn.process.later(turn.now, step.timeout!),
    ...slaOf(turn, step),
  };
}

export function slaOf(turn: Turn, { sla }: CompiledStep): Pick<Execution, 'slaDueAt'> {
  return sla ? { slaDueAt: turn.process.later(turn.now, sla) } : {};
}

/** Why a step could not be commanded: nobody has told a fact that it needs. */
export const LACKING = 'fact-missing';
