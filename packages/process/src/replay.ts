import { actions, type Action } from './actions.js';
import { decide } from './decide.js';
import type { Input } from './decide/input.js';
import type { EarlierOccurrence } from './earlier.js';
import { ProcessError } from './errors.js';
import type { Process } from './process.js';
import { initialState, type ProcessEvent, type State } from './state.js';

/** One input of an instance as its history keeps it. */
export interface RecordedInput {
  messageId: string;
  type: string;
  payload: Record<string, unknown> | null;
  detail: Record<string, unknown> | null;
  step: string | null;
  source: string | null;
  /** ISO 8601. */
  occurredAt: string;
  recordedAt: string;
}

/** That a person was asked and nobody answered: until it was not needed any more (ISO 8601), or to this day. */
export interface Undecided {
  unit: string;
  endedAt?: string;
}

/** How the record left an instance. */
export interface Left {
  state: State;
  /** Every such question; those of which the state still tells may be left out. */
  undecided?: Undecided[];
}

/** What an instance would have become. */
export interface Replayed {
  state: State;
  /** Types of the commands sent, in order. */
  commands: string[];
  /** Decisions that nobody was asked for then: taken as approved at once. */
  assumed: string[];
  /** Why the rest of the history could not be taken. */
  blocked?: string;
}

/**
 * Takes the recorded inputs of an instance again, by another definition or other policies, and lets time pass until a moment (ISO 8601).
 * Pure: nothing is sent.
 *
 * Timers fire when they are due. A decision counts where it is asked for again; where a person is asked who was not asked then, the
 * answer is taken as approved, so that what follows can be compared; what nobody decided, because it is open still or was not needed any
 * more, stays so. Where people were waited for then and nobody is now, all that followed comes as much earlier as they took.
 */
export function replayHistory(
  process: Process,
  identity: { key: string; occurrence: number; correlationId: string },
  recorded: RecordedInput[],
  left: Left,
  until?: string,
): Replayed {
  const replay = new Replay(process, initialState(identity), recorded, left);
  try {
    for (const input of recorded) replay.take(input);
    replay.passTime(until ?? replay.spared(recorded.at(-1)?.recordedAt ?? ''));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...replay.result(), blocked: error.message };
  }
  return replay.result();
}

class Replay {
  private readonly commands: string[] = [];
  private readonly assumed: string[] = [];
  /** Units of which a decision is still to come. */
  private readonly decisionsAhead: string[];
  private nextTimerAt: string | undefined;
  /** When the last input was recorded. */
  private lastAt: string | undefined;
  /** How long people were waited for in the record who are not waited for now, in milliseconds. */
  private sparedMs = 0;

  constructor(
    private readonly process: Process,
    private state: State,
    private readonly recorded: RecordedInput[],
    private readonly left: Left,
  ) {
    this.decisionsAhead = recorded.flatMap(({ type, step }) => (type.startsWith('decision:') && step ? [step] : []));
  }

  take(recorded: RecordedInput): void {
    if (isOfTime(recorded)) return;
    const { recordedAt } = recorded;
    if (this.isSpared(recorded)) this.sparedMs += Date.parse(recordedAt) - Date.parse(this.lastAt ?? recordedAt);
    this.lastAt = recordedAt;
    const now = this.spared(recordedAt);
    this.passTime(now);
    const input = this.toInput(recorded, now);
    if (input) this.decide(input, now);
  }

  /** A decision that nobody is asked for now, while nothing waits for any other. */
  private isSpared({ type }: RecordedInput): boolean {
    return type.startsWith('decision:') && !Object.values(this.state.steps).some(({ status }) => status === 'deciding');
  }

  /** Somebody was asked then, and nobody answered: it waits, or was not needed any more by an input that is still to come. */
  private wasLeftUndecided(unit: string): boolean {
    const { state, undecided = [] } = this.left;
    const { status, policy } = state.steps[unit] ?? {};
    if (policy !== undefined && (status === 'deciding' || status === 'skipped')) return true;
    return undecided.some(
      ({ unit: asked, endedAt }) => asked === unit && (endedAt === undefined || this.isAhead(endedAt)),
    );
  }

  /** Whether the input that did something at this moment, a little after it was recorded itself, is still to come. */
  private isAhead(at: string): boolean {
    return this.recorded.some(({ recordedAt }) => recordedAt > this.lastAt! && recordedAt <= at);
  }

  /** When it would have been, had nobody been waited for who is not now. */
  spared(at: string): string {
    return this.sparedMs === 0 ? at : new Date(Date.parse(at) - this.sparedMs).toISOString();
  }

  /** Fires what is due by then. */
  passTime(until: string): void {
    while (this.nextTimerAt !== undefined && this.nextTimerAt <= until)
      this.decide({ kind: 'timer' }, this.nextTimerAt);
  }

  result(): Replayed {
    const { state, commands, assumed } = this;
    return { state, commands, assumed };
  }

  private decide(input: Input, now: string): void {
    const { state, commands, tasks, nextTimerAt } = decide(this.process, this.state, input, now);
    this.state = state;
    this.nextTimerAt = nextTimerAt;
    this.commands.push(...commands.map(({ type }) => type));
    for (const { unit } of tasks.opened) {
      if (this.decisionsAhead.includes(unit) || this.wasLeftUndecided(unit)) continue;
      this.assumed.push(unit);
      const id = `assumed:${unit}:${this.assumed.length}`;
      this.decide({ kind: 'decision', id, unit, verdict: 'approved', by: 'assumed' }, now);
    }
  }

  private toInput(recorded: RecordedInput, now: string): Input | undefined {
    const { messageId, type, detail, step } = recorded;
    if (type.startsWith('decision:')) {
      this.decisionsAhead.splice(this.decisionsAhead.indexOf(step!), 1);
      const { verdict, by, reason } = detail as { verdict: 'approved' | 'rejected'; by: string; reason?: string };
      return { kind: 'decision', id: messageId, unit: step!, verdict, by, ...(reason && { reason }) };
    }
    if (type.startsWith('control:')) {
      const action = type.slice('control:'.length) as Action;
      if (!actions.includes(action)) return undefined;
      const { by, reason, facts, seen } = detail as { by: string; reason: string; facts?: object; seen?: number };
      const input: Input = {
        kind: 'control',
        id: messageId,
        action,
        by,
        reason,
        ...(step && { unit: step }),
        ...(facts && { facts }),
        ...(seen !== undefined && { seen }),
      };
      return this.isPossible(input, now) ? input : undefined;
    }
    const earlier = detail?.earlier as EarlierOccurrence[] | undefined;
    return { kind: 'event', event: toEvent(recorded, this.state.correlationId), ...(earlier && { earlier }) };
  }

  /** What a person did then may be nothing to do now. */
  private isPossible(input: Input, now: string): boolean {
    try {
      decide(this.process, this.state, input, now);
      return true;
    } catch (error) {
      if (error instanceof ProcessError && error.code === 'PROCESS_ACTION_REFUSED') return false;
      throw error;
    }
  }
}

/** What time did is done again by time. */
function isOfTime({ type, payload }: RecordedInput): boolean {
  return payload === null && !type.startsWith('decision:') && !type.startsWith('control:');
}

function toEvent({ messageId, type, payload, source, occurredAt }: RecordedInput, correlationId: string): ProcessEvent {
  return { messageId, type, payload: payload!, source: source ?? '', time: occurredAt, correlationId };
}
