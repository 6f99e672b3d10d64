import type { CompiledCommand, CompiledStep, Outcome, Process, Source } from './compile.js';
import { ProcessError } from './errors.js';
import type {
  Cause,
  Command,
  Effect,
  Execution,
  ExternalId,
  HistoryEntry,
  ProcessEvent,
  State,
  Status,
  StepState,
  StepStatus,
} from './state.js';

export type Input = { kind: 'event'; event: ProcessEvent } | { kind: 'timer' };

export interface Decision {
  state: State;
  commands: Command[];
  history: HistoryEntry[];
  /** When the instance wants a timer input, ISO 8601; undefined when it waits for nothing. */
  nextTimerAt: string | undefined;
}

/**
 * The whole behaviour of a process: what an input does to an instance, and which commands follow.
 *
 * Pure: the same arguments give the same decision; `before` is not changed. Three rules carry it:
 * a success is a fact (whenever it comes, the thing exists, so it is either part of the way or is undone);
 * a command in flight is awaited, never presumed to have failed; no input is dropped without an entry in the history.
 *
 * @param now when the input is taken, ISO 8601 in UTC
 */
export function decide(process: Process, before: State, input: Input, now: string): Decision {
  const turn = new Turn(process, before, now);
  if (input.kind === 'timer') turn.expire();
  else if (!before.seen.includes(input.event.messageId)) turn.take(input.event);
  const { state, commands, history } = turn;
  if (history.length > 0) state.status = statusOf(process, state);
  return { state, commands, history, nextTimerAt: nextTimerAt(state) };
}

/** One call of `decide`: a private copy of the state, and what was decided so far. */
class Turn {
  readonly state: State;
  readonly commands: Command[] = [];
  readonly history: HistoryEntry[] = [];

  constructor(
    private readonly process: Process,
    before: State,
    private readonly now: string,
  ) {
    this.state = copyOf(before);
  }

  take(event: ProcessEvent): void {
    this.state.seen.push(event.messageId);
    const effect = this.receive(event);
    const step = this.process.outcomes.get(event.type)?.step;
    const entry: HistoryEntry = { messageId: event.messageId, type: event.type, effect, at: this.now, commands: [] };
    this.history.push(step ? { ...entry, step } : entry);
    this.advance();
    this.history[0]!.commands = this.commands.map((command) => command.type);
  }

  /** A timeout says nothing about the outcome: the command may still be done. So it is made visible, and the outcome awaited. */
  expire(): void {
    for (const [step, execution] of inFlight(this.state)) {
      if (!execution.dueAt || execution.overdueSince || execution.dueAt > this.now) continue;
      execution.overdueSince = this.now;
      const messageId = `timer:${execution.command}:${execution.dueAt}`;
      this.history.push({ messageId, type: 'timeout', effect: 'overdue', step, at: this.now, commands: [] });
    }
  }

  private receive(event: ProcessEvent): Effect {
    const { process } = this;
    if (event.type === process.starts) return this.start(event);
    if (process.rejectedBy.has(event.type)) return this.reject(event);
    const outcome = process.outcomes.get(event.type);
    if (outcome?.direction === 'forward') return this.forwardOutcome(event, outcome);
    if (outcome) return this.compensationOutcome(event, outcome);
    if (process.cancelledBy.has(event.type)) return this.cancel(event);
    if (process.records.has(event.type)) return 'recorded';
    return this.unexpected(event, `${event.type} is not part of this process`);
  }

  private start(event: ProcessEvent): Effect {
    const { state, process } = this;
    if (state.phase !== 'new' && !state.rejection) {
      const message = `${event.type} came again for the same occurrence; the instance continues with what it started with`;
      state.attention.push({ code: 'started-again', ...reference(event), at: this.now, message });
      return 'unexpected';
    }
    delete state.rejection;
    delete state.endedAt;
    state.correlationId = event.correlationId;
    state.startedAt = event.time;
    if (event.traceparent) state.traceparent = event.traceparent;
    state.attributes = pick(event.payload, process.attributes);
    state.facts.start = pick(event.payload, process.startFacts);
    state.facts.assigned = Object.fromEntries(
      process.assigned.map((field) => [field, process.assignId(event.correlationId, field)]),
    );
    for (const step of process.steps) this.step(step.name);
    state.phase = state.cause ? 'compensating' : 'forward';
    return 'started';
  }

  private reject(event: ProcessEvent): Effect {
    const { state } = this;
    if (state.phase !== 'new' && !state.rejection)
      return this.unexpected(event, `${event.type} came after the instance had started`);
    state.phase = 'ended';
    state.correlationId = event.correlationId;
    state.startedAt ??= event.time;
    if (event.traceparent) state.traceparent ??= event.traceparent;
    state.endedAt = this.now;
    state.attributes = pick(event.payload, this.process.attributes);
    state.rejection = { ...reference(event), at: this.now, ...refusal(event) };
    return 'rejected';
  }

  /** Turns the instance back, from wherever it is; without effect where nothing stands any more. */
  private cancel(event: ProcessEvent): Effect {
    const { state } = this;
    const cause: Cause = { ...reference(event), at: this.now };
    if (state.phase === 'new' || state.rejection) {
      state.cause ??= cause;
      return state.rejection ? 'recorded' : 'early';
    }
    if (state.cause) return 'recorded';
    state.cause = cause;
    state.phase = 'compensating';
    delete state.endedAt;
    return 'cancelled';
  }

  private forwardOutcome(event: ProcessEvent, { step: name, refusal: refused }: Outcome): Effect {
    const step = this.step(name);
    const { state } = this;
    const mayStillCommand = state.phase === 'new' || state.phase === 'forward' || state.rejection !== undefined;
    if (step.status === 'waiting' && mayStillCommand) {
      state.early.push(event);
      return state.rejection
        ? this.unexpected(event, `${event.type} came although the instance never started`)
        : 'early';
    }
    if (step.status === 'commanded') {
      if (refused) this.refuse(event, name);
      else this.done(event, name);
      return refused ? 'step-refused' : 'step-done';
    }
    if (refused) {
      // Nothing of it stands, and nothing was to stand: no contradiction.
      if (step.status === 'refused' || step.status === 'skipped' || step.status === 'waiting') return 'repeated';
      return this.unexpected(event, `${event.type} came after step ${name} had been done`);
    }
    if (step.status === 'refused' || step.status === 'skipped' || step.status === 'waiting') {
      this.done(event, name);
      if (state.phase === 'ended') state.phase = 'compensating';
      delete state.endedAt;
      return 'late';
    }
    return 'repeated';
  }

  private done(event: ProcessEvent, name: string): void {
    const step = this.step(name);
    const { state } = this;
    const { reason, field, message, ...execution } = step.execution ?? {
      command: this.process.step(name).command.type,
    };
    step.execution = { ...execution, ...this.outcome(event) };
    state.facts.steps[name] = pick(event.payload, this.process.step(name).facts);
    step.status = step.undone ? 'compensated' : 'done';
    if (!step.undone) state.completed.push(name);
  }

  private refuse(event: ProcessEvent, name: string): void {
    const step = this.step(name);
    step.status = 'refused';
    step.execution = { ...step.execution!, ...this.outcome(event), ...refusal(event) };
    if (this.process.step(name).onRefusal === 'stop' || this.state.phase !== 'forward') return;
    this.state.cause = { ...reference(event), at: this.now, step: name, ...refusal(event) };
    this.state.phase = 'compensating';
  }

  private compensationOutcome(event: ProcessEvent, { step: name, refusal: refused }: Outcome): Effect {
    const step = this.step(name);
    const asked = step.status === 'compensating' || step.status === 'compensation-refused';
    if (asked && refused) {
      step.status = 'compensation-refused';
      step.compensation = { ...step.compensation!, ...this.outcome(event), ...refusal(event) };
      return 'compensation-refused';
    }
    if (asked) {
      this.undo(event, step, name);
      return 'step-compensated';
    }
    if (step.status === 'compensated') return 'repeated';
    if (!refused && this.process.cancelledBy.has(event.type)) return this.undoneElsewhere(event, step, name);
    return this.unexpected(event, `${event.type} came although step ${name} was not being undone`);
  }

  /** A person undid it in its own system: that is a cancellation, and this step needs no compensation any more. */
  private undoneElsewhere(event: ProcessEvent, step: StepState, name: string): Effect {
    if (step.status === 'done') this.undo(event, step, name);
    else if (step.status === 'waiting' || step.status === 'commanded') step.undone = true;
    return this.cancel(event);
  }

  private undo(event: ProcessEvent, step: StepState, name: string): void {
    const command = this.process.step(name).compensation?.type ?? '';
    const { reason, field, message, ...execution } = step.compensation ?? { command };
    step.status = 'compensated';
    step.compensation = { ...execution, ...this.outcome(event) };
  }

  private unexpected(event: ProcessEvent, message: string): Effect {
    this.state.attention.push({ code: 'unexpected-event', ...reference(event), at: this.now, message });
    return 'unexpected';
  }

  private advance(): void {
    if (this.state.phase === 'forward') this.goForward();
    if (this.state.phase === 'compensating') this.goBack();
  }

  private goForward(): void {
    const { state, process } = this;
    for (const step of process.steps) {
      if (state.phase !== 'forward') return;
      const isReady = step.after.every((name) => this.step(name).status === 'done');
      if (this.step(step.name).status !== 'waiting' || !isReady) continue;
      this.send(step, 'forward', step.command);
      this.takeEarly(step.name);
    }
    if (state.phase === 'forward' && process.steps.every((step) => this.step(step.name).status === 'done')) this.end();
  }

  /** What came early is due now: the first outcome of this step ends it, as if it had just come. */
  private takeEarly(name: string): void {
    const isOutcome = (event: ProcessEvent) => this.process.outcomes.get(event.type)?.step === name;
    const due = this.state.early.filter(isOutcome);
    this.state.early = this.state.early.filter((event) => !isOutcome(event));
    for (const event of due) this.forwardOutcome(event, this.process.outcomes.get(event.type)!);
  }

  private goBack(): void {
    const { state, process } = this;
    for (const event of state.early.splice(0)) this.forwardOutcome(event, process.outcomes.get(event.type)!);
    for (;;) {
      const busy: StepStatus[] = ['commanded', 'compensating', 'compensation-refused'];
      if (process.steps.some((step) => busy.includes(this.step(step.name).status))) return;
      const name = state.completed.findLast((completed) => this.step(completed).status === 'done');
      if (!name) break;
      const step = process.step(name);
      if (step.compensation) this.send(step, 'compensation', step.compensation);
      else this.step(name).status = 'kept';
    }
    for (const { name } of process.steps) if (this.step(name).status === 'waiting') this.step(name).status = 'skipped';
    this.end();
  }

  private end(): void {
    this.state.phase = 'ended';
    this.state.endedAt = this.now;
  }

  private send({ name }: CompiledStep, direction: Command['direction'], command: CompiledCommand): void {
    const step = this.step(name);
    const payload = Object.fromEntries(
      command.fields.map(([field, source]) => [field, this.fact(command, field, source)]),
    );
    this.commands.push({ type: command.type, payload, step: name, direction });
    const execution: Execution = {
      command: command.type,
      commandedAt: this.now,
      dueAt: new Date(Date.parse(this.now) + command.timeoutMs).toISOString(),
    };
    step.status = direction === 'forward' ? 'commanded' : 'compensating';
    step[direction === 'forward' ? 'execution' : 'compensation'] = execution;
  }

  private fact(command: CompiledCommand, field: string, source: Source): unknown {
    const { facts, cause } = this.state;
    const value =
      source.from === 'assigned'
        ? facts.assigned[source.field]
        : source.from === 'start'
          ? facts.start[source.field]
          : source.from === 'cause'
            ? cause?.type
            : facts.steps[source.step]?.[source.field];
    if (value !== undefined) return value;
    // The compiler binds every field to something known before the command, so an event lacked what its contract promises.
    throw new ProcessError(
      'PROCESS_FACT_MISSING',
      `${command.type}.${field} needs ${JSON.stringify(source)}, which no event of ${this.state.key}/${this.state.occurrence} carried; replay that event with the field`,
    );
  }

  private step(name: string): StepState {
    return (this.state.steps[name] ??= { status: 'waiting' });
  }

  private outcome(event: ProcessEvent): Partial<Execution> {
    const externalIds = externalIdsOf(event);
    return {
      outcome: event.type,
      outcomeAt: this.now,
      service: event.source,
      ...(externalIds.length > 0 && { externalIds }),
    };
  }
}

/** Commands whose outcome is awaited, with their steps. */
export function inFlight(state: State): [step: string, execution: Execution][] {
  return Object.entries(state.steps).flatMap(([name, step]): [string, Execution][] => {
    if (step.status === 'commanded') return [[name, step.execution!]];
    if (step.status === 'compensating') return [[name, step.compensation!]];
    return [];
  });
}

/** How the systems name what an event is about. */
export function externalIdsOf(event: ProcessEvent): ExternalId[] {
  return Array.isArray(event.payload.externalIds) ? (event.payload.externalIds as ExternalId[]) : [];
}

function statusOf(process: Process, state: State): Status {
  if (state.phase === 'new') return 'expected';
  if (state.rejection) return 'rejected';
  if (state.phase === 'ended') return state.cause ? (state.cause.step ? 'refused' : 'compensated') : 'completed';
  const isStuck = process.steps.some(({ name }) => {
    const status = state.steps[name]?.status;
    return status === 'compensation-refused' || (status === 'refused' && state.phase === 'forward');
  });
  if (isStuck) return 'stopped';
  if (inFlight(state).some(([, execution]) => execution.overdueSince)) return 'overdue';
  return state.phase === 'forward' ? 'running' : 'compensating';
}

function nextTimerAt(state: State): string | undefined {
  const due = inFlight(state).flatMap(([, { dueAt, overdueSince }]) => (dueAt && !overdueSince ? [dueAt] : []));
  return due.length > 0 ? due.reduce((a, b) => (a < b ? a : b)) : undefined;
}

/** A copy of all that a turn changes; facts and events are never changed, only added. */
function copyOf(state: State): State {
  const steps = Object.entries(state.steps).map(([name, step]): [string, StepState] => [
    name,
    {
      ...step,
      ...(step.execution && { execution: { ...step.execution } }),
      ...(step.compensation && { compensation: { ...step.compensation } }),
    },
  ]);
  return {
    ...state,
    steps: Object.fromEntries(steps),
    completed: [...state.completed],
    facts: { ...state.facts, steps: { ...state.facts.steps } },
    early: [...state.early],
    attention: [...state.attention],
    seen: [...state.seen],
  };
}

const reference = ({ type, messageId }: ProcessEvent) => ({ type, messageId });

function refusal({ payload }: ProcessEvent): Pick<Execution, 'reason' | 'field' | 'message'> {
  const { reason, field, message } = payload as Record<string, string | null | undefined>;
  return { ...(reason && { reason }), ...(field && { field }), ...(message && { message }) };
}

function pick(payload: Record<string, unknown>, fields: Iterable<string>): Record<string, unknown> {
  return Object.fromEntries([...fields].filter((field) => field in payload).map((field) => [field, payload[field]]));
}
