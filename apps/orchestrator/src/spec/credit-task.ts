import { addDuration, compileCalendar, type Duration } from '@throughline/process';
import { decideTask, joinRequesters, passTime, withdrawTask } from '../tasks/decide-task.js';
import type { Action, Actor } from '../tasks/decide-task/action.js';
import type { DecidedTask } from '../tasks/decide-task/turn.js';
import { openTask } from '../tasks/open-task.js';
import { People, type Absence, type Delegation, type Person } from '../tasks/people.js';
import type { Task, TaskEvent, Verdict } from '../tasks/task.js';
import { readTerms, type Terms } from '../tasks/terms.js';

const person = (id: string, name: string, ...roles: string[]): Person => ({
  id,
  name,
  roles,
  email: `${id}@example.com`,
  aliases: id === 'sol' ? ['hubspot:4711:owner:77'] : [],
});

/** Carla and Carlo control credit; Hedda heads them; Sol sells, and is a controller by night; Dana has no role here. */
export const persons = [
  person('carla', 'Carla', 'credit-controller'),
  person('carlo', 'Carlo', 'credit-controller'),
  person('cosima', 'Cosima', 'credit-controller'),
  person('hedda', 'Hedda', 'head-of-credit'),
  person('sol', 'Sol', 'sales', 'credit-controller'),
  person('dana', 'Dana', 'legal'),
];

/** Monday to Friday, nine to five, in UTC. */
const officeHours = compileCalendar({
  calendar: 'office',
  'time-zone': 'UTC',
  hours: Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'].map((day) => [day, '09:00-17:00']),
  ),
  'holidays-known-until': '2030-12-31',
});

/** A Monday. */
export const MORNING = '2026-11-23T10:00:00.000Z';

export const terms = (outputs: Record<string, unknown> = {}): Terms => {
  const read = readTerms({ roles: 'credit-controller', ...outputs });
  if ('problems' in read) throw new Error(read.problems.join('; '));
  return read.terms;
};

interface Given {
  outputs?: Record<string, unknown>;
  requestedBy?: string;
  /** As the process names them, where there are several. */
  requesters?: string[];
  /** The step after it that cannot be undone. */
  irreversible?: string;
  delegations?: Omit<Delegation, 'id'>[];
  absences?: Omit<Absence, 'id'>[];
}

/** given / when / then without mocks: actions go in, the task, its audit and the verdict are looked at. */
export class TaskStory {
  task: Task;
  now = MORNING;
  verdict: Verdict | undefined;
  readonly audit: TaskEvent[];
  readonly people: People;

  private readonly irreversible: string | undefined;

  constructor({
    outputs = {},
    requestedBy,
    requesters = [],
    irreversible,
    delegations = [],
    absences = [],
  }: Given = {}) {
    this.irreversible = irreversible;
    const numbered = <T>(items: T[]) => items.map((item, index) => ({ ...item, id: String(index + 1) }));
    this.people = new People(persons, numbered(delegations), numbered(absences));
    const opened = openTask(
      {
        subject: {
          instanceId: '7',
          correlationId: 'correlation-7',
          process: 'lead-to-cash',
          processVersion: 2,
          key: 'deal-7',
          occurrence: 1,
        },
        request: {
          unit: 'credit-approval',
          step: 'credit-approval',
          checkpoint: 'credit-approval',
          owner: 'credit-control',
          policy: { policy: 'credit-approval', version: 3, rule: 'over-limit', outputs: {} },
          facts: { totalAmount: '12000.0000', currency: 'EUR', ...(requestedBy && { closedBy: requestedBy }) },
          requesters,
        },
        terms: terms(outputs),
      },
      MORNING,
      this.around,
    );
    this.task = { ...opened.task, id: '1' };
    this.audit = [...opened.audit];
  }

  get around() {
    const later = (at: string, duration: Duration) => addDuration(at, duration, officeHours);
    return { people: this.people, later, irreversible: this.irreversible };
  }

  get last(): TaskEvent {
    return this.audit.at(-1)!;
  }

  by(id: string, action: Action | 'claim' | 'release' | 'approve', actor: Partial<Actor> = {}): this {
    const meant: Action = typeof action === 'string' ? { kind: action } : action;
    return this.take(decideTask(this.task, meant, { id, ...actor }, this.now, this.around));
  }

  /** The clock is moved; what is due happens. */
  at(now: string): this {
    this.now = now;
    return this.take(passTime(this.task, now, this.around));
  }

  /** Somebody changed what is asked for; by id, the latest last. */
  joined(requesters: string[]): this {
    return this.take(joinRequesters(this.task, requesters, this.now, this.around));
  }

  withdrawn(reason: string): this {
    return this.take(withdrawTask(this.task, reason, this.now));
  }

  private take({ task, audit, verdict }: DecidedTask): this {
    this.task = task;
    this.audit.push(...audit);
    this.verdict = verdict ?? this.verdict;
    return this;
  }
}
