import { whatStandsBefore, type EarlierOccurrence } from '../earlier.js';
import type { CompiledStep, Process } from '../process.js';
import type { Effect, ProcessEvent, State } from '../state.js';
import { unitId } from '../units.js';
import { pick, reference, refusal } from './event-parts.js';
import { miss } from './turn-back.js';
import type { Turn } from './turn.js';

export function start(turn: Turn, event: ProcessEvent, earlier: EarlierOccurrence[] = []): Effect {
  const { state, process } = turn;
  if (state.phase !== 'new' && !state.rejection) {
    const message = `${event.type} came again for the same occurrence; the instance continues with what it started with`;
    state.attention.push({ code: 'started-again', ...reference(event), at: turn.now, message });
    return 'unexpected';
  }
  delete state.rejection;
  delete state.endedAt;
  state.correlationId = event.correlationId;
  state.startedAt = event.time;
  if (event.traceparent) state.traceparent = event.traceparent;
  state.attributes = pick(event.payload, process.attributes);
  state.facts.start = pick(event.payload, process.startFacts);
  addRequester(turn, event);
  assignIds(turn, [...process.assigned.keys()]);
  if (process.sla) state.slaDueAt = process.later(turn.now, process.sla);
  // What came before may have been taken by another version, which had other steps.
  const names = new Set(process.steps.map(({ name }) => name));
  for (const id of Object.keys(state.steps)) if (!names.has(id.split('/')[0]!)) delete state.steps[id];
  unfold(turn, process.steps);
  state.phase = state.cause ? 'compensating' : 'forward';
  // What came before is taken now, as if it had just come; outcomes wait for their command.
  for (const early of state.early.filter(({ type }) => process.amendedBy.has(type))) {
    addRequester(turn, early);
    state.facts.start = { ...state.facts.start, ...pick(early.payload, process.startFacts) };
    state.attributes = { ...state.attributes, ...pick(early.payload, process.attributes) };
  }
  for (const early of state.early) trigger(turn, early);
  const isKnown = ({ type }: ProcessEvent): boolean =>
    process.outcomes.has(type) || process.triggers.has(type) || process.amendedBy.has(type);
  for (const early of state.early.filter((one) => !isKnown(one)))
    turn.attend('unexpected-event', early, `${early.type} came before the start, and this version has no step for it`);
  state.early = state.early.filter(({ type }) => process.outcomes.has(type));
  if (earlier.length > 0) turn.input!.detail = { earlier };
  const message = whatStandsBefore(process, earlier);
  if (message !== undefined && !state.cause) {
    turn.attend('earlier-stands', event, message);
    state.paused = { by: 'process', reason: message, at: turn.now };
  }
  return 'started';
}

export function reject(turn: Turn, event: ProcessEvent): Effect {
  const { state } = turn;
  if (state.phase !== 'new' && !state.rejection)
    return turn.unexpected(event, `${event.type} came after the instance had started`);
  state.phase = 'ended';
  state.correlationId = event.correlationId;
  state.startedAt ??= event.time;
  if (event.traceparent) state.traceparent ??= event.traceparent;
  state.endedAt = turn.now;
  state.attributes = pick(event.payload, turn.process.attributes);
  state.rejection = { ...reference(event), at: turn.now, ...refusal(event) };
  for (const early of state.early.filter(({ type }) => turn.process.outcomes.get(type)?.refusal === false))
    turn.attend('unexpected-event', early, `${early.type} came although the instance never started`);
  return 'rejected';
}

/** An amendment can add somebody who asked for it, and take nobody away. */
export function addRequester(turn: Turn, { payload }: ProcessEvent): void {
  const { requester } = turn.process;
  const who = requester === undefined ? undefined : payload[requester];
  if (typeof who !== 'string' || who === '') return;
  turn.state.requesters = [...(turn.state.requesters ?? []).filter((other) => other !== who), who];
}

/** Makes the units of steps: one of each, one per line, none yet of those that an event begins. */
export function unfold(turn: Turn, steps: CompiledStep[]): void {
  const { state } = turn;
  for (const step of steps) {
    const { repeat } = step;
    if (!repeat) state.steps[step.name] ??= { status: 'waiting' };
    if (!repeat?.forEach) continue;
    const items = state.facts.start[repeat.forEach];
    for (const item of Array.isArray(items) ? (items as Record<string, unknown>[]) : [])
      state.steps[unitId(step, item)] ??= { status: 'waiting', item: pick(item, repeat.fields) };
  }
}

export function assignIds(turn: Turn, fields: string[]): void {
  const { state, process } = turn;
  const assigned = fields.map((field) => [field, assignedId(process, state, field)]);
  state.facts.assigned = { ...state.facts.assigned, ...(Object.fromEntries(assigned) as Record<string, string>) };
}

/** An event that begins runs of steps: one run for each `by`, however often it comes. */
export function trigger(turn: Turn, event: ProcessEvent): Effect | undefined {
  const { state, process } = turn;
  const names = process.triggers.get(event.type);
  if (!names) return undefined;
  if (state.phase === 'new') return process.outcomes.has(event.type) ? undefined : turn.keepEarly(event);
  if (state.rejection) return 'recorded';
  const fresh = names.map((name) => process.step(name)).filter((step) => !state.steps[unitId(step, event.payload)]);
  if (state.cause) return fresh.length > 0 ? miss(turn, event) : 'recorded';
  for (const step of fresh)
    state.steps[unitId(step, event.payload)] = { status: 'waiting', item: pick(event.payload, step.repeat!.fields) };
  if (fresh.length === 0) return 'repeated';
  if (state.phase === 'ended') state.phase = 'forward';
  delete state.endedAt;
  return 'triggered';
}

/**
 * The id of a thing that an instance makes. One closing may have several instances of a process, by their keys; and what is made anew
 * after an amendment is another thing.
 */
export function assignedId({ assignId }: Process, { correlationId, key, revision }: State, field: string): string {
  const suffix = revision ? `/revision-${revision}` : '';
  return assignId(correlationId, `${key}/${field}${suffix}`);
}
