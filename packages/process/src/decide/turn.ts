import type { PolicyOutcome } from '../policies.js';
import type { Process } from '../process.js';
import type {
  Attention,
  Command,
  Effect,
  Execution,
  HistoryEntry,
  ProcessEvent,
  State,
  TaskChanges,
  UnitState,
} from '../state.js';
import { unitId } from '../units.js';
import { externalIdsOf } from './event-parts.js';

/** One call of `decide`: a private copy of the state, and what was decided so far. */
export class Turn {
  readonly state: State;
  readonly commands: Command[] = [];
  readonly history: HistoryEntry[] = [];
  readonly tasks: TaskChanges = { opened: [], closed: [] };
  readonly asked: PolicyOutcome[] = [];
  /** What this turn is about; absent where time alone passes. */
  input: HistoryEntry | undefined;

  constructor(
    readonly process: Process,
    before: State,
    readonly now: string,
  ) {
    this.state = copyOf(before);
  }

  unit(id: string): UnitState {
    return (this.state.steps[id] ??= { status: 'waiting' });
  }

  attend(code: Attention['code'], about: { type: string; messageId: string }, message: string): void {
    const { type, messageId } = about;
    this.state.attention.push({ code, type, messageId, at: this.now, message });
  }

  unexpected(event: ProcessEvent, message: string): Effect {
    this.attend('unexpected-event', event, message);
    if (this.process.unexpected === 'pause' && this.state.phase !== 'new' && this.state.phase !== 'ended')
      this.state.paused ??= { by: 'process', reason: message, at: this.now };
    return 'unexpected';
  }

  keepEarly(event: ProcessEvent): Effect {
    this.state.early.push(event);
    return 'early';
  }

  /** The unit an event is about: that of its step, or the run of it that its `by` field names. */
  unitOf({ type, payload }: ProcessEvent): string | undefined {
    const step = this.process.outcomes.get(type)?.step ?? this.process.progress.get(type);
    return step === undefined ? undefined : unitId(this.process.step(step), payload);
  }

  outcome(event: ProcessEvent): Partial<Execution> {
    const externalIds = externalIdsOf(event);
    return {
      outcome: event.type,
      outcomeAt: this.now,
      service: event.source,
      ...(externalIds.length > 0 && { externalIds }),
    };
  }

  note(messageId: string, effect: Effect, step?: string): void {
    const type = effect === 'step-retried' ? 'retry' : effect === 'overdue' ? 'timeout' : 'sla';
    this.history.push({ messageId, type, effect, at: this.now, commands: [], ...(step !== undefined && { step }) });
  }
}

/** A copy of all that a turn changes; facts and events are never changed, only added. */
function copyOf(state: State): State {
  const steps = Object.entries(state.steps).map(([name, unit]): [string, UnitState] => [
    name,
    {
      ...unit,
      ...(unit.execution && { execution: { ...unit.execution } }),
      ...(unit.compensation && { compensation: { ...unit.compensation } }),
    },
  ]);
  return {
    ...state,
    steps: Object.fromEntries(steps),
    completed: [...state.completed],
    ...(state.amendment && { amendment: { ...state.amendment } }),
    facts: { ...state.facts, steps: { ...state.facts.steps } },
    early: [...state.early],
    attention: [...state.attention],
  };
}
