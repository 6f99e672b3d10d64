import { isStuck, whyNot, type Action } from './actions.js';
import type { CompiledCommand, CompiledStep, Outcome, Process, Source } from './compile.js';
import { whatStandsBefore, type EarlierOccurrence } from './earlier.js';
import { ProcessError } from './errors.js';
import { whyNotOfType } from './fact-types.js';
import type { Facts, PolicyOutcome } from './policies.js';
import {
  isOpen,
  MISSED_AT_MOST,
  SEEN_AT_MOST,
  type Amendment,
  type Attention,
  type Cause,
  type Command,
  type Effect,
  type Execution,
  type ExternalId,
  type HistoryEntry,
  type ProcessEvent,
  type State,
  type StepStatus,
  type TaskChanges,
  type UnitState,
} from './state.js';
import { inFlight, nextTimerAt, promised, statusOf } from './standing.js';
import { readyUnits, stepOf, unitId, unitsOf, waitsFor } from './units.js';

/** What a person decided at a checkpoint. */
export interface DecisionInput {
  kind: 'decision';
  /** Taken once per id. */
  id: string;
  unit: string;
  verdict: 'approved' | 'rejected';
  by: string;
  reason?: string;
  /** Kept with the history: who else decided, on which form, and the like. */
  detail?: Record<string, unknown>;
}

/** What a person does to an instance. */
export interface ControlInput {
  kind: 'control';
  /** Taken once per id. */
  id: string;
  action: Action;
  /** For `retry` and `skip`. */
  unit?: string;
  by: string;
  reason: string;
  /** For `repair`: facts to put right. For `skip`: what the step would have brought, where later steps need it. */
  facts?: { start?: Record<string, unknown>; steps?: Record<string, Record<string, unknown>> };
  /** For `acknowledge`, always: how many entries of `attention` were shown to whoever acknowledges them. What came since stays open. */
  seen?: number;
}

/** The instance has become one of another version of its process: what is due there begins. */
export interface MigrationInput {
  kind: 'migration';
  /** Taken once per id. */
  id: string;
  from: number;
  to: number;
  by: string;
  reason: string;
}

export interface EventInput {
  kind: 'event';
  event: ProcessEvent;
  /** Of one that starts an instance: what is known of the occurrences before it. */
  earlier?: EarlierOccurrence[];
}

export type Input = EventInput | { kind: 'timer' } | DecisionInput | ControlInput | MigrationInput;

export interface Decision {
  state: State;
  commands: Command[];
  history: HistoryEntry[];
  tasks: TaskChanges;
  /** When the instance wants a timer input, ISO 8601; undefined when it waits for nothing. */
  nextTimerAt: string | undefined;
}

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
  if (input.kind === 'timer') turn.expire();
  else if (!before.seen.includes(input.kind === 'event' ? input.event.messageId : input.id)) turn.take(input);
  const { state, commands, history, tasks } = turn;
  if (history.length > 0) state.status = statusOf(process, state);
  return { state, commands, history, tasks, nextTimerAt: nextTimerAt(state) };
}

/** One call of `decide`: a private copy of the state, and what was decided so far. */
class Turn {
  readonly state: State;
  readonly commands: Command[] = [];
  readonly history: HistoryEntry[] = [];
  readonly tasks: TaskChanges = { opened: [], closed: [] };
  private readonly asked: PolicyOutcome[] = [];
  /** What this turn is about; absent where time alone passes. */
  private input: HistoryEntry | undefined;

  constructor(
    private readonly process: Process,
    before: State,
    private readonly now: string,
  ) {
    this.state = copyOf(before);
  }

  take(input: Exclude<Input, { kind: 'timer' }>): void {
    // What is late by now is late, whether or not a timer has looked before what it waited for came.
    this.markLate();
    const entry = this.entryOf(input);
    this.state.seen = [...this.state.seen, entry.messageId].slice(-SEEN_AT_MOST);
    this.history.push(entry);
    this.input = entry;
    if (input.kind === 'event') entry.effect = this.receive(input);
    else if (input.kind === 'decision') entry.effect = this.decided(input);
    else if (input.kind === 'migration') entry.effect = 'migrated';
    else entry.effect = this.control(input);
    this.advance();
    entry.commands = this.commands.map((command) => command.type);
    if (this.asked.length > 0) entry.detail = { ...entry.detail, policies: this.asked };
  }

  /** A timeout says nothing about the outcome: the command may still be done. So it is made visible, and the outcome awaited. */
  expire(): void {
    const { state, now } = this;
    this.markLate();
    if (state.phase !== 'forward' || state.paused) return;
    for (const [unit, { status, execution }] of Object.entries(state.steps)) {
      if (status !== 'retrying' || execution!.retryAt! > now) continue;
      this.note(`timer:retry:${unit}:${execution!.retryAt!}`, 'step-retried', unit);
      const sentBefore = this.commands.length;
      this.commandAgain(unit);
      this.history.at(-1)!.commands = this.commands.slice(sentBefore).map(({ type }) => type);
    }
  }

  private markLate(): void {
    const { state, now } = this;
    if (
      state.slaDueAt &&
      state.slaDueAt <= now &&
      !state.slaBreachedAt &&
      !state.slaKeptAt &&
      state.phase !== 'ended'
    ) {
      state.slaBreachedAt = now;
      this.note(slaBreachId(state.slaDueAt), 'sla-breached');
    }
    for (const [unit, run] of promised(state)) {
      if (!run.slaDueAt || run.slaDueAt > now || run.slaBreachedAt) continue;
      run.slaBreachedAt = now;
      this.note(`timer:sla:${unit}:${run.slaDueAt}`, 'sla-breached', unit);
    }
    for (const [unit, run] of inFlight(state)) {
      if (!run.dueAt || run.overdueSince || run.dueAt > now) continue;
      run.overdueSince = now;
      this.note(`timer:${unit}:${run.dueAt}`, 'overdue', unit);
    }
  }

  private entryOf(input: Exclude<Input, { kind: 'timer' }>): HistoryEntry {
    const { now: at } = this;
    if (input.kind === 'event') {
      const { type, messageId } = input.event;
      const unit = this.unitOf(input.event);
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

  private note(messageId: string, effect: Effect, step?: string): void {
    const type = effect === 'step-retried' ? 'retry' : effect === 'overdue' ? 'timeout' : 'sla';
    this.history.push({ messageId, type, effect, at: this.now, commands: [], ...(step !== undefined && { step }) });
  }

  /** The unit an event is about: that of its step, or the run of it that its `by` field names. */
  private unitOf({ type, payload }: ProcessEvent): string | undefined {
    const step = this.process.outcomes.get(type)?.step ?? this.process.progress.get(type);
    return step === undefined ? undefined : unitId(this.process.step(step), payload);
  }

  private receive({ event, earlier }: EventInput): Effect {
    const { process } = this;
    if (event.type === process.starts) return this.start(event, earlier);
    if (process.rejectedBy.has(event.type)) return this.reject(event);
    if (process.amendedBy.has(event.type)) return this.amend(event);
    const triggered = this.trigger(event);
    const outcome = process.outcomes.get(event.type);
    if (outcome && this.isOfAnEarlierRevision(event)) return this.takeOfAnEarlierRevision(event, outcome);
    if (outcome?.direction === 'forward') {
      const effect = this.forwardOutcome(event, outcome);
      return effect === 'recorded' && triggered ? triggered : effect;
    }
    if (outcome) return this.compensationOutcome(event, outcome);
    if (process.cancelledBy.has(event.type)) return this.cancel(event);
    if (process.progress.has(event.type)) return this.moving(event);
    if (triggered) return triggered;
    if (process.records.has(event.type)) return 'recorded';
    if (process.shown.has(event.type)) return this.show(event);
    return this.unexpected(event, `${event.type} is not part of this process`);
  }

  private show(event: ProcessEvent): Effect {
    const { message } = event.payload;
    this.attend(
      'shown',
      event,
      typeof message === 'string' ? message : `${event.type} came, and only people can answer it`,
    );
    return 'recorded';
  }

  private start(event: ProcessEvent, earlier: EarlierOccurrence[] = []): Effect {
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
    this.addRequester(event);
    this.assignIds([...process.assigned.keys()]);
    if (process.sla) state.slaDueAt = process.later(this.now, process.sla);
    // What came before may have been taken by another version, which had other steps.
    const names = new Set(process.steps.map(({ name }) => name));
    for (const id of Object.keys(state.steps)) if (!names.has(id.split('/')[0]!)) delete state.steps[id];
    this.unfold(process.steps);
    state.phase = state.cause ? 'compensating' : 'forward';
    // What came before is taken now, as if it had just come; outcomes wait for their command.
    for (const early of state.early.filter(({ type }) => process.amendedBy.has(type))) {
      this.addRequester(early);
      state.facts.start = { ...state.facts.start, ...pick(early.payload, process.startFacts) };
      state.attributes = { ...state.attributes, ...pick(early.payload, process.attributes) };
    }
    for (const early of state.early) this.trigger(early);
    const isKnown = ({ type }: ProcessEvent): boolean =>
      process.outcomes.has(type) || process.triggers.has(type) || process.amendedBy.has(type);
    for (const early of state.early.filter((one) => !isKnown(one)))
      this.attend(
        'unexpected-event',
        early,
        `${early.type} came before the start, and this version has no step for it`,
      );
    state.early = state.early.filter(({ type }) => process.outcomes.has(type));
    if (earlier.length > 0) this.input!.detail = { earlier };
    const message = whatStandsBefore(process, earlier);
    if (message !== undefined && !state.cause) {
      this.attend('earlier-stands', event, message);
      state.paused = { by: 'process', reason: message, at: this.now };
    }
    return 'started';
  }

  /** An amendment can add somebody who asked for it, and take nobody away. */
  private addRequester({ payload }: ProcessEvent): void {
    const { requester } = this.process;
    const who = requester === undefined ? undefined : payload[requester];
    if (typeof who !== 'string' || who === '') return;
    this.state.requesters = [...(this.state.requesters ?? []).filter((other) => other !== who), who];
  }

  /** Makes the units of steps: one of each, one per line, none yet of those that an event begins. */
  private unfold(steps: CompiledStep[]): void {
    const { state } = this;
    for (const step of steps) {
      const { repeat } = step;
      if (!repeat) state.steps[step.name] ??= { status: 'waiting' };
      if (!repeat?.forEach) continue;
      const items = state.facts.start[repeat.forEach];
      for (const item of Array.isArray(items) ? (items as Record<string, unknown>[]) : [])
        state.steps[unitId(step, item)] ??= { status: 'waiting', item: pick(item, repeat.fields) };
    }
  }

  private assignIds(fields: string[]): void {
    const { state, process } = this;
    const assigned = fields.map((field) => [field, assignedId(process, state, field)]);
    state.facts.assigned = { ...state.facts.assigned, ...(Object.fromEntries(assigned) as Record<string, string>) };
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
    for (const early of state.early.filter(({ type }) => this.process.outcomes.get(type)?.refusal === false))
      this.attend('unexpected-event', early, `${early.type} came although the instance never started`);
    return 'rejected';
  }

  /** Turns the instance back, from wherever it is; without effect where nothing stands any more. */
  private cancel(event: ProcessEvent): Effect {
    return this.turnBack({ ...reference(event), at: this.now });
  }

  private turnBack(cause: Cause): Effect {
    const { state } = this;
    if (state.phase === 'new' || state.rejection) {
      state.cause ??= cause;
      // Nothing is waited for any more; a start that comes all the same finds it cancelled.
      state.endedAt ??= this.now;
      return state.rejection ? 'recorded' : 'early';
    }
    if (state.cause) return this.miss(cause);
    this.letGo(cause);
    state.cause = cause;
    state.phase = 'compensating';
    this.dropAmendment();
    delete state.endedAt;
    return 'cancelled';
  }

  /** What was held before it began has nothing to undo: it ends, and nobody needs to choose any more. */
  private letGo({ type }: Cause): void {
    const { state, now: at } = this;
    const hasBegun = Object.values(state.steps).some(({ status }) => status !== 'waiting');
    if (state.paused?.by !== 'process' || hasBegun) return;
    delete state.paused;
    const isAsked = (one: Attention): boolean => one.code === 'earlier-stands' && isOpen(one);
    const acknowledged = { by: 'process', reason: `${type} turned it back`, at };
    state.attention = state.attention.map((one) => (isAsked(one) ? { ...one, acknowledged } : one));
  }

  /**
   * New facts. Steps that used what changed, and steps that used what those brought, are undone and done again; the others stand.
   * The old facts stay in force until then, because what was done is undone by what it was done with.
   */
  private amend(event: ProcessEvent): Effect {
    const { state, process } = this;
    if (state.phase === 'new') return this.keepEarly(event);
    if (state.rejection) return 'recorded';
    if (state.cause) return this.miss(event);
    this.addRequester(event);
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

  /** It never comes into force: whoever reads the history must not take it for a fact. */
  private dropAmendment(): void {
    const { amendment } = this.state;
    if (!amendment) return;
    this.input!.detail = { ...this.input!.detail, dropped: amendment.messageIds };
    delete this.state.amendment;
  }

  /** An outcome of what an amendment has replaced: it names the id of a thing that this instance no longer means. */
  private isOfAnEarlierRevision({ payload }: ProcessEvent): boolean {
    const { assigned } = this.state.facts;
    return (
      this.state.revision !== undefined &&
      Object.entries(assigned).some(([field, id]) => field in payload && payload[field] !== id)
    );
  }

  /** It was taken before, mostly. What was refused then was taken for nothing, so nothing undid it. */
  private takeOfAnEarlierRevision(event: ProcessEvent, { direction, refusal: refused }: Outcome): Effect {
    const { state } = this;
    const unit = this.unitOf(event)!;
    const isSuccess = direction === 'forward' && !refused;
    const known = state.refusedBefore?.find(
      ({ unit: name, ids }) =>
        name === unit && Object.entries(ids).every(([field, id]) => (event.payload[field] ?? id) === id),
    );
    if (!isSuccess || !known) return 'repeated';
    state.refusedBefore = state.refusedBefore!.filter((other) => other !== known);
    return this.unexpected(
      event,
      `${event.type} is about what was amended since: it had been refused, and stands all the same; undo it in its own system`,
    );
  }

  /** An event that begins runs of steps: one run for each `by`, however often it comes. */
  private trigger(event: ProcessEvent): Effect | undefined {
    const { state, process } = this;
    const names = process.triggers.get(event.type);
    if (!names) return undefined;
    if (state.phase === 'new') return process.outcomes.has(event.type) ? undefined : this.keepEarly(event);
    if (state.rejection) return 'recorded';
    const fresh = names.map((name) => process.step(name)).filter((step) => !state.steps[unitId(step, event.payload)]);
    if (state.cause) return fresh.length > 0 ? this.miss(event) : 'recorded';
    for (const step of fresh)
      state.steps[unitId(step, event.payload)] = { status: 'waiting', item: pick(event.payload, step.repeat!.fields) };
    if (fresh.length === 0) return 'repeated';
    if (state.phase === 'ended') state.phase = 'forward';
    delete state.endedAt;
    return 'triggered';
  }

  /** It changes nothing while the instance turns back; whoever lets it stand after all must know of it. */
  private miss({ type, messageId }: Pick<ProcessEvent, 'type' | 'messageId'>): Effect {
    const { cancelledBy } = this.process;
    const missed = [...(this.state.missed ?? []), { type, messageId }];
    const cancellations = missed.filter((one) => cancelledBy.has(one.type)).slice(0, 1);
    const others = missed.filter((one) => !cancelledBy.has(one.type)).slice(1 - MISSED_AT_MOST);
    this.state.missed = [...cancellations, ...others];
    return 'recorded';
  }

  private moving(event: ProcessEvent): Effect {
    const unit = this.state.steps[this.unitOf(event)!];
    if (unit?.status !== 'commanded' && unit?.status !== 'awaited') return 'recorded';
    const { timeout } = this.process.step(this.process.progress.get(event.type)!);
    const { overdueSince, ...execution } = unit.execution!;
    unit.execution = { ...execution, progress: event.type, dueAt: this.process.later(this.now, timeout!) };
    return 'progress';
  }

  private forwardOutcome(event: ProcessEvent, { step: name, refusal: refused }: Outcome): Effect {
    const { state } = this;
    const step = this.process.step(name);
    const id = unitId(step, event.payload);
    if (step.repeat && !state.steps[id]) return this.withoutRun(event, step);
    // A version that comes before the start may know no such step: no unit is made of it until then.
    if (state.phase === 'new' && !state.steps[id]) return this.keepEarly(event);
    const unit = this.unit(id);
    const mayStillCommand = state.phase !== 'compensating' && state.phase !== 'ended';
    if (unit.status === 'waiting' && (mayStillCommand || state.rejection !== undefined)) {
      this.keepEarly(event);
      return state.rejection
        ? this.unexpected(event, `${event.type} came although the instance never started`)
        : 'early';
    }
    if (unit.status === 'commanded' || unit.status === 'awaited' || unit.status === 'retrying') {
      if (refused && unit.status === 'retrying') return 'repeated';
      if (!refused) this.done(event, id);
      return refused ? this.refuse({ ...reference(event), ...refusal(event) }, id, this.outcome(event)) : 'step-done';
    }
    const neverStood: StepStatus[] = ['refused', 'skipped', 'waiting', 'not-needed'];
    if (refused) {
      // Nothing of it stands, and nothing was to stand: no contradiction.
      if (neverStood.includes(unit.status)) return 'repeated';
      return this.unexpected(event, `${event.type} came after step ${id} had been done`);
    }
    if (!neverStood.includes(unit.status)) return 'repeated';
    if (!state.cause && (unit.skipped || unit.status === 'not-needed')) {
      // It was not needed, and now it stands: part of the way from here on, and undone with the rest.
      this.done(event, id);
      return 'late';
    }
    this.done(event, id);
    if (state.phase === 'ended') state.phase = 'compensating';
    delete state.endedAt;
    return 'late';
  }

  /** An outcome of a repeated step of which there is no such run: not yet, or never. */
  private withoutRun(event: ProcessEvent, { name, repeat }: CompiledStep): Effect {
    const { state } = this;
    const run = event.payload[repeat!.by] as string | null | undefined;
    if ((state.phase === 'new' || state.rejection) && this.process.triggers.has(event.type))
      return this.keepEarly(event);
    // It came about without us, for example made by a person in its own system.
    if (run === null || run === undefined) return 'recorded';
    const mayCome = repeat!.on !== undefined && state.phase !== 'compensating' && !state.cause;
    if (state.phase === 'new' || state.rejection || mayCome) return this.keepEarly(event);
    return this.unexpected(event, `${event.type} names ${repeat!.by} ${run}, which step ${name} does not have`);
  }

  private done(event: ProcessEvent, id: string): void {
    const unit = this.unit(id);
    const { state } = this;
    const step = stepOf(this.process, id);
    const { reason, field, message, retryAt, ...execution } = unit.execution ?? {
      ...(step.command && { command: step.command.type }),
    };
    unit.execution = { ...execution, ...this.outcome(event) };
    if (!step.repeat) state.facts.steps[step.name] = pick(event.payload, step.facts);
    else if (step.facts.size > 0) unit.item = { ...unit.item, ...pick(event.payload, step.facts) };
    delete unit.skipped;
    unit.status = unit.undone ? 'compensated' : 'done';
    if (!unit.undone) state.completed.push(id);
  }

  private refuse(cause: Omit<Cause, 'at' | 'step'>, id: string, outcome: Partial<Execution>): Effect {
    const { state } = this;
    const step = stepOf(this.process, id);
    const unit = this.unit(id);
    const { type, messageId, ...said } = cause;
    unit.execution = { ...unit.execution, ...outcome, ...said };
    const attempts = unit.execution.attempts ?? 1;
    const mayRetry =
      step.retry &&
      state.phase === 'forward' &&
      attempts < step.retry.attempts &&
      (step.retry.reasons.length === 0 || step.retry.reasons.includes(said.reason ?? ''));
    if (mayRetry) {
      unit.status = 'retrying';
      unit.execution.retryAt = this.process.later(this.now, step.retry!.every);
      return 'step-retrying';
    }
    unit.status = 'refused';
    // What an amendment does again anyhow is no reason to turn back.
    const isDoneAgain = state.phase === 'amending' && state.amendment!.steps.includes(step.name);
    if (step.onRefusal === 'stop' || state.cause || isDoneAgain) return 'step-refused';
    state.cause = { type, messageId, ...said, at: this.now, step: id };
    state.phase = 'compensating';
    this.dropAmendment();
    return 'step-refused';
  }

  private compensationOutcome(event: ProcessEvent, { step: name, refusal: refused }: Outcome): Effect {
    const step = this.process.step(name);
    const id = unitId(step, event.payload);
    if (step.repeat && !this.state.steps[id]) return this.withoutRun(event, step);
    const unit = this.unit(id);
    const asked = unit.status === 'compensating' || unit.status === 'compensation-refused';
    if (asked && refused) {
      unit.status = 'compensation-refused';
      unit.compensation = { ...unit.compensation!, ...this.outcome(event), ...refusal(event) };
      if (step.undoneFirst) this.askWhatStands(event, id);
      return 'compensation-refused';
    }
    if (asked) {
      this.undo(event, unit, name);
      return 'step-compensated';
    }
    if (unit.status === 'compensated') return 'repeated';
    if (!refused && this.process.cancelledBy.has(event.type)) return this.undoneElsewhere(event, unit, name);
    return this.unexpected(event, `${event.type} came although step ${id} was not being undone`);
  }

  /** Says what a person can choose where what is undone first could not be. */
  private askWhatStands(event: ProcessEvent, id: string): void {
    const { process, state } = this;
    const { message = 'no reason was given.' } = refusal(event);
    const choices = [
      ...(whyNot(process, state, 'keep', undefined) ? [] : ['keep the deal as it was, for nothing else was undone']),
      state.cause
        ? `skip ${id}, so that it stands with what it stands on, and the rest is undone`
        : 'cancel the deal; the amendment would do it a second time',
    ];
    this.attend('not-undone', event, `Step ${id} could not be undone: ${message} Now ${choices.join('; or ')}.`);
  }

  /** A person undid it in its own system: that is a cancellation, and this step needs no compensation any more. */
  private undoneElsewhere(event: ProcessEvent, unit: UnitState, name: string): Effect {
    if (unit.status === 'done') this.undo(event, unit, name);
    else if (unit.status === 'waiting' || unit.status === 'commanded' || unit.status === 'awaited') unit.undone = true;
    return this.cancel(event);
  }

  private undo(event: ProcessEvent, unit: UnitState, name: string): void {
    const command = this.process.step(name).compensation?.type ?? '';
    const { reason, field, message, ...execution } = unit.compensation ?? { command };
    unit.status = 'compensated';
    unit.compensation = { ...execution, ...this.outcome(event) };
  }

  private decided({ id, unit: name, verdict, by, reason }: DecisionInput): Effect {
    const unit = this.state.steps[name];
    if (unit?.status !== 'deciding') return 'repeated';
    const outcome: Partial<Execution> = { outcome: verdict, outcomeAt: this.now, by };
    if (verdict === 'rejected') {
      const said = { reason: 'rejected', by, ...(reason && { message: reason }) };
      return this.refuse({ type: 'decision:rejected', messageId: id, ...said }, name, outcome);
    }
    unit.execution = { ...unit.execution, ...outcome, ...(reason && { message: reason }) };
    unit.status = 'done';
    this.state.completed.push(name);
    return 'step-done';
  }

  private control(input: ControlInput): Effect {
    const { state, process } = this;
    const { action, unit } = input;
    const open = this.openAndSeen(input);
    const refusedBecause =
      whyNot(process, state, action, unit) ??
      (action === 'acknowledge' ? whyNotSeen(input, open) : this.whyNotFacts(input));
    if (refusedBecause !== undefined)
      throw new ProcessError(
        'PROCESS_ACTION_REFUSED',
        `${action} is not possible for ${process.name} ${state.key}/${state.occurrence}: ${refusedBecause}.`,
      );
    const effect = this.act(input);
    this.acknowledge(input, open);
    return effect;
  }

  /** Entries are only ever added at the end, so a number says which of them were there. */
  private openAndSeen({ action, seen = 0 }: ControlInput): Attention[] {
    return this.state.attention.filter((one, index) => isOpen(one) && (action !== 'acknowledge' || index < seen));
  }

  /** Who answers what was asked has looked at it. */
  private acknowledge({ action, by, reason }: ControlInput, open: Attention[]): void {
    const answers = ANSWERING.has(action);
    const isMeant = (one: Attention): boolean => {
      if (action === 'acknowledge') return true;
      if (one.code === 'earlier-stands') return action === 'resume' || action === 'cancel';
      if (one.code === LACKING) return answers || action === 'repair';
      return answers && ASKING.has(one.code) && !this.isAnyStuck();
    };
    const acknowledged = { by, reason, at: this.now };
    this.state.attention = this.state.attention.map((one) =>
      open.includes(one) && isMeant(one) ? { ...one, acknowledged } : one,
    );
  }

  private isAnyStuck(): boolean {
    const { process, state } = this;
    return Object.entries(state.steps).some(
      ([id, unit]) =>
        isStuck(process, state, id, unit) ||
        (unit.status === 'kept' && !unit.skipped && stepOf(process, id).irreversible),
    );
  }

  private act({ action, by, reason, unit, id, facts }: ControlInput): Effect {
    const { state, now: at } = this;
    switch (action) {
      case 'pause':
        state.paused = { by, reason, at };
        return 'paused';
      case 'resume':
        delete state.paused;
        return 'resumed';
      case 'cancel':
        delete state.paused;
        return this.turnBack({ type: 'control:cancel', messageId: id, at, by, message: reason });
      case 'keep':
        this.keep();
        return 'kept';
      case 'repair':
        this.putRight(facts!);
        return 'repaired';
      case 'acknowledge':
        return 'acknowledged';
      case 'retry':
        if (this.unit(unit!).status === 'compensation-refused') this.unit(unit!).status = 'done';
        else this.commandAgain(unit!);
        return 'step-retried';
      case 'skip':
        if (facts) this.putRight(facts);
        this.skip(unit!, { by, reason, at });
        return 'step-skipped';
    }
  }

  /** Facts must be those that the definition uses; and a skipped step must leave nobody without what it would have brought. */
  private whyNotFacts({ action, unit, facts }: ControlInput): string | undefined {
    const { process, state } = this;
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
    const wrong = this.wrongTypes(facts ?? {});
    if (wrong.length > 0) return wrong.join('; ');
    const decided = this.checkpointsOn(Object.keys(facts?.start ?? {}), Object.keys(facts?.steps ?? {}));
    if (decided.length > 0)
      return `${decided.join(' and ')} was decided on it; change it where it comes from, so that people are asked again`;
    if (action !== 'skip' || state.phase !== 'forward') return undefined;
    const step = stepOf(process, unit!);
    const given = { ...state.facts.steps[step.name], ...facts?.steps?.[step.name] };
    const missing = [...step.facts].filter((field) => !(field in given));
    const isUsed = process.steps.some(
      (later) =>
        later.uses.steps.has(step.name) && unitsOf(state, later).some(([, { status }]) => status === 'waiting'),
    );
    if (!isUsed || step.repeat || missing.length === 0) return undefined;
    return `later steps need ${missing.map((field) => `${step.name}.${field}`).join(', ')}; give them as facts`;
  }

  /** Facts that no event could have told, each with what is expected of it. */
  private wrongTypes({ start = {}, steps = {} }: NonNullable<ControlInput['facts']>): string[] {
    const given = [
      ...Object.entries(start).map(([field, value]) => ({ step: undefined, field, value })),
      ...Object.entries(steps).flatMap(([step, facts]) =>
        Object.entries(facts).map(([field, value]) => ({ step, field, value })),
      ),
    ];
    return given.flatMap(({ step, field, value }) => {
      const types = this.process.typesOf(step, field);
      const told = types.map((type) => whyNotOfType(type, value, `${step ?? 'start'}.${field}`));
      return told.length === 0 || told.includes(undefined) ? [] : told[0]!;
    });
  }

  /** Checkpoints that were decided, or found not needed, by one of these facts: a repair must not go around them. */
  private checkpointsOn(fields: string[], names: string[]): string[] {
    const { process, state } = this;
    return process.steps
      .filter(
        ({ checkpoint, uses }) =>
          checkpoint && (fields.some((field) => uses.start.has(field)) || names.some((name) => uses.steps.has(name))),
      )
      .filter((step) => unitsOf(state, step).some(([, { status }]) => status !== 'waiting' && status !== 'skipped'))
      .map(({ name }) => name);
  }

  private putRight(facts: NonNullable<ControlInput['facts']>): void {
    const { facts: known, attributes } = this.state;
    known.start = { ...known.start, ...facts.start };
    this.state.attributes = { ...attributes, ...pick(facts.start ?? {}, this.process.attributes) };
    const { amendment } = this.state;
    if (amendment && facts.start) {
      amendment.start = { ...amendment.start, ...facts.start };
      amendment.attributes = { ...amendment.attributes, ...pick(facts.start, this.process.attributes) };
    }
    for (const [step, given] of Object.entries(facts.steps ?? {}))
      known.steps[step] = { ...known.steps[step], ...given };
    this.goOnWhereLacking();
  }

  /** What could not be commanded for want of a fact is due again. */
  private goOnWhereLacking(): void {
    for (const unit of Object.values(this.state.steps)) {
      if (unit.status === 'compensation-refused' && unit.compensation?.reason === LACKING) unit.status = 'done';
      if (unit.status !== 'refused' || unit.execution?.reason !== LACKING || this.state.phase !== 'forward') continue;
      unit.status = 'waiting';
      delete unit.execution;
    }
  }

  private skip(id: string, skipped: NonNullable<UnitState['skipped']>): void {
    const unit = this.unit(id);
    unit.skipped = skipped;
    if (unit.status === 'kept') return;
    const stands = unit.status === 'compensation-refused';
    unit.status = stands ? 'kept' : 'skipped';
    const { undoneFirst, after } = stepOf(this.process, id);
    if (stands && undoneFirst) this.keepBefore(after, { ...skipped, reason: `${id} stands on it: ${skipped.reason}` });
  }

  /** What cannot be undone needs what it was made from: goods that have left, their order. */
  private keepBefore(names: string[], skipped: NonNullable<UnitState['skipped']>): void {
    for (const step of names.map((name) => this.process.step(name))) {
      for (const [, unit] of unitsOf(this.state, step))
        if (unit.status === 'done') Object.assign(unit, { status: 'kept', skipped });
      this.keepBefore(step.after, skipped);
    }
  }

  /** Lets everything stand as it was before the instance turned back, and goes on from there. */
  private keep(): void {
    const { state } = this;
    for (const missed of state.missed ?? [])
      this.attend(
        'unexpected-event',
        missed,
        `${missed.type} came while it turned back, and was not taken: see to it now`,
      );
    delete state.missed;
    delete state.cause;
    this.dropAmendment();
    for (const unit of Object.values(state.steps)) {
      if (unit.status === 'compensation-refused' || unit.status === 'kept') unit.status = 'done';
      // It was let go only because the instance turned back.
      if (unit.status === 'skipped' && !unit.skipped) unit.status = 'waiting';
    }
    state.phase = 'forward';
  }

  private keepEarly(event: ProcessEvent): Effect {
    this.state.early.push(event);
    return 'early';
  }

  private unexpected(event: ProcessEvent, message: string): Effect {
    this.attend('unexpected-event', event, message);
    if (this.process.unexpected === 'pause' && this.state.phase !== 'new' && this.state.phase !== 'ended')
      this.state.paused ??= { by: 'process', reason: message, at: this.now };
    return 'unexpected';
  }

  private attend(code: Attention['code'], about: { type: string; messageId: string }, message: string): void {
    const { type, messageId } = about;
    this.state.attention.push({ code, type, messageId, at: this.now, message });
  }

  private advance(): void {
    const { state } = this;
    if (state.paused) return;
    if (state.phase === 'amending') this.goBackTo(state.amendment!);
    if (state.phase === 'forward') this.goForward();
    if (state.phase === 'compensating') this.goBack();
  }

  private goForward(): void {
    const { state, process } = this;
    for (const step of process.steps) {
      for (const [id, unit] of readyUnits(process, state, step)) {
        if (unit.status === 'waiting') this.begin(step, id, unit);
        if (state.phase !== 'forward') return;
      }
    }
    const isSettled = Object.values(state.steps).every(({ status }) => SETTLED.has(status));
    if (isSettled) this.end();
  }

  private begin(step: CompiledStep, id: string, unit: UnitState): void {
    const facts: Facts = {
      start: this.state.facts.start,
      steps: this.state.facts.steps,
      ...(unit.item && { item: unit.item }),
    };
    if (step.when) {
      unit.condition = step.when.evaluate(facts);
      this.asked.push(...unit.condition.policies);
      if (!unit.condition.value) {
        unit.status = 'not-needed';
        this.takeEarly(id);
        return;
      }
    }
    if (step.checkpoint) this.ask(step, id, unit, facts);
    else if (step.command) this.send(step, id, 'forward', step.command);
    else this.await(step, id, unit);
    this.takeEarly(id);
  }

  private ask(step: CompiledStep, id: string, unit: UnitState, facts: Facts): void {
    const { process, state, now } = this;
    const { name, policy, due } = step.checkpoint!;
    const { value, policies } = policy.evaluate(facts);
    this.asked.push(...policies);
    unit.status = 'deciding';
    unit.policy = value;
    const dueAt = due && process.later(now, due);
    unit.execution = { commandedAt: now, ...(dueAt && { dueAt }), ...this.slaOf(step) };
    const shown = Object.fromEntries(
      policy.reads.map((read) =>
        read.from === 'step'
          ? [`${read.step}.${read.field}`, state.facts.steps[read.step]?.[read.field]]
          : [read.field, state.facts.start[read.field]],
      ),
    );
    this.tasks.opened.push({
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

  private await(step: CompiledStep, id: string, unit: UnitState): void {
    unit.status = 'awaited';
    unit.execution = {
      commandedAt: this.now,
      dueAt: this.process.later(this.now, step.timeout!),
      ...this.slaOf(step),
    };
  }

  private slaOf({ sla }: CompiledStep): Pick<Execution, 'slaDueAt'> {
    return sla ? { slaDueAt: this.process.later(this.now, sla) } : {};
  }

  /** What came early is due now: the first outcome of this unit ends it, as if it had just come. */
  private takeEarly(id: string): void {
    if (this.state.early.length === 0) return;
    const isOutcome = (event: ProcessEvent) => this.process.outcomes.has(event.type) && this.unitOf(event) === id;
    const due = this.state.early.filter(isOutcome);
    this.state.early = this.state.early.filter((event) => !isOutcome(event));
    for (const event of due)
      if (!this.isOfAnEarlierRevision(event)) this.forwardOutcome(event, this.process.outcomes.get(event.type)!);
  }

  private goBack(): void {
    const { state, process } = this;
    for (const event of state.early.splice(0)) {
      const outcome = process.outcomes.get(event.type);
      if (outcome?.direction === 'forward') this.forwardOutcome(event, outcome);
    }
    this.awaitWhatFollows(process.steps);
    for (const [id, unit] of Object.entries(state.steps)) this.leave(id, unit, 'the instance was cancelled');
    if (!this.undoLast(Object.keys(state.steps))) return;
    for (const unit of Object.values(state.steps)) if (unit.status === 'waiting') unit.status = 'skipped';
    this.end();
  }

  /**
   * What another process does because of steps that are done is under way, whether this one wants it still or not: it is awaited, so that it
   * is undone before what it stands on.
   */
  private awaitWhatFollows(steps: CompiledStep[]): void {
    for (const step of steps) {
      if (step.command || step.checkpoint || step.when || !step.compensation || step.after.length === 0) continue;
      if (!step.after.every((name) => this.stands(name))) continue;
      for (const [id, unit] of unitsOf(this.state, step)) {
        if (unit.status !== 'waiting' || unit.undone) continue;
        this.await(step, id, unit);
        this.takeEarly(id);
      }
    }
  }

  /** A step and all before it are passed, and nothing of them was undone: a person may have undone the order itself. */
  private stands(name: string): boolean {
    const step = this.process.step(name);
    const isPassed = ({ status, skipped }: UnitState): boolean =>
      status === 'done' || status === 'not-needed' || skipped !== undefined;
    return (
      unitsOf(this.state, step).every(([, unit]) => isPassed(unit)) && step.after.every((before) => this.stands(before))
    );
  }

  /** Ends what has no effect yet: a decision nobody needs any more, a pause before asking again, an event that would undo nothing. */
  private leave(id: string, unit: UnitState, reason: string): void {
    const hasNothingToUndo = unit.status === 'awaited' && !stepOf(this.process, id).compensation;
    if (unit.status === 'deciding') this.tasks.closed.push({ unit: id, reason });
    if (unit.status === 'deciding' || unit.status === 'retrying' || hasNothingToUndo) unit.status = 'skipped';
  }

  /**
   * Undoes what was done last among these units, after what is to be undone first; true when nothing of them stands or is under way.
   */
  private undoLast(ids: string[]): boolean {
    const { state, process } = this;
    for (;;) {
      if (ids.some((id) => BUSY.has(this.unit(id).status))) return false;
      const standing = state.completed.filter((done) => ids.includes(done) && this.unit(done).status === 'done');
      const id = standing.findLast((done) => this.isUndoneFirst(done)) ?? standing.at(-1);
      if (id === undefined) return true;
      const step = stepOf(process, id);
      if (step.compensation) this.send(step, id, 'compensation', step.compensation);
      else this.unit(id).status = 'kept';
      if (!step.irreversible) continue;
      const about = state.cause ?? this.input!;
      const choices = state.cause
        ? 'Settle it outside, then skip it with the reason.'
        : 'An amendment would do it a second time: keep the deal as it was, or cancel it.';
      this.attend('irreversible', about, `Step ${id} cannot be undone. ${choices}`);
      if (!state.cause) return false;
    }
  }

  /** An obstacle is met before anything is touched: nothing is amended around what cannot be undone. */
  private isUndoneFirst(id: string): boolean {
    const { undoneFirst, irreversible } = stepOf(this.process, id);
    return undoneFirst !== undefined || (irreversible && !this.state.cause);
  }

  /** Undoes the steps that used what changed; when nothing of them stands, the new facts are in force and they begin again. */
  private goBackTo({ start, attributes, steps }: Amendment): void {
    const { state, process } = this;
    const affected = steps.map((name) => process.step(name));
    const ids = affected.flatMap((step) => unitsOf(state, step).map(([id]) => id));
    this.awaitWhatFollows(affected);
    for (const id of ids) this.leave(id, this.unit(id), 'the deal was amended');
    if (ids.some((id) => isStuck(process, state, id, this.unit(id)))) return;
    if (!this.undoLast(ids)) return;
    state.revision = (state.revision ?? 0) + 1;
    const refused = ids.filter((id) => this.unit(id).status === 'refused' || this.unit(id).skipped);
    if (refused.length > 0)
      state.refusedBefore = [
        ...(state.refusedBefore ?? []),
        ...refused.map((unit) => ({ unit, ids: state.facts.assigned })),
      ];
    state.completed = state.completed.filter((id) => !ids.includes(id));
    for (const id of ids) delete state.steps[id];
    // What came before its time was an answer to the old facts.
    const isOld = (event: ProcessEvent): boolean =>
      this.process.outcomes.has(event.type) && ids.includes(this.unitOf(event) ?? '');
    for (const event of state.early.filter(isOld))
      this.attend('unexpected-event', event, `${event.type} came before its time, and the deal was amended since`);
    state.early = state.early.filter((event) => !isOld(event));
    for (const name of steps) delete state.facts.steps[name];
    state.facts.start = start;
    state.attributes = attributes;
    this.assignIds([...process.assigned].filter(([, step]) => steps.includes(step)).map(([field]) => field));
    delete state.amendment;
    this.unfold(affected);
    // Asked for again when what it stands on is there again.
    for (const [id, unit] of Object.entries(state.steps))
      if (unit.status === 'retrying' && waitsFor(process, state, stepOf(process, id))) unit.status = 'waiting';
    state.phase = 'forward';
  }

  private end(): void {
    const { state, now } = this;
    state.phase = 'ended';
    state.endedAt = now;
    // What comes after an end in time, a return or an amendment, breaks no promise about the first one.
    if (state.slaDueAt && !state.slaBreachedAt && now <= state.slaDueAt) state.slaKeptAt ??= now;
  }

  private commandAgain(id: string): void {
    const step = stepOf(this.process, id);
    const { attempts = 1, slaDueAt, slaBreachedAt } = this.unit(id).execution ?? {};
    this.send(step, id, 'forward', step.command!);
    // The time that was promised runs from the first attempt, however often it takes.
    if (this.unit(id).status !== 'commanded') return;
    Object.assign(this.unit(id).execution!, {
      attempts: attempts + 1,
      ...(slaDueAt && { slaDueAt }),
      ...(slaBreachedAt && { slaBreachedAt }),
    });
  }

  private send(step: CompiledStep, id: string, direction: Command['direction'], command: CompiledCommand): void {
    const unit = this.unit(id);
    const payload: Record<string, unknown> = {};
    for (const [field, source] of command.fields) {
      const value = this.fact(source, unit);
      const mayBeNull = command.nullable.get(field);
      if (value === undefined ? mayBeNull !== true : value === null && mayBeNull === false)
        return this.lack(id, direction, command.type, field, source);
      payload[field] = value ?? null;
    }
    this.commands.push({ type: command.type, payload, step: id, direction });
    const execution: Execution = {
      command: command.type,
      commandedAt: this.now,
      dueAt: this.process.later(this.now, command.timeout),
      ...(direction === 'forward' && this.slaOf(step)),
    };
    unit.status = direction === 'forward' ? 'commanded' : 'compensating';
    unit[direction === 'forward' ? 'execution' : 'compensation'] = execution;
  }

  /** Stops the instance at what cannot be commanded, because nobody has told what it needs. */
  private lack(id: string, direction: Command['direction'], command: string, field: string, source: Source): void {
    const unit = this.unit(id);
    const from = source.from === 'step' ? `${source.step}.` : `${source.from}.`;
    const where = 'field' in source ? from + source.field : source.from;
    const message = `${command}.${field} needs ${where}, and no event has told it: repair it, then this goes on.`;
    const execution: Execution = { command, attempts: 0, outcomeAt: this.now, reason: LACKING, field, message };
    unit.status = direction === 'forward' ? 'refused' : 'compensation-refused';
    unit[direction === 'forward' ? 'execution' : 'compensation'] = execution;
    this.attend(LACKING, this.input ?? this.history.at(-1)!, message);
  }

  private fact(source: Source, { item }: UnitState): unknown {
    const { facts, cause } = this.state;
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
        return (this.process.step(source.step).repeat ? item : facts.steps[source.step])?.[source.field];
    }
  }

  private unit(id: string): UnitState {
    return (this.state.steps[id] ??= { status: 'waiting' });
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

function whyNotSeen({ seen }: ControlInput, open: Attention[]): string | undefined {
  if (seen === undefined) return 'it is not said how many entries of its attention were seen';
  return open.length === 0 ? 'what is left of it came after what was seen' : undefined;
}

/** Why a step could not be commanded: nobody has told a fact that it needs. */
const LACKING = 'fact-missing';
/** Actions by which a person answers what was put before them, and what asks for one. */
const ANSWERING: ReadonlySet<Action> = new Set(['keep', 'skip', 'retry']);
const ASKING: ReadonlySet<Attention['code']> = new Set(['irreversible', 'not-undone']);

/** Under way, or in need of a person: nothing is undone beside it. */
const BUSY: ReadonlySet<StepStatus> = new Set(['commanded', 'awaited', 'compensating', 'compensation-refused']);
/** Nothing more is to come of it on the way forward. */
const SETTLED: ReadonlySet<StepStatus> = new Set(['done', 'not-needed', 'skipped', 'compensated', 'kept']);

/**
 * The id of a thing that an instance makes. One closing may have several instances of a process, by their keys; and what is made anew
 * after an amendment is another thing.
 */
export function assignedId({ assignId }: Process, { correlationId, key, revision }: State, field: string): string {
  const suffix = revision ? `/revision-${revision}` : '';
  return assignId(correlationId, `${key}/${field}${suffix}`);
}

/** Of the entry that says that the promise for the whole was broken: one for each moment that was promised. */
export const slaBreachId = (dueAt: string): string => `timer:sla:${dueAt}`;

/** How the systems name what an event is about. */
export function externalIdsOf(event: ProcessEvent): ExternalId[] {
  return Array.isArray(event.payload.externalIds) ? (event.payload.externalIds as ExternalId[]) : [];
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

const reference = ({ type, messageId }: ProcessEvent) => ({ type, messageId });

function refusal({ payload }: ProcessEvent): Pick<Execution, 'reason' | 'field' | 'message'> {
  const { reason, field, message } = payload as Record<string, string | null | undefined>;
  return { ...(reason && { reason }), ...(field && { field }), ...(message && { message }) };
}

function pick(payload: Record<string, unknown>, fields: Iterable<string>): Record<string, unknown> {
  return Object.fromEntries([...fields].filter((field) => field in payload).map((field) => [field, payload[field]]));
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
