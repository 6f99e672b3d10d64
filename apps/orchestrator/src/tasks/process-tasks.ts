import type { Queryable, ServerClock, Tx } from '@throughline/postgres';
import { ProcessError, type Process } from '@throughline/process';
import type { ClosedTask, JoinedTask, OpenedTask, TaskSink } from '@throughline/process/postgres';
import { logger, traceIdOf } from '@throughline/telemetry';
import { joinRequesters, withdrawTask } from './decide-task.js';
import type { DecidedTask } from './decide-task/turn.js';
import { insertTasks, type NewTask } from './insert-tasks.js';
import { lockTasksOf } from './lock-tasks.js';
import { openTask, requestersOf } from './open-task.js';
import type { Directory, People } from './people.js';
import { readPeople } from './read-people.js';
import { saveTasks } from './save-tasks.js';
import { termsAt } from './silent-approvals.js';
import { fallbackTerms, type Terms } from './terms.js';

const log = logger('tasks');

/** What of a definition its tasks look at. */
type Definition = Pick<Process, 'later' | 'steps' | 'step'>;

/** The definition that an instance runs on. */
export type DefinitionOf = (database: Queryable, instance: { process: string; version: number }) => Promise<Definition>;

/** Opens and ends tasks as the processes ask for it, in the transaction in which they do. */
export class ProcessTasks implements TaskSink {
  constructor(
    private readonly directory: Directory,
    private readonly clock: ServerClock,
    private readonly definitionOf: DefinitionOf,
  ) {}

  async open(tx: Tx, opened: OpenedTask[]): Promise<void> {
    const now = this.clock.now();
    const people = await readPeople(this.directory, tx, now);
    const tasks: NewTask[] = [];
    for (const one of opened) {
      const process = await this.definitionOf(tx, one);
      tasks.push(toNewTask(one, now.toISOString(), people, process));
    }
    await insertTasks(tx, tasks);
  }

  async close(tx: Tx, closed: ClosedTask[]): Promise<void> {
    const now = this.clock.now().toISOString();
    const changes = (await lockTasksOf(tx, closed)).map((task) => {
      const { instanceId, unit } = task.subject;
      const { reason } = closed.find((one) => one.instanceId === instanceId && one.unit === unit)!;
      return withdrawTask(task, reason, now);
    });
    saveTasks(tx, changes);
  }

  async join(tx: Tx, joined: JoinedTask[]): Promise<void> {
    const now = this.clock.now();
    const people = await readPeople(this.directory, tx, now);
    const changes: DecidedTask[] = [];
    for (const task of await lockTasksOf(tx, joined)) {
      const { instanceId, unit, process, processVersion: version } = task.subject;
      const { later } = await this.definitionOf(tx, { process, version });
      const request = joined.find((one) => one.instanceId === instanceId && one.unit === unit)!;
      changes.push(joinRequesters(task, requestersOf(request, people), now.toISOString(), { people, later }));
    }
    saveTasks(tx, changes);
  }
}

function toNewTask(opened: OpenedTask, now: string, people: People, definition: Definition): NewTask {
  const { instanceId, correlationId, process, version, key, occurrence, request, traceparent, amount } = opened;
  const subject = { instanceId, correlationId, process, processVersion: version, key, occurrence };
  const atRisk = typeof amount?.amount === 'string' && typeof amount.currency === 'string';
  return {
    ...withTerms(opened, definition, (terms, problem) =>
      openTask({ subject, request, terms, ...problem }, now, { people, later: definition.later }),
    ),
    amount: atRisk ? (amount.amount as string) : null,
    currency: atRisk ? (amount.currency as string) : null,
    traceId: traceIdOf(traceparent) ?? null,
  };
}

/**
 * The check of policies tells bad terms before they are in force. Where something is wrong all the same, the deal must not wait for
 * nobody: the owner of the step decides, and the first entry of the task says why.
 */
function withTerms<T>(
  { request }: OpenedTask,
  definition: Definition,
  open: (terms: Terms, problem?: { problem: string }) => T,
): T {
  const read = termsAt(definition, request.step, request.policy.outputs);
  let problems = 'problems' in read ? read.problems : [];
  try {
    if ('terms' in read) return open(read.terms);
  } catch (error) {
    // Business time, and a process without a calendar.
    if (!(error instanceof ProcessError)) throw error;
    problems = [error.message];
  }
  const { policy, version } = request.policy;
  const problem = `Policy ${policy} version ${version} says nothing that can be used (${problems.join('; ')}): ${request.owner} decides.`;
  log.error({ policy, version, problems }, problem);
  return open(fallbackTerms(request.owner, request.policy.outputs), { problem });
}
