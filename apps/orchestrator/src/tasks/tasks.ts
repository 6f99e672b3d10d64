import type { Messaging, MessagingTx } from '@throughline/messaging';
import type { Database, ServerClock } from '@throughline/postgres';
import { refuseUnknownNames, type ProcessRunner } from '@throughline/process/postgres';
import { countTransitions } from '../metrics.js';
import { emitInto } from '../take-events.js';
import { allowedActions } from './allowed-actions.js';
import { decideTask, passTime } from './decide-task.js';
import type { Action, Actor } from './decide-task/action.js';
import type { Circumstances, DecidedTask } from './decide-task/turn.js';
import { endStandIn } from './end-stand-in.js';
import { actorUnknown, refused } from './errors.js';
import { findStandIns, type StandInFilter, type StoredStandIn } from './find-stand-ins.js';
import { findTaskEvents, findTold, type StoredTaskEvent } from './find-task-events.js';
import { findTasks, readTask, type Reach, type TaskFilter } from './find-tasks.js';
import { insertStandIn } from './insert-stand-in.js';
import { lockTask } from './lock-tasks.js';
import type { Directory, People } from './people.js';
import { readPeople } from './read-people.js';
import { saveTasks } from './save-tasks.js';
import { irreversibleAfter } from './silent-approvals.js';
import { checkEnd, checkStandIn, type StandIn } from './stand-in.js';
import type { Task } from './task.js';
import { countEvents } from './task-metrics.js';
import type { StoredTask } from './task-row.js';

export interface TasksParts {
  database: Database;
  messaging: Pick<Messaging, 'transaction'>;
  runner: ProcessRunner;
  clock: ServerClock;
  directory: Directory;
}

export interface TaskStory {
  task: StoredTask;
  events: StoredTaskEvent[];
  people: People;
  /** What the person who asks may do now. */
  actions: Action['kind'][] | undefined;
  /** Type of the event that starts the process. */
  starts: string;
  now: string;
}

/** Decisions that people owe: found, worked on, and the process goes on in the same transaction in which one is made. */
export class Tasks {
  constructor(private readonly parts: TasksParts) {}

  now(): Date {
    return this.parts.clock.now();
  }

  people(): Promise<People> {
    return readPeople(this.parts.directory, this.parts.database, this.now());
  }

  /** @throws `PROCESS_SEARCH_INVALID` where nothing is found, and no definition has the process or checkpoint that is named */
  async find(filter: TaskFilter): Promise<StoredTask[]> {
    const { database } = this.parts;
    const found = await findTasks(database, filter);
    if (found.length === 0)
      await refuseUnknownNames(database, { process: filter.process, checkpoint: filter.checkpoint });
    return found;
  }

  /** In whose names a person may act, and by which roles. @throws `TASK_ACTOR_UNKNOWN` */
  async reachOf(id: string): Promise<Reach> {
    const people = await this.people();
    const person = people.find(id);
    if (!person) throw actorUnknown(id);
    const now = this.now().toISOString();
    const names = [person, ...people.delegatorsOf(id, now)];
    // Nothing is offered to whoever is away.
    const roles = people.absenceOf(id, now) ? [] : names.flatMap((name) => name.roles);
    return { names: names.map((name) => name.id), roles: [...new Set(roles)] };
  }

  /** @throws `TASK_UNKNOWN` */
  async read(id: string, person: string | undefined): Promise<TaskStory> {
    const { database, runner } = this.parts;
    const [task, events, people] = await Promise.all([
      readTask(database, id),
      findTaskEvents(database, id),
      this.people(),
    ]);
    if (!task) throw unknown(id);
    const now = this.now().toISOString();
    const { starts, later } = await runner.definitionOf(database, instanceOf(task));
    const actions = person ? allowedActions(task, person, now, { people, later }) : undefined;
    return { task, events, people, actions, starts, now };
  }

  /** Entries of which a person was told, after the one of this number. */
  told(person: string, after: string, limit: number): Promise<StoredTaskEvent[]> {
    return findTold(this.parts.database, person, after, limit);
  }

  /** @throws `TASK_...`: a refusal, which says what to do instead */
  async act(id: string, action: Action, actor: Actor): Promise<void> {
    const known = await this.change(id, (task, now, around) => decideTask(task, action, actor, now, around));
    if (!known) throw unknown(id);
  }

  /** Lets time pass for one task. */
  async passTime(id: string): Promise<void> {
    await this.change(id, passTime);
  }

  findStandIns({ current, ...filter }: Omit<StandInFilter, 'at'> & { current: boolean }): Promise<StoredStandIn[]> {
    return findStandIns(this.parts.database, { ...filter, ...(current && { at: this.now() }) });
  }

  /** Begins now where no start is given. @throws `STAND_IN_INVALID`, `STAND_IN_NOT_YOURS` */
  async addStandIn(wanted: WantedStandIn, by: string): Promise<StoredStandIn> {
    const { database } = this.parts;
    const now = this.now();
    const { delegate = null, startsAt = now.toISOString(), reason = null, person = by, ...rest } = wanted;
    const standIn: StandIn = { ...rest, person, delegate, startsAt, reason };
    checkStandIn(standIn, by, now.toISOString(), await this.people());
    return this.readStandIn(await insertStandIn(database, standIn, by, now), standIn.kind);
  }

  /** Ends it before its time. @throws `STAND_IN_UNKNOWN`, `STAND_IN_NOT_YOURS`, `STAND_IN_INVALID` where it is over */
  async endStandIn(id: string, kind: StandIn['kind'], by: string): Promise<StoredStandIn> {
    checkEnd(await this.readStandIn(id, kind), by, await this.people());
    if (!(await endStandIn(this.parts.database, id, by, this.now())))
      throw refused('STAND_IN_INVALID', `The ${kind} ${id} is over already: there is nothing to end.`);
    return this.readStandIn(id, kind);
  }

  private async readStandIn(id: string, kind: StandIn['kind']): Promise<StoredStandIn> {
    const [found] = await findStandIns(this.parts.database, { id, kind, limit: 1 });
    if (!found) throw refused('STAND_IN_UNKNOWN', `There is no ${kind} ${id}.`);
    return found;
  }

  private async change(
    id: string,
    decide: (task: Task, now: string, around: Circumstances) => DecidedTask,
  ): Promise<boolean> {
    const { messaging, directory, clock, runner } = this.parts;
    return messaging.transaction(async (tx) => {
      const task = await lockTask(tx, id);
      if (!task) return false;
      // Read under the lock: who had to wait for it decides at the moment at which they have it.
      const now = clock.now();
      const people = await readPeople(directory, tx, now);
      const process = await runner.definitionOf(tx, instanceOf(task));
      const irreversible = irreversibleAfter(process, task.subject.step);
      const decided = decide(task, now.toISOString(), { people, later: process.later, irreversible });
      saveTasks(tx, [decided]);
      if (decided.verdict) await this.goOn(tx, decided, now);
      tx.onCommit(() => countEvents(decided));
      return true;
    });
  }

  /** Tells the process, which goes on at once. */
  private async goOn(tx: MessagingTx, { task, verdict }: DecidedTask, now: Date): Promise<void> {
    const { verdict: said, by, onBehalfOf, reason, values } = verdict!;
    const { approvals, policy, subject } = task;
    const input = {
      kind: 'decision' as const,
      id: `task:${task.id}`,
      unit: subject.unit,
      verdict: said,
      by,
      ...(reason !== undefined && { reason }),
      detail: { task: task.id, ...(onBehalfOf && { onBehalfOf }), values, approvals, policy },
    };
    const transitions = await this.parts.runner.decideStep(tx, subject.instanceId, input, now, emitInto(tx));
    tx.onCommit(() => countTransitions(transitions));
  }
}

type WantedStandIn = Pick<StandIn, 'kind' | 'endsAt'> & {
  [K in 'person' | 'delegate' | 'startsAt' | 'reason']?: string | undefined;
};

const instanceOf = ({ subject }: Task) => ({ process: subject.process, version: subject.processVersion });

const unknown = (id: string): Error =>
  refused('TASK_UNKNOWN', `There is no task ${id}: list the tasks to see what there is.`);
