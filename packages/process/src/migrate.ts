import { decide, slaBreachId } from './decide.js';
import { pick } from './decide/event-parts.js';
import type { ControlInput, Decision, MigrationInput } from './decide/input.js';
import { assignedId } from './decide/start.js';
import { ProcessError } from './errors.js';
import { mapSteps, outcomesOf, type StepMapping } from './map-steps.js';
import type { Facts, FactReference } from './policies.js';
import type { CompiledCommand, CompiledStep, Process, Source } from './process.js';
import type { Effect, State, StepStatus, UnitState } from './state.js';
import { stepOf, unitId, unitsOf } from './units.js';

/** An input as the history keeps it: for good, with its payload. */
export interface RecordedEvent {
  messageId: string;
  type: string;
  effect: string;
  payload: Record<string, unknown> | null;
  /** Of what a person did: with which facts. Of any: which amendments were dropped by it. */
  detail?: Record<string, unknown> | null;
  /** When it was taken. */
  recordedAt: Date;
}

/**
 * Makes the state of an instance one of another version of its process, or says why that is not safe.
 *
 * What stands or is under way must mean the same in the new version: the same command, outcomes and compensation, undone with the same
 * values; nothing new may belong before what has begun; and every fact that the new version needs must have been recorded, be it
 * that the old one did not keep it. Pure; `state` is not changed.
 *
 * @param history every input of the instance, in the order in which it was taken
 */
export function migrateState(
  from: Process,
  to: Process,
  state: State,
  history: readonly RecordedEvent[],
  mapping: StepMapping = mapSteps(from, to, {}),
): { state: State } | { refused: string } {
  try {
    return { state: new Migration(from, to, state, history, mapping).run() };
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.message };
    throw error;
  }
}

/**
 * Migrates an instance and lets it go on: what is due in the new version is sent at once.
 *
 * @throws PROCESS_MIGRATION_REFUSED with the reason
 */
export function migrateInstance(
  from: Process,
  to: Process,
  mapping: StepMapping,
  state: State,
  history: readonly RecordedEvent[],
  input: MigrationInput,
  now: string,
): Decision {
  const migrated = migrateState(from, to, state, history, mapping);
  const refused = (why: string, options?: ErrorOptions): ProcessError =>
    new ProcessError('PROCESS_MIGRATION_REFUSED', `${state.key}/${state.occurrence} stays: ${why}.`, options);
  if ('refused' in migrated) throw refused(migrated.refused);
  try {
    return decide(to, migrated.state, input, now);
  } catch (cause) {
    // What would begin there cannot: a condition or a policy cannot be told.
    throw refused((cause as Error).message, { cause });
  }
}

/** Why one instance cannot be migrated. */
class Refusal extends Error {}

/** Nothing of it stands, and nothing is under way. */
const WITHOUT_EFFECT: ReadonlySet<StepStatus> = new Set(['waiting', 'not-needed', 'skipped', 'refused', 'compensated']);
/** An answer to its command, or to an event it waits for, is still to come. */
const AWAITING: ReadonlySet<StepStatus> = new Set(['commanded', 'awaited', 'retrying']);
const UNDOING: ReadonlySet<StepStatus> = new Set(['compensating', 'compensation-refused']);
/** Where a step that waits for this one may have begun. */
const PASSED: ReadonlySet<StepStatus> = new Set(['done', 'not-needed', 'skipped', 'kept']);
/** Its command is sent, or sent again. */
const TO_COME: ReadonlySet<StepStatus> = new Set(['waiting', 'retrying', 'refused']);

/** What may have ended an amendment before it came into force. */
const MAY_DROP: ReadonlySet<string> = new Set(['cancelled', 'kept', 'step-refused'] satisfies Effect[]);

/** With these a person may give facts. */
const REPAIRING: ReadonlySet<string> = new Set(['repaired', 'step-skipped'] satisfies Effect[]);

const repairOf = ({ detail }: RecordedEvent): NonNullable<ControlInput['facts']> =>
  (detail?.['facts'] as ControlInput['facts']) ?? {};

class Migration {
  private readonly version: string;
  /** Ids of amendments that never came into force. */
  private dropped: ReadonlySet<string>;

  constructor(
    private readonly from: Process,
    private readonly to: Process,
    private readonly before: State,
    private readonly history: readonly RecordedEvent[],
    private readonly mapping: StepMapping,
  ) {
    this.version = `version ${to.version}`;
    this.dropped = new Set(history.flatMap(({ detail }) => (detail?.['dropped'] as string[] | undefined) ?? []));
  }

  run(): State {
    const { before } = this;
    // It follows the newest version anyhow, or there is nothing of it.
    if (before.phase === 'new' || before.rejection) return before;
    if (before.phase === 'amending') throw new Refusal('it is being amended; migrate it when that is settled');
    this.dropped = new Set([...this.dropped, ...this.droppedUnmarked()]);
    const steps = this.mapUnits();
    const { cause, slaBreachedAt, slaDueAt, ...same } = before;
    const next: State = {
      ...same,
      steps,
      completed: before.completed
        .map((id) => this.newId(id))
        .filter((id) => id !== undefined && id in steps) as string[],
      facts: { start: this.startFacts(), steps: {}, assigned: this.assignedIds() },
      attributes: { ...pick(this.started(), this.to.attributes), ...pick(before.attributes, this.to.attributes) },
      ...this.requesters(),
      ...(cause && { cause: { ...cause, ...(cause.step && { step: this.newId(cause.step) ?? cause.step }) } }),
      ...this.promise(),
    };
    next.facts.steps = this.stepFacts(next);
    this.checkEarly(next);
    this.unfold(next);
    this.fillItems(next);
    if (!next.cause) {
      this.askConditionsAgain(next);
      this.checkOrder(next);
      this.checkAwaited(next);
    }
    this.checkOpenDecisions(next);
    this.checkFacts(next);
    this.checkUndoing(next);
    return next;
  }

  /** What a step of the old version is called in the new one; undefined where there is none. */
  private newName(name: string): string | undefined {
    return this.mapping.renamed[name] ?? (this.mapping.same.includes(name) ? name : undefined);
  }

  private newId(id: string): string | undefined {
    const { name } = stepOf(this.from, id);
    const renamed = this.newName(name);
    return renamed === undefined ? undefined : renamed + id.slice(name.length);
  }

  private mapUnits(): State['steps'] {
    const steps: State['steps'] = {};
    for (const [id, unit] of Object.entries(this.before.steps)) {
      const old = stepOf(this.from, id);
      const newId = this.newId(id);
      // A person's approval binds nobody any more where nothing asks for it.
      const isGoneForGood = WITHOUT_EFFECT.has(unit.status) || (unit.status === 'done' && old.checkpoint !== undefined);
      if (newId === undefined && !isGoneForGood)
        throw new Refusal(
          `step ${id} is ${unit.status}, and ${this.version} has no such step that would answer for it`,
        );
      if (newId === undefined) continue;
      const target = stepOf(this.to, newId);
      const isRepeatedAlike = keyOf(old) === keyOf(target);
      // What has not begun begins as the new version says.
      if (unit.status === 'waiting' && !isRepeatedAlike) continue;
      if (unit.status !== 'waiting') this.checkMeaning(id, unit, old, target);
      steps[newId] = { ...unit };
    }
    return steps;
  }

  private checkMeaning(id: string, { status, execution }: UnitState, old: CompiledStep, target: CompiledStep): void {
    const { from, to, version } = this;
    const refuse = (why: string): never => {
      throw new Refusal(`step ${id} is ${status}, and in ${version} ${why}`);
    };
    if (keyOf(old) !== keyOf(target)) refuse('it is repeated in another way');
    if (status === 'not-needed' || status === 'skipped') return;
    if (kindOf(old) !== kindOf(target)) refuse(`it is ${kindOf(target)} instead of ${kindOf(old)}`);
    if (WITHOUT_EFFECT.has(status)) return;
    if (undoingOf(old) !== undoingOf(target))
      refuse(`its compensation is ${undoingOf(target)} instead of ${undoingOf(old)}`);
    const missing = (direction: 'forward' | 'compensation'): string[] => {
      const known = outcomesOf(to, target.name, direction);
      return outcomesOf(from, old.name, direction).filter((type) => !known.includes(type));
    };
    const unheard = AWAITING.has(status) ? missing('forward') : UNDOING.has(status) ? missing('compensation') : [];
    if (unheard.length > 0) refuse(`${unheard.join(' or ')} would not be taken as its answer`);
    const outcome = execution?.outcome;
    const isAnswered = status === 'done' && !old.checkpoint && outcome !== undefined;
    if (isAnswered && !outcomesOf(to, target.name).includes(outcome))
      refuse(`${outcome}, by which it was done, is no outcome of it`);
  }

  /** The event that started it, with all amendments since that came into force, and what people have put right. */
  private started(): Record<string, unknown> {
    const inForce = this.toldInOrder().filter(({ messageId }) => !this.dropped.has(messageId));
    const told = inForce.map((entry) => entry.payload ?? repairOf(entry).start ?? {});
    return Object.assign({}, ...told) as Record<string, unknown>;
  }

  /**
   * Releases before this one did not record which amendments never came into force. What the instance goes by since tells it, as far as the
   * amendment changed anything that the old version looks at.
   */
  private droppedUnmarked(): string[] {
    const { before, from, history } = this;
    const lastTurn = history.findLastIndex(({ effect, detail }) => MAY_DROP.has(effect) && !detail?.['dropped']);
    const entries = this.toldInOrder()
      .filter(({ messageId }) => !this.dropped.has(messageId))
      .map((entry) => ({ entry, payload: entry.payload ?? repairOf(entry).start ?? {} }));
    const dropped: string[] = [];
    let isAnyUnclear = false;
    let told: Record<string, unknown> = {};
    for (const [index, { entry, payload }] of entries.entries()) {
      const changed = (fields: Iterable<string>): string[] =>
        [...fields].filter((field) => field in payload && !isSame(payload[field], told[field]));
      const tracked = changed(from.startFacts);
      const agree = (facts: Record<string, unknown>, other: Record<string, unknown>): boolean =>
        tracked.every((field) => isSame(facts[field], other[field]));
      if (entry.effect === 'amended' && history.indexOf(entry) < lastTurn) {
        const isToldAgain = entries.slice(index + 1).some((later) => agree(later.payload, told));
        if (tracked.length > 0 && agree(before.facts.start, told) && !isToldAgain) {
          dropped.push(entry.messageId);
          continue;
        }
        // What changes nothing that is looked at is in force at once, unless it came beside one that was not.
        isAnyUnclear ||= tracked.length > 0 ? !agree(before.facts.start, payload) : dropped.length > 0;
        const [needed] = isAnyUnclear ? changed(this.takenFromHistory()) : [];
        if (needed !== undefined)
          throw new Refusal(
            `nobody has recorded whether ${entry.type} came into force before the instance turned back, and ${this.version} needs its ${needed}`,
          );
      }
      told = { ...told, ...payload };
    }
    return dropped;
  }

  /** Fields of the start event that the old version did not keep. */
  private takenFromHistory(): string[] {
    const { to, before } = this;
    return [
      ...[...to.startFacts].filter((field) => !(field in before.facts.start)),
      ...to.attributes.filter((field) => !(field in before.attributes)),
    ];
  }

  private toldInOrder(): RecordedEvent[] {
    const { to, from } = this;
    const taken = this.history.filter(
      ({ type, effect }) =>
        (type === to.starts && effect === 'started') ||
        (from.amendedBy.has(type) && (effect === 'amended' || effect === 'early')) ||
        REPAIRING.has(effect),
    );
    // An amendment that came before the start was taken with it.
    return taken.toSorted((a, b) => Number(b.type === to.starts) - Number(a.type === to.starts));
  }

  /** Who asked for it by what the new version looks at, also in vain, the latest last, beside those who are known. */
  private requesters(): Pick<State, 'requesters'> {
    const { requester } = this.to;
    const told = requester === undefined ? [] : this.toldInOrder().map(({ payload }) => payload?.[requester]);
    const named = [...(this.before.requesters ?? []), ...told].filter((who) => typeof who === 'string' && who !== '');
    const latest = named.filter((who, index) => named.lastIndexOf(who) === index) as string[];
    return latest.length > 0 && requester !== undefined ? { requesters: latest } : {};
  }

  /** What the instance goes by already (a person may have put it right) counts more than what was recorded. */
  private startFacts(): Record<string, unknown> {
    return { ...pick(this.started(), this.to.startFacts), ...pick(this.before.facts.start, this.to.startFacts) };
  }

  private assignedIds(): Record<string, string> {
    const { from, to, before, version } = this;
    const assigned = { ...before.facts.assigned };
    for (const [field, step] of to.assigned) {
      const assigner = from.assigned.get(field);
      if (assigner === undefined) {
        assigned[field] ??= assignedId(to, before, field);
      } else if (this.newName(assigner) !== step) {
        const isUsed = unitsOf(before, from.step(assigner)).some(([, { status }]) => !WITHOUT_EFFECT.has(status));
        if (isUsed)
          throw new Refusal(`${field} names what step ${assigner} made, and in ${version} step ${step} makes it`);
      }
    }
    return assigned;
  }

  private stepFacts(next: State): State['facts']['steps'] {
    const facts: State['facts']['steps'] = {};
    for (const old of this.from.steps) {
      const name = this.newName(old.name);
      const target = name === undefined ? undefined : this.to.step(name);
      if (!target || target.repeat || target.checkpoint) continue;
      const known = {
        ...this.outcomeOf(target, target.name, next),
        ...this.repairedFactsOf(old.name, target.name),
        ...this.before.facts.steps[old.name],
      };
      const isKept = this.before.facts.steps[old.name] !== undefined || next.steps[target.name]?.status === 'done';
      if (isKept) facts[target.name] = pick(known, target.facts);
    }
    return facts;
  }

  /** What people have put right of a step, by whichever name it had then; of the last time it was done. */
  private repairedFactsOf(...names: string[]): Record<string, unknown> {
    const lastAmended = this.history.findLastIndex(
      ({ effect, messageId }) => effect === 'amended' && !this.dropped.has(messageId),
    );
    const repairs = this.history.slice(lastAmended + 1).filter(({ effect }) => REPAIRING.has(effect));
    const facts = repairs.flatMap((entry) => names.map((name) => repairOf(entry).steps?.[name] ?? {}));
    return Object.assign({}, ...facts) as Record<string, unknown>;
  }

  /** The payload of the event by which a unit was done. */
  private outcomeOf(step: CompiledStep, id: string, next: State): Record<string, unknown> {
    const outcome = next.steps[id]?.execution?.outcome;
    const own = this.history.findLast(
      ({ type, effect, payload }) =>
        type === outcome &&
        payload !== null &&
        effect !== 'repeated' &&
        effect !== 'unexpected' &&
        unitId(step, payload) === id,
    );
    return own?.payload ?? {};
  }

  /** The promise to the customer is that of the version it runs on, counted from when the instance began; what was told as broken stays so. */
  private promise(): Pick<State, 'slaDueAt' | 'slaBreachedAt'> {
    const { slaDueAt, slaBreachedAt } = this.before;
    const isSame = JSON.stringify(this.from.sla) === JSON.stringify(this.to.sla);
    const started = this.history.findLast(({ type, effect }) => type === this.to.starts && effect === 'started');
    if (isSame || !started) return { ...(slaDueAt && { slaDueAt }), ...(slaBreachedAt && { slaBreachedAt }) };
    if (!this.to.sla) return {};
    const due = this.to.later(started.recordedAt.toISOString(), this.to.sla);
    const told = this.history.find(({ messageId }) => messageId === slaBreachId(due));
    const breachedAt =
      told?.recordedAt.toISOString() ?? (slaBreachedAt && slaBreachedAt >= due ? slaBreachedAt : undefined);
    return { slaDueAt: due, ...(breachedAt && { slaBreachedAt: breachedAt }) };
  }

  private checkEarly({ early }: State): void {
    const { outcomes, triggers, amendedBy } = this.to;
    const lost = early.find(({ type }) => !outcomes.has(type) && !triggers.has(type) && !amendedBy.has(type));
    if (lost) throw new Refusal(`${lost.type} came early, and ${this.version} has no step that would take it`);
  }

  /** Units of the new version that there are none of yet. */
  private unfold(next: State): void {
    const status = next.phase === 'ended' && next.cause ? 'skipped' : 'waiting';
    for (const step of this.to.steps) {
      const { repeat } = step;
      if (repeat?.on) {
        const came = this.history.find(({ type }) => type === repeat.on);
        const isNew = this.mapping.added.includes(step.name);
        if (came && isNew)
          throw new Refusal(`${came.type} came already, and ${this.version} would have begun ${step.name} with it`);
        continue;
      }
      const items = repeat ? next.facts.start[repeat.forEach!] : [{}];
      for (const item of Array.isArray(items) ? (items as Record<string, unknown>[]) : [])
        next.steps[unitId(step, item)] ??= { status, ...(repeat && { item: pick(item, repeat.fields) }) };
    }
  }

  /** What the new version needs of the line or event that a repeated step is about. */
  private fillItems(next: State): void {
    for (const step of this.to.steps) {
      const { repeat } = step;
      if (!repeat) continue;
      for (const [id, unit] of unitsOf(next, step)) {
        const lines = repeat.forEach ? next.facts.start[repeat.forEach] : undefined;
        const carriers = repeat.on
          ? this.history.filter(({ type }) => type === repeat.on).map(({ payload }) => payload ?? {})
          : ((lines ?? []) as Record<string, unknown>[]);
        const own = carriers.find((carrier) => unitId(step, carrier) === id) ?? {};
        unit.item = { ...pick(own, repeat.fields), ...pick(this.outcomeOf(step, id, next), step.facts), ...unit.item };
      }
    }
  }

  /** A step that was not needed by the old condition may be by the new one. */
  private askConditionsAgain(next: State): void {
    for (const step of this.to.steps) {
      for (const [id, unit] of unitsOf(next, step)) {
        const old = this.from.steps.find(({ name }) => this.newName(name) === step.name);
        if (unit.status !== 'not-needed' || old?.when?.text === step.when?.text) continue;
        const { condition, ...rest } = unit;
        next.steps[id] = { ...rest, status: 'waiting' };
        this.settleIfNotNeeded(next, step, id);
      }
    }
  }

  /** True where its condition is false by what is known now. */
  private settleIfNotNeeded(next: State, step: CompiledStep, id: string): boolean {
    const unit = next.steps[id]!;
    if (unit.status !== 'waiting' || !step.when) return false;
    if (this.missingOf(step.when.reads, next, unit, true).length > 0) return false;
    const facts: Facts = { start: next.facts.start, steps: next.facts.steps, ...(unit.item && { item: unit.item }) };
    const { when } = step;
    const condition = told(() => when.evaluate(facts));
    if (condition.value) return false;
    unit.status = 'not-needed';
    unit.condition = condition;
    return true;
  }

  /** Nothing that has yet to run may belong before something that has begun. */
  private checkOrder(next: State): void {
    const hasEnded = next.phase === 'ended';
    for (const step of this.to.steps) {
      const begun = unitsOf(next, step).find(([, { status }]) => status !== 'waiting');
      for (const [id, unit] of unitsOf(next, step)) {
        if (!hasEnded || unit.status !== 'waiting' || this.settleIfNotNeeded(next, step, id)) continue;
        throw new Refusal(`it has completed, and in ${this.version} it would have to run ${id}`);
      }
      if (!begun) continue;
      for (const name of step.after) {
        const earlier = this.to.step(name);
        for (const [id, { status }] of unitsOf(next, earlier)) {
          if (PASSED.has(status) || this.settleIfNotNeeded(next, earlier, id)) continue;
          throw new Refusal(
            `step ${begun[0]} is ${begun[1].status}, and in ${this.version} it would have to wait for ${id}, which is ${status}`,
          );
        }
      }
    }
  }

  /** What another process is to do may have been set off by events that are past: then it has not begun, and never would. */
  private checkAwaited(next: State): void {
    const hasBegun = next.completed.some((id) => !stepOf(this.to, id).checkpoint);
    if (!hasBegun) return;
    for (const step of this.to.steps) {
      const old = this.from.steps.find(({ name }) => this.newName(name) === step.name);
      const wasAwaited = old !== undefined && kindOf(old) === kindOf(step);
      if (step.command || step.checkpoint || wasAwaited) continue;
      const open = unitsOf(next, step).find(([, { status }]) => status === 'waiting');
      if (!open) continue;
      throw new Refusal(
        `step ${open[0]} is what another process does in ${this.version}, and what begins that may be past`,
      );
    }
  }

  /** Whoever is asked must go on being asked the same. */
  private checkOpenDecisions(next: State): void {
    for (const step of this.to.steps) {
      const unit = next.steps[step.name];
      if (unit?.status !== 'deciding' || !step.checkpoint) continue;
      const refuse = (why: string): never => {
        throw new Refusal(`step ${step.name} is open before a person, and in ${this.version} ${why}`);
      };
      const old = this.from.steps.find(({ name }) => this.newName(name) === step.name)!;
      // The task that is open bears the name of the step.
      if (old.name !== step.name) refuse(`it was ${old.name}`);
      if (old.owner !== step.owner) refuse(`${step.owner} would be asked instead of ${old.owner}`);
      if (JSON.stringify(old.checkpoint?.due) !== JSON.stringify(step.checkpoint.due))
        refuse('it is due at another time');
      const missing = this.missingOf(step.checkpoint.policy.reads, next, unit, false);
      if (missing.length > 0) refuse(`its policy needs ${missing.join(', ')}, which nobody has recorded`);
      const { policy } = step.checkpoint;
      const { value } = told(() => policy.evaluate({ start: next.facts.start, steps: next.facts.steps }));
      if (JSON.stringify(value.outputs) !== JSON.stringify(unit.policy?.outputs))
        refuse(`the terms differ: ${JSON.stringify(value.outputs)} instead of ${JSON.stringify(unit.policy?.outputs)}`);
    }
  }

  /** Every fact that is needed from here on must be known, or be still to come. */
  private checkFacts(next: State): void {
    for (const step of this.to.steps) {
      const units = unitsOf(next, step).map(([, unit]) => unit);
      // Its item comes with the event that begins it.
      const isRunToCome = step.repeat?.on !== undefined && !next.cause;
      const runs = isRunToCome ? [...units, { status: 'waiting' } satisfies UnitState] : units;
      for (const unit of runs) {
        const isToCome = TO_COME.has(unit.status) && !next.cause;
        if (isToCome) {
          const reads = [...(step.when?.reads ?? []), ...(step.checkpoint?.policy.reads ?? [])];
          this.refuseMissing(step.name, this.missingOf(reads, next, unit, false));
          this.refuseMissing(step.command?.type ?? '', this.missingOf(sourcesOf(step.command), next, unit, false));
        }
        const mayBeUndone = isToCome || !WITHOUT_EFFECT.has(unit.status);
        if (mayBeUndone)
          this.refuseMissing(
            step.compensation?.type ?? '',
            this.missingOf(sourcesOf(step.compensation), next, unit, false),
          );
      }
    }
  }

  private refuseMissing(what: string, missing: string[]): void {
    if (missing.length > 0) throw new Refusal(`${what} needs ${missing.join(', ')}, which nobody has recorded`);
  }

  /** @param now whether what is still to come counts as missing */
  private missingOf(references: (FactReference | Source)[], next: State, unit: UnitState, now: boolean): string[] {
    const { facts } = next;
    return references.flatMap((reference) => {
      switch (reference.from) {
        case 'start':
          return reference.field in facts.start ? [] : [`${this.to.starts}.${reference.field}`];
        case 'assigned':
          return reference.field in facts.assigned ? [] : [reference.field];
        case 'item':
          return !unit.item || reference.field in unit.item ? [] : [`item.${reference.field}`];
        case 'step': {
          const step = this.to.step(reference.step);
          const { status } = step.repeat ? unit : (next.steps[step.name] ?? { status: 'waiting' });
          const isToCome = status !== 'done' && !WITHOUT_EFFECT.has(status);
          if (!now && (isToCome || status === 'waiting' || status === 'refused')) return [];
          const known = step.repeat ? unit.item : facts.steps[step.name];
          return known && reference.field in known ? [] : [`${reference.step}.${reference.field}`];
        }
        default:
          return [];
      }
    });
  }

  /** What stands must be undone by the very values it would have been undone by. */
  private checkUndoing(next: State): void {
    for (const [id, unit] of Object.entries(this.before.steps)) {
      const newId = this.newId(id);
      if (newId === undefined || WITHOUT_EFFECT.has(unit.status)) continue;
      const old = stepOf(this.from, id).compensation;
      const target = stepOf(this.to, newId).compensation;
      if (!old || !target) continue;
      const was = valuesOf(this.from, old, this.before, unit);
      const is = valuesOf(this.to, target, next, next.steps[newId]!);
      for (const [field, value] of Object.entries(is)) {
        if (!(field in was) || JSON.stringify(was[field]) === JSON.stringify(value)) continue;
        throw new Refusal(
          `step ${id} is ${unit.status}, and in ${this.version} ${target.type}.${field} would be ${JSON.stringify(value)} instead of ${JSON.stringify(was[field])}`,
        );
      }
    }
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What cannot be told from what is known is no ground to go on. */
function told<T>(evaluate: () => T): T {
  try {
    return evaluate();
  } catch (error) {
    throw new Refusal((error as Error).message, { cause: error });
  }
}

/** What a compensation would carry, as far as it is known. */
function valuesOf(
  process: Process,
  { fields }: CompiledCommand,
  { facts }: State,
  { item }: UnitState,
): Record<string, unknown> {
  const values = fields.map(([field, source]): [string, unknown] => {
    switch (source.from) {
      case 'start':
        return [field, facts.start[source.field]];
      case 'assigned':
        return [field, facts.assigned[source.field]];
      case 'item':
        return [field, item?.[source.field]];
      case 'step':
        return [field, (process.step(source.step).repeat ? item : facts.steps[source.step])?.[source.field]];
      case 'cause':
        return [field, undefined];
    }
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

const sourcesOf = (command: CompiledCommand | undefined): Source[] => command?.fields.map(([, source]) => source) ?? [];

/** How its runs are told apart. */
const keyOf = ({ repeat }: CompiledStep): string =>
  repeat ? `${repeat.forEach ?? ''}/${repeat.on ?? ''}/${repeat.by}` : '';

const kindOf = ({ command, checkpoint }: CompiledStep): string =>
  command?.type ?? (checkpoint ? `the checkpoint ${checkpoint.name}` : 'an event of another process');

const undoingOf = ({ compensation, irreversible }: CompiledStep): string =>
  compensation?.type ?? (irreversible ? 'irreversible' : 'none');
