import { candidates, isRequester } from '../candidates.js';
import type { Later } from '../open-task.js';
import type { People, Person } from '../people.js';
import type { Task, TaskEvent, TaskEventKind, Verdict } from '../task.js';

/** What a decision about a task depends on beside the task. */
export interface Circumstances {
  people: People;
  later: Later;
  /** The first step after it that cannot be undone. */
  irreversible?: string | undefined;
}

export interface DecidedTask {
  task: Task;
  /** Kept for good; each entry says who is told. */
  audit: TaskEvent[];
  /** Ends the step of the process. */
  verdict?: Verdict;
}

/** One decision: a private copy of the task, and what was done so far. */
export class Turn {
  readonly task: Task;
  verdict: Verdict | undefined;
  private readonly audit: TaskEvent[] = [];

  constructor(
    before: Task,
    readonly by: string,
    readonly now: string,
    readonly around: Circumstances,
  ) {
    const { approvals, attachments, requesters } = before;
    this.task = {
      ...before,
      approvals: [...approvals],
      attachments: [...attachments],
      requesters: [...requesters],
    };
  }

  hold(person: Person, principal: Person): void {
    this.task.status = 'claimed';
    this.task.assignee = person.id;
    delete this.task.actsFor;
    if (principal.id !== person.id) this.task.actsFor = principal.id;
  }

  letGo(status: 'open' | 'sent-back' = 'open'): void {
    this.task.status = status;
    delete this.task.assignee;
    delete this.task.actsFor;
    delete this.task.followUpAt;
  }

  note(kind: TaskEventKind, entry: Partial<TaskEvent>): void {
    const { task, by, now } = this;
    task.version++;
    task.lastChange = { by, did: kind, at: now };
    this.audit.push({ kind, by, at: now, status: task.status, version: task.version, notified: [], ...entry });
  }

  decided(): DecidedTask {
    const { task, audit, verdict } = this;
    return { task, audit, ...(verdict && { verdict }) };
  }

  /** To whom it is offered: people of its roles, or of these. */
  offered(roles?: string[]): string[] {
    return candidates(this.task, this.around.people, this.now, roles);
  }

  /** Who has to do something now. */
  responsible(): string[] {
    return this.task.assignee ? [this.task.assignee] : this.offered();
  }

  isRequester(id: string): boolean {
    return isRequester(this.task, id, this.around.people, this.now);
  }

  nameOf(id: string): string {
    return this.around.people.find(id)?.name ?? id;
  }
}

/** In whose name something is done, where it is not one's own, and why. */
export type Said = Pick<TaskEvent, 'onBehalfOf' | 'reason'>;

export const said = (person: string, principal: string, reason: string | undefined): Said => ({
  ...(principal !== person && { onBehalfOf: principal }),
  ...saidWhy(reason),
});

export const saidWhy = (reason: string | undefined): Pick<Said, 'reason'> => (reason?.trim() ? { reason } : {});
