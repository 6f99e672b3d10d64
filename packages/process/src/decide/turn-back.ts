import { isOpen, MISSED_AT_MOST, type Attention, type Cause, type Effect, type ProcessEvent } from '../state.js';
import { reference } from './event-parts.js';
import type { Turn } from './turn.js';

/** Turns the instance back, from wherever it is; without effect where nothing stands any more. */
export function cancel(turn: Turn, event: ProcessEvent): Effect {
  return turnBack(turn, { ...reference(event), at: turn.now });
}

export function turnBack(turn: Turn, cause: Cause): Effect {
  const { state } = turn;
  if (state.phase === 'new' || state.rejection) {
    state.cause ??= cause;
    // Nothing is waited for any more; a start that comes all the same finds it cancelled.
    state.endedAt ??= turn.now;
    return state.rejection ? 'recorded' : 'early';
  }
  if (state.cause) return miss(turn, cause);
  letGo(turn, cause);
  state.cause = cause;
  state.phase = 'compensating';
  dropAmendment(turn);
  delete state.endedAt;
  return 'cancelled';
}

/** What was held before it began has nothing to undo: it ends, and nobody needs to choose any more. */
function letGo(turn: Turn, { type }: Cause): void {
  const { state, now: at } = turn;
  const hasBegun = Object.values(state.steps).some(({ status }) => status !== 'waiting');
  if (state.paused?.by !== 'process' || hasBegun) return;
  delete state.paused;
  const isAsked = (one: Attention): boolean => one.code === 'earlier-stands' && isOpen(one);
  const acknowledged = { by: 'process', reason: `${type} turned it back`, at };
  state.attention = state.attention.map((one) => (isAsked(one) ? { ...one, acknowledged } : one));
}

/** It changes nothing while the instance turns back; whoever lets it stand after all must know of it. */
export function miss(turn: Turn, { type, messageId }: Pick<ProcessEvent, 'type' | 'messageId'>): Effect {
  const { cancelledBy } = turn.process;
  const missed = [...(turn.state.missed ?? []), { type, messageId }];
  const cancellations = missed.filter((one) => cancelledBy.has(one.type)).slice(0, 1);
  const others = missed.filter((one) => !cancelledBy.has(one.type)).slice(1 - MISSED_AT_MOST);
  turn.state.missed = [...cancellations, ...others];
  return 'recorded';
}

/** It never comes into force: whoever reads the history must not take it for a fact. */
export function dropAmendment(turn: Turn): void {
  const { amendment } = turn.state;
  if (!amendment) return;
  turn.input!.detail = { ...turn.input!.detail, dropped: amendment.messageIds };
  delete turn.state.amendment;
}
