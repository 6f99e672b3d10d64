import type { Outcome, Process } from '../process.js';
import type { Effect, ProcessEvent } from '../state.js';
import { pick } from './event-parts.js';
import { addRequester } from './start.js';
import { miss } from './turn-back.js';
import type { Turn } from './turn.js';

/**
 * New facts. Steps that used what changed, and steps that used what those brought, are undone and done again; the others stand.
 * The old facts stay in force until then, because what was done is undone by what it was done with.
 */
export function amend(turn: Turn, event: ProcessEvent): Effect {
  const { state, process } = turn;
  if (state.phase === 'new') return turn.keepEarly(event);
  if (state.rejection) return 'recorded';
  if (state.cause) return miss(turn, event);
  addRequester(turn, event);
  const current = { ...state.facts.start, ...state.amendment?.start };
  const start = { ...current, ...pick(event.payload, process.startFacts) };
  const attributes = { ...state.attributes, ...pick(event.payload, process.attributes) };
  const changed = [...process.startFacts].filter((field) => !isSame(start[field], current[field]));
  const steps = [...new Set([...(state.amendment?.steps ?? []), ...affectedSteps(process, changed)])];
  const messageIds = [...(state.amendment?.messageIds ?? []), event.messageId];
  state.amendment = { start, attributes, steps, messageIds };
  state.phase = 'amending';
  delete state.endedAt;
  return 'amended';
}

/** An outcome of what an amendment has replaced: it names the id of a thing that this instance no longer means. */
export function isOfAnEarlierRevision(turn: Turn, { payload }: ProcessEvent): boolean {
  const { assigned } = turn.state.facts;
  return (
    turn.state.revision !== undefined &&
    Object.entries(assigned).some(([field, id]) => field in payload && payload[field] !== id)
  );
}

/** It was taken before, mostly. What was refused then was taken for nothing, so nothing undid it. */
export function takeOfAnEarlierRevision(
  turn: Turn,
  event: ProcessEvent,
  { direction, refusal: refused }: Outcome,
): Effect {
  const { state } = turn;
  const unit = turn.unitOf(event)!;
  const isSuccess = direction === 'forward' && !refused;
  const known = state.refusedBefore?.find(
    ({ unit: name, ids }) =>
      name === unit && Object.entries(ids).every(([field, id]) => (event.payload[field] ?? id) === id),
  );
  if (!isSuccess || !known) return 'repeated';
  state.refusedBefore = state.refusedBefore!.filter((other) => other !== known);
  return turn.unexpected(
    event,
    `${event.type} is about what was amended since: it had been refused, and stands all the same; undo it in its own system`,
  );
}

/** Steps that stand on any of these fields of the start event, or on what such a step brought. */
export function affectedSteps(process: Process, changed: string[]): string[] {
  const affected = new Set<string>();
  // Every step stands behind the steps it uses, so one pass in this order finds all.
  for (const { name, uses, repeat } of process.steps) {
    // What an event began is about that event, whatever becomes of the deal: a refund is not paid twice.
    if (repeat?.on) continue;
    const isAffected =
      changed.some((field) => uses.start.has(field)) || [...uses.steps].some((step) => affected.has(step));
    if (isAffected) affected.add(name);
  }
  return [...affected];
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
