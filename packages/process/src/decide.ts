import { amend, isOfAnEarlierRevision, takeOfAnEarlierRevision } from './decide/amend.js';
import { commandAgain } from './decide/command.js';
import { goBack, goBackTo } from './decide/go-back.js';
import { goForward } from './decide/go-forward.js';
import type { Decision, EventInput, Input } from './decide/input.js';
import { compensationOutcome, forwardOutcome, moving } from './decide/outcomes.js';
import { control, decided } from './decide/people.js';
import { reject, start, trigger } from './decide/start.js';
import { cancel } from './decide/turn-back.js';
import { Turn } from './decide/turn.js';
import type { Process } from './process.js';
import { inFlight, nextTimerAt, promised, statusOf } from './standing.js';
import { SEEN_AT_MOST, type Effect, type HistoryEntry, type ProcessEvent, type State } from './state.js';

/**
 * The whole behaviour of a process: what an input does to an instance, and which commands and tasks follow.
 *
 * Pure: the same arguments give the same decision; `before` is not changed. Three rules carry it:
 * a success is a fact (whenever it comes, the thing exists, so it is either part of the way or is undone);
 * a command in flight is awaited, never presumed to have failed; no input is dropped without an entry in the history.
 *
 * @param now when the input is taken, ISO 8601 in UTC
 * @throws PROCESS_ACTION_REFUSED where a person asks for what cannot be done now, with the reason
 */
export function decide(process: Process, before: State, input: Input, now: string): Decision {
  const turn = new Turn(process, before, now);
  if (input.kind === 'timer') expire(turn);
  else if (!before.seen.includes(input.kind === 'event' ? input.event.messageId : input.id)) take(turn, input);
  const { state, commands, history, tasks } = turn;
  if (history.length > 0) state.status = statusOf(process, state);
  return { state, commands, history, tasks, nextTimerAt: nextTimerAt(state) };
}

function take(turn: Turn, input: Exclude<Input, { kind: 'timer' }>): void {
  // What is late by now is late, whether or not a timer has looked before what it waited for came.
  markLate(turn);
  const entry = entryOf(turn, input);
  turn.state.seen = [...turn.state.seen, entry.messageId].slice(-SEEN_AT_MOST);
  turn.history.push(entry);
  turn.input = entry;
  if (input.kind === 'event') entry.effect = receive(turn, input);
  else if (input.kind === 'decision') entry.effect = decided(turn, input);
  else if (input.kind === 'migration') entry.effect = 'migrated';
  else entry.effect = control(turn, input);
  advance(turn);
  entry.commands = turn.commands.map((command) => command.type);
  if (turn.asked.length > 0) entry.detail = { ...entry.detail, policies: turn.asked };
}

/** A timeout says nothing about the outcome: the command may still be done. So it is made visible, and the outcome awaited. */
function expire(turn: Turn): void {
  const { state, now } = turn;
  markLate(turn);
  if (state.phase !== 'forward' || state.paused) return;
  for (const [unit, { status, execution }] of Object.entries(state.steps)) {
    if (status !== 'retrying' || execution!.retryAt! > now) continue;
    turn.note(`timer:retry:${unit}:${execution!.retryAt!}`, 'step-retried', unit);
    const sentBefore = turn.commands.length;
    commandAgain(turn, unit);
    turn.history.at(-1)!.commands = turn.commands.slice(sentBefore).map(({ type }) => type);
  }
}

function markLate(turn: Turn): void {
  const { state, now } = turn;
  if (state.slaDueAt && state.slaDueAt <= now && !state.slaBreachedAt && !state.slaKeptAt && state.phase !== 'ended') {
    state.slaBreachedAt = now;
    turn.note(slaBreachId(state.slaDueAt), 'sla-breached');
  }
  for (const [unit, run] of promised(state)) {
    if (!run.slaDueAt || run.slaDueAt > now || run.slaBreachedAt) continue;
    run.slaBreachedAt = now;
    turn.note(`timer:sla:${unit}:${run.slaDueAt}`, 'sla-breached', unit);
  }
  for (const [unit, run] of inFlight(state)) {
    if (!run.dueAt || run.overdueSince || run.dueAt > now) continue;
    run.overdueSince = now;
    turn.note(`timer:${unit}:${run.dueAt}`, 'overdue', unit);
  }
}

function entryOf(turn: Turn, input: Exclude<Input, { kind: 'timer' }>): HistoryEntry {
  const { now: at } = turn;
  if (input.kind === 'event') {
    const { type, messageId } = input.event;
    const unit = turn.unitOf(input.event);
    return { messageId, type, effect: 'recorded', at, commands: [], ...(unit !== undefined && { step: unit }) };
  }
  if (input.kind === 'migration') {
    const { kind: type, id, ...detail } = input;
    return { messageId: id, type, effect: 'migrated', at, commands: [], detail };
  }
  const { kind, id, unit, ...detail } = input;
  const type = kind === 'decision' ? `decision:${input.verdict}` : `control:${input.action}`;
  return {
    messageId: id,
    type,
    effect: 'recorded',
    at,
    commands: [],
    ...(unit !== undefined && { step: unit }),
    detail,
  };
}

function receive(turn: Turn, { event, earlier }: EventInput): Effect {
  const { process } = turn;
  if (event.type === process.starts) return start(turn, event, earlier);
  if (process.rejectedBy.has(event.type)) return reject(turn, event);
  if (process.amendedBy.has(event.type)) return amend(turn, event);
  const triggered = trigger(turn, event);
  const outcome = process.outcomes.get(event.type);
  if (outcome && isOfAnEarlierRevision(turn, event)) return takeOfAnEarlierRevision(turn, event, outcome);
  if (outcome?.direction === 'forward') {
    const effect = forwardOutcome(turn, event, outcome);
    return effect === 'recorded' && triggered ? triggered : effect;
  }
  if (outcome) return compensationOutcome(turn, event, outcome);
  if (process.cancelledBy.has(event.type)) return cancel(turn, event);
  if (process.progress.has(event.type)) return moving(turn, event);
  if (triggered) return triggered;
  if (process.records.has(event.type)) return 'recorded';
  if (process.shown.has(event.type)) return show(turn, event);
  return turn.unexpected(event, `${event.type} is not part of this process`);
}

function show(turn: Turn, event: ProcessEvent): Effect {
  const { message } = event.payload;
  turn.attend(
    'shown',
    event,
    typeof message === 'string' ? message : `${event.type} came, and only people can answer it`,
  );
  return 'recorded';
}

function advance(turn: Turn): void {
  const { state } = turn;
  if (state.paused) return;
  if (state.phase === 'amending') goBackTo(turn, state.amendment!);
  if (state.phase === 'forward') goForward(turn);
  if (state.phase === 'compensating') goBack(turn);
}

/** Of the entry that says that the promise for the whole was broken: one for each moment that was promised. */
export const slaBreachId = (dueAt: string): string => `timer:sla:${dueAt}`;
