import type { Queryable, Tx } from '@throughline/postgres';
import { occurrenceField } from '../contracts.js';
import { decide } from '../decide.js';
import type { ControlInput, Decision, DecisionInput, Input, MigrationInput } from '../decide/input.js';
import { earlierOccurrence, type EarlierOccurrence } from '../earlier.js';
import { ProcessError } from '../errors.js';
import { mapSteps } from '../map-steps.js';
import { migrateInstance } from '../migrate.js';
import type { Process } from '../process.js';
import { initialState, type ProcessEvent, type State, type Status, type TaskRequest } from '../state.js';
import { Definitions, type Compile } from './definitions.js';
import { readHistory } from './find-instances.js';
import { KnownInstances, Trust, type KnownInstance } from './known-instances.js';
import {
  assertCurrent,
  claimDueInstances,
  lockInstances,
  lockInstancesById,
  nameOf,
  readEarlier,
  type EarlierInstance,
  type Identity,
  type LockedInstance,
} from './lock-instances.js';
import { ReservedIds } from './reserved-ids.js';
import { saveInstances, type Change, type Written } from './save-instances.js';
import { armTimers, putOffTimer, rearmTimers, type Look } from './timers.js';

/** A command on its way out; the caller knows how messages travel. */
export interface EmittedCommand {
  type: string;
  payload: Record<string, unknown>;
  correlationId: string;
  /** The message that made it due; absent when time did. */
  causationId?: string;
}

/** An instance that got another status. */
export interface Transition {
  process: string;
  from: Status;
  to: Status;
  /** From the event that started the instance until now, where it has ended. */
  durationMs?: number;
}

/** An instance that this release cannot run, and why. */
export interface Skipped {
  instance: LockedInstance;
  error: ProcessError;
}

export type Emit = (commands: EmittedCommand[]) => void;

/** A person is asked to decide for an instance. */
export interface OpenedTask {
  instanceId: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  correlationId: string;
  traceparent: string | undefined;
  /** The field of the start event that says how much is at risk, and its currency, where the definition names one. */
  amount: { amount: unknown; currency: unknown } | undefined;
  request: TaskRequest;
}

/** Nobody needs to decide any more. */
export interface ClosedTask {
  instanceId: string;
  unit: string;
  reason: string;
}

/** Somebody asked for it too, or changed what was asked for, while a person was asked. */
export interface JoinedTask extends Pick<TaskRequest, 'unit' | 'requesters' | 'facts'> {
  instanceId: string;
}

/**
 * Where checkpoints become tasks of people. Called inside the transaction that decided it, at most once for each, with the rows of the
 * instances locked: whoever decides a task locks the instance first, too.
 */
export interface TaskSink {
  open(tx: Tx, tasks: OpenedTask[]): void | Promise<void>;
  close(tx: Tx, tasks: ClosedTask[]): void | Promise<void>;
  /** Of tasks that stay open. */
  join(tx: Tx, tasks: JoinedTask[]): void | Promise<void>;
}

/** What a batch of events did. */
export interface BatchResult {
  transitions: Transition[];
  /** To be called once the transaction has committed: the next events of these instances need not read them again. */
  committed: () => void;
}

/** From which version of a process to which one, and what steps were renamed: old name to new name. */
export interface MigrationPlan {
  process: string;
  from: number;
  to: number;
  renames: Record<string, string>;
}

/** What a person's action did to one instance. */
export interface ControlResult {
  id: string;
  process: string;
  before: State;
  /** Absent where it was refused. */
  after?: State;
  commands: string[];
  refused?: ProcessError;
}

/**
 * Runs instances inside the caller's transaction: a batch is loaded by one query, decided in memory, and written back by a few
 * statements. Any number of runners may work on the same instances; an instance's row lock makes them take turns.
 */
export class ProcessRunner {
  private readonly definitions: Definitions;
  /** How many due instances the last look had to skip: they stay due, and must not fill the next one. */
  private inTheWay = 0;
  private readonly known = new KnownInstances(KNOWN_CHARS);
  private readonly ids = new ReservedIds();
  private readonly trust = new Trust();

  /**
   * @param processes what this release ships; new instances start on the newest version of each process
   * @param compile reads versions that other releases have stored
   * @param tasks where checkpoints go; a process that has none needs none
   */
  constructor(
    processes: Process[],
    compile: Compile,
    private readonly tasks?: TaskSink,
  ) {
    this.definitions = new Definitions(processes, compile);
  }

  /** Every event that a known version of a process takes. */
  get events(): string[] {
    return [...new Set(this.definitions.all.flatMap(({ events }) => [...events]))].toSorted();
  }

  /** Every command that a known version of a process sends. */
  get commands(): string[] {
    const commands = this.definitions.all.flatMap(({ steps }) =>
      steps.flatMap(({ command, compensation }) => [command?.type, compensation?.type]),
    );
    return [...new Set(commands.filter((type) => type !== undefined))].toSorted();
  }

  /** The newest version of each process that an event of this type starts. */
  startedBy(eventType: string): Process[] {
    return this.definitions.processes.filter(({ starts }) => starts === eventType);
  }

  /** Makes the shipped definitions known to the database; call it before the first batch. */
  async storeDefinitions(database: Queryable): Promise<void> {
    await this.definitions.store(database);
  }

  /**
   * Takes events in the order given. What belongs to an instance that has not started is kept with it until then.
   *
   * @param foresee nothing is to be waited for: where all instances are known, or start, they are taken to be as this runner has written
   *   them last, and the transaction fails where that is not so. Then the caller takes the same events again, without it.
   */
  async runBatch(tx: Tx, events: ProcessEvent[], now: Date, emit: Emit, foresee = false): Promise<BatchResult> {
    const inbound = this.sortByInstance(events);
    if (inbound.size === 0) return { transitions: [], committed: () => undefined };
    const wanted = [...inbound.values()];
    const foreseen = foresee ? this.foresee(wanted, now) : undefined;
    if (foreseen) assertCurrent(tx, foreseen.known);
    const instances = foreseen
      ? [...foreseen.known, ...foreseen.added]
      : await lockInstances(
          tx,
          wanted.map(({ identity }) => identity),
          this.known,
          now,
        );
    if (foresee) this.ids.refill(tx, instances.filter(({ isNew }) => isNew).length, now);
    const eventsOf = (instance: LockedInstance): ProcessEvent[] => inbound.get(nameOf(instance))!.events;
    const earlier = await this.earlierOf(tx, instances, eventsOf);
    // What an occurrence finds of those before it is what this batch makes of them.
    const inOrder = earlier.size > 0 ? instances.toSorted((a, b) => a.occurrence - b.occurrence) : instances;
    const written = new Map<string, Written>();
    const inputsOf = (instance: LockedInstance, before: Change[]): Input[] => {
      const known = earlier.get(instance.id)?.map(({ id, stored }) => {
        const change = before.find((one) => one.id === id);
        return change ? earlierOccurrence(change.process, change.state) : stored;
      });
      return eventsOf(instance).map((event) => ({ kind: 'event', event, ...(known && { earlier: known }) }));
    };
    const changes = await this.turn(tx, inOrder, now, emit, inputsOf, written);
    const committed = (): void => {
      this.remember(changes, written, now);
      if (foreseen) this.trust.proved();
    };
    return { transitions: changes.flatMap(transitionOf), committed };
  }

  /**
   * Instances as they are if nobody else has written them since, or if nothing came before their start. Nothing, where one of them is not
   * known; of a later occurrence what came before it is read, and so is the instance.
   */
  private foresee(wanted: Inbound[], now: Date): { known: KnownInstance[]; added: LockedInstance[] } | undefined {
    const isStart = ({ identity, events }: Inbound): boolean =>
      identity.occurrence <= 1 &&
      events.some(({ type }) => type === this.definitions.activeOf(identity.process).starts);
    const known = wanted.map(({ identity }) => this.known.get(nameOf(identity), now));
    const added = wanted.filter((_, index) => !known[index]);
    if (!added.every(isStart)) return undefined;
    const ids = this.ids.take(added.length, now);
    if (!ids || !this.trust.guess()) return undefined;
    return {
      known: known.filter((instance) => instance !== undefined),
      added: added.map(({ identity }, index) => ({ ...identity, id: ids[index]!, isNew: true })),
    };
  }

  private remember(changes: Change[], written: ReadonlyMap<string, Written>, writtenAt: Date): void {
    for (const { id, process, state } of changes) {
      const row = written.get(id);
      if (!row) continue;
      const { key, occurrence } = state;
      const { name, version } = process;
      const instance = { id, process: name, version, key, occurrence, state, xmin: row.xmin, writtenAt };
      // Two batches of one transaction are told of one after the other, and the row is as the later one has left it.
      if (state.endedAt === undefined) this.known.set(nameOf(instance), instance, row.chars);
      else this.known.delete(nameOf(instance));
    }
  }

  /** Of instances that start now and are not the first of their key: what came before them. */
  private async earlierOf(
    tx: Tx,
    instances: LockedInstance[],
    eventsOf: (instance: LockedInstance) => ProcessEvent[],
  ): Promise<Map<string, { id: string; stored: EarlierOccurrence }[]>> {
    const later: LockedInstance[] = [];
    for (const instance of instances) {
      const { occurrence, state } = instance;
      if (occurrence <= 1 || (state.phase !== 'new' && !state.rejection)) continue;
      const { starts } = await this.processOf(tx, instance);
      if (eventsOf(instance).some(({ type }) => type === starts)) later.push(instance);
    }
    const known = new Map<string, { id: string; stored: EarlierOccurrence }[]>();
    if (later.length === 0) return known;
    const earlier = [...(await readEarlier(tx, later)), ...newBefore(later, instances)];
    for (const one of earlier.toSorted((a, b) => a.occurrence - b.occurrence)) {
      const stored = earlierOccurrence(await this.processOf(tx, one), one.state);
      known.set(one.laterId, [...(known.get(one.laterId) ?? []), { id: one.id, stored }]);
    }
    return known;
  }

  /**
   * Looks at up to `limit` instances whose time may have come, and at as many more as the last look had to skip, and fires their due
   * timers. Instances of a version that this release cannot run are skipped, for a release that can: the caller tells of them. Fewer
   * looked at than `limit` means that nothing is left for now, or nothing that this look could reach past those.
   *
   * @param begins is told which ones are looked at, which a failure does not say
   */
  async runDueTimers(
    tx: Tx,
    now: Date,
    limit: number,
    emit: Emit,
    begins?: (looks: Look[]) => void,
  ): Promise<{ looked: number; fired: number; transitions: Transition[]; skipped: Skipped[] }> {
    const due = await claimDueInstances(tx, now, limit + this.inTheWay);
    const skipped = await this.unreadable(tx, due);
    this.inTheWay = skipped.length;
    const without = new Set<LockedInstance>(skipped.map(({ instance }) => instance));
    const looks = due.filter((instance) => !without.has(instance)).slice(0, limit);
    begins?.(looks);
    const instances = [...new Map(looks.map((instance) => [instance.id, instance])).values()];
    const changes = await this.turn(tx, instances, now, emit, () => [{ kind: 'timer' }]);
    rearmTimers(tx, looks, changes);
    const fired = changes.filter(({ history }) => history.length > 0).length;
    return { looked: looks.length, fired, transitions: changes.flatMap(transitionOf), skipped };
  }

  /**
   * Takes a person's decision at a checkpoint; what follows is sent in the same transaction.
   * @throws PROCESS_INSTANCE_UNKNOWN
   */
  async decideStep(tx: Tx, instanceId: string, input: DecisionInput, now: Date, emit: Emit): Promise<Transition[]> {
    const instances = await lockInstancesById(tx, [instanceId]);
    if (instances.length === 0)
      throw new ProcessError('PROCESS_INSTANCE_UNKNOWN', `There is no instance ${instanceId}.`);
    return (await this.turn(tx, instances, now, emit, () => [input])).flatMap(transitionOf);
  }

  /** Takes a person's action on instances, in id order; each is done or refused by itself. Ids that do not exist are left out. */
  async control(
    tx: Tx,
    instanceIds: string[],
    inputOf: (instance: LockedInstance, process: Process) => ControlInput,
    now: Date,
    emit: Emit,
  ): Promise<{ results: ControlResult[]; transitions: Transition[] }> {
    const instances = await lockInstancesById(tx, instanceIds);
    const results: ControlResult[] = [];
    const changes: Change[] = [];
    const sent: EmittedCommand[] = [];
    for (const instance of instances) {
      const { id, state: before } = instance;
      try {
        const process = await this.processOf(tx, instance);
        const commands: EmittedCommand[] = [];
        const change = run(process, instance, [inputOf(instance, process)], now.toISOString(), commands);
        results.push({
          id,
          process: instance.process,
          before,
          after: change.state,
          commands: commands.map(({ type }) => type),
        });
        sent.push(...commands);
        if (change.history.length > 0) changes.push(change);
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error;
        results.push({ id, process: instance.process, before, commands: [], refused: error });
      }
    }
    await this.save(tx, changes, sent, now, emit);
    return { results, transitions: changes.flatMap(transitionOf) };
  }

  /**
   * Makes instances of one version of a process those of another, in id order; each is migrated or refused by itself, under its lock.
   * What is due in the new version is sent at once. Ids that do not exist are left out.
   */
  async migrate(
    tx: Tx,
    instanceIds: string[],
    { process: name, from, to, renames }: MigrationPlan,
    by: Pick<MigrationInput, 'id' | 'by' | 'reason'>,
    now: Date,
    emit: Emit,
  ): Promise<{ results: ControlResult[]; transitions: Transition[] }> {
    const [old, next, instances] = await Promise.all([
      this.definitions.load(tx, name, from),
      this.definitions.load(tx, name, to),
      lockInstancesById(tx, instanceIds),
    ]);
    const mapping = mapSteps(old, next, renames);
    const movable = instances.filter(({ process, version }) => process === name && version === from);
    const history = Map.groupBy(
      await readHistory(
        tx,
        movable.map(({ id }) => id),
      ),
      ({ instanceId }) => instanceId,
    );
    const input: MigrationInput = { kind: 'migration', from, to, ...by };
    const results: ControlResult[] = [];
    const changes: Change[] = [];
    const sent: EmittedCommand[] = [];
    for (const instance of instances) {
      const { id, process, version, state: before } = instance;
      try {
        if (!movable.includes(instance))
          throw new ProcessError(
            'PROCESS_MIGRATION_REFUSED',
            `It runs on ${process} version ${version}, not on ${name} ${from}.`,
          );
        const at = now.toISOString();
        const commands: EmittedCommand[] = [];
        const change = run(next, instance, [input], at, commands, () =>
          migrateInstance(old, next, mapping, before, history.get(id) ?? [], input, at),
        );
        change.from = old;
        results.push({ id, process, before, after: change.state, commands: commands.map(({ type }) => type) });
        sent.push(...commands);
        changes.push(change);
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error;
        results.push({ id, process, before, commands: [], refused: error });
      }
    }
    await this.save(tx, changes, sent, now, emit);
    return { results, transitions: changes.flatMap(transitionOf) };
  }

  /** True for the version on which new instances start. */
  isActive(process: string, version: number): boolean {
    return this.definitions.processes.some((active) => active.name === process && active.version === version);
  }

  /** Puts off a timer that cannot be fired. */
  putOffTimer(tx: Tx, look: Look, now: Date, forMs: number): Promise<void> {
    return putOffTimer(tx, look, new Date(now.getTime() + forMs));
  }

  /** The definition an instance runs on. */
  definitionOf(database: Queryable, { process, version }: { process: string; version: number }): Promise<Process> {
    return this.definitions.load(database, process, version);
  }

  /** Steps that somebody answers for, in any version: what a search by owner looks at. */
  stepsOf(owner: string): string[] {
    return this.definitions.stepsOf(owner);
  }

  private async turn(
    tx: Tx,
    instances: LockedInstance[],
    now: Date,
    emit: Emit,
    inputsOf: (instance: LockedInstance, before: Change[]) => Input[],
    written?: Map<string, Written>,
  ): Promise<Change[]> {
    const changes: Change[] = [];
    const commands: EmittedCommand[] = [];
    for (const instance of instances) {
      const process = await this.processOf(tx, instance);
      changes.push(run(process, instance, inputsOf(instance, changes), now.toISOString(), commands));
    }
    const changed = changes.filter(({ history }) => history.length > 0);
    await this.save(tx, changed, commands, now, emit, written);
    return changes;
  }

  private async save(
    tx: Tx,
    changes: Change[],
    commands: EmittedCommand[],
    now: Date,
    emit: Emit,
    written = new Map<string, Written>(),
  ): Promise<void> {
    for (const { process, state } of changes) this.known.delete(nameOf({ process: process.name, ...state }));
    saveInstances(tx, changes, now, written);
    armTimers(tx, changes);
    if (commands.length > 0) emit(commands);
    const opened = changes.flatMap(openedTasks);
    const closed = changes.flatMap(({ id, closed: units }) => units.map((unit) => ({ instanceId: id, ...unit })));
    const joined = changes.flatMap(joinedTasks);
    if (opened.length + closed.length + joined.length === 0) return;
    if (!this.tasks) throw new Error(`a checkpoint was reached, and this runner has nowhere to put its tasks`);
    // First what nobody needs any more: an amended instance asks again for the same unit.
    if (closed.length > 0) await this.tasks.close(tx, closed);
    if (opened.length > 0) await this.tasks.open(tx, opened);
    if (joined.length > 0) await this.tasks.join(tx, joined);
  }

  /** An instance that has not started yet follows the newest version, one that has stays on its own. */
  private processOf(tx: Tx, { process, version, state }: LockedInstance): Promise<Process> | Process {
    if (state.phase === 'new') return this.definitions.activeOf(process);
    return this.definitions.load(tx, process, version);
  }

  private async unreadable(tx: Tx, instances: LockedInstance[]): Promise<Skipped[]> {
    const skipped: Skipped[] = [];
    const byVersion = Map.groupBy(instances, ({ process, version }) => `${process}/${version}`);
    for (const ofVersion of byVersion.values()) {
      try {
        await this.processOf(tx, ofVersion[0]!);
      } catch (error) {
        if (!(error instanceof ProcessError) || error.code !== 'PROCESS_VERSION_UNKNOWN') throw error;
        skipped.push(...ofVersion.map((instance) => ({ instance, error })));
      }
    }
    return skipped;
  }

  private sortByInstance(events: ProcessEvent[]): Map<string, Inbound> {
    const sorted = new Map<string, Inbound>();
    for (const event of events) {
      for (const process of this.definitions.processes) {
        if (!this.definitions.takes(process.name, event.type)) continue;
        const identity = identityOf(process, event);
        const name = nameOf(identity);
        const known = sorted.get(name);
        if (known) known.events.push(event);
        else sorted.set(name, { identity, events: [event] });
      }
    }
    return sorted;
  }
}

/** Of the states that are kept in memory, as JSON, at most; as objects they take several times as many bytes. */
const KNOWN_CHARS = 16_000_000;

/** Events of one instance. */
interface Inbound {
  identity: Identity;
  events: ProcessEvent[];
}

/** Earlier occurrences that this batch creates: no row says so yet. */
function newBefore(later: LockedInstance[], instances: LockedInstance[]): EarlierInstance[] {
  const byKey = Map.groupBy(
    instances.filter(({ isNew }) => isNew),
    ({ process, key }) => `${process}/${key}`,
  );
  return later.flatMap(({ id, process, key, occurrence }) =>
    (byKey.get(`${process}/${key}`) ?? [])
      .filter((one) => one.occurrence < occurrence)
      .map((one) => ({ ...one, laterId: id })),
  );
}

function run(
  process: Process,
  instance: LockedInstance,
  inputs: Input[],
  now: string,
  commands: EmittedCommand[],
  turn: (state: State, input: Input) => Decision = (state, input) => decide(process, state, input, now),
): Change {
  const change: Change = {
    id: instance.id,
    ...(instance.isNew && { isNew: true }),
    process,
    before: instance.state,
    state: instance.state,
    history: [],
    opened: [],
    closed: [],
  };
  for (const input of inputs) {
    const decision = turn(change.state, input);
    change.state = decision.state;
    // What one input of a batch opens, the next one may close.
    for (const task of decision.tasks.closed) {
      const index = change.opened.findIndex(({ unit }) => unit === task.unit);
      if (index < 0) change.closed.push(task);
      else change.opened.splice(index, 1);
    }
    change.opened.push(...decision.tasks.opened);
    const event = input.kind === 'event' ? input.event : undefined;
    change.history.push(...decision.history.map((entry) => (event ? { entry, event } : { entry })));
    commands.push(
      ...decision.commands.map(({ type, payload }) => ({
        type,
        payload,
        correlationId: decision.state.correlationId,
        ...(event && { causationId: event.messageId }),
      })),
    );
  }
  return change;
}

function openedTasks({ id, process, state, opened }: Change): OpenedTask[] {
  const { key, occurrence, correlationId, traceparent, facts, attributes } = state;
  const { name, version, amount: field } = process;
  const known = { ...attributes, ...facts.start };
  const amount = field === undefined ? undefined : { amount: known[field], currency: known.currency };
  return opened.map((request) => ({
    instanceId: id,
    process: name,
    version,
    key,
    occurrence,
    correlationId,
    traceparent,
    amount,
    // The next input of a batch may have added somebody.
    request: { ...request, requesters: state.requesters ?? request.requesters },
  }));
}

/** Tasks that stay open although an amendment says something else of who asks. */
function joinedTasks({ id, before, state, opened }: Change): JoinedTask[] {
  const { requesters = [], attributes, amendment } = state;
  const isSame = before.requesters === state.requesters && before.attributes === attributes;
  if (before.phase === 'new' || (isSame && before.amendment === amendment)) return [];
  const facts = { ...attributes, ...amendment?.attributes };
  return Object.entries(state.steps)
    .filter(([unit, { status }]) => status === 'deciding' && !opened.some((request) => request.unit === unit))
    .map(([unit]) => ({ instanceId: id, unit, requesters, facts }));
}

function transitionOf({ process, before, state }: Change): Transition[] {
  if (before.status === state.status) return [];
  const { startedAt, endedAt } = state;
  const durationMs = startedAt && endedAt ? Date.parse(endedAt) - Date.parse(startedAt) : undefined;
  return [
    { process: process.name, from: before.status, to: state.status, ...(durationMs !== undefined && { durationMs }) },
  ];
}

function identityOf(process: Process, event: ProcessEvent): Identity {
  const key = event.payload[process.key];
  const occurrence = event.payload[occurrenceField];
  if (typeof key !== 'string' || typeof occurrence !== 'number') {
    throw new ProcessError(
      'PROCESS_EVENT_WITHOUT_KEY',
      `${event.type} ${event.messageId} has no ${process.key} and ${occurrenceField}, by which ${process.name} finds its instance; the producer must fill them.`,
    );
  }
  const { correlationId } = event;
  return {
    process: process.name,
    version: process.version,
    key,
    occurrence,
    state: initialState({ key, occurrence, correlationId }),
  };
}
