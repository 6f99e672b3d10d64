import type { Queryable, Statement } from '@throughline/postgres';
import { hasEnded, type TaskStatus } from './task.js';
import { taskColumns, toTask, type StoredTask, type TaskRow } from './task-row.js';

/** A person, in whose names they may act, and by which roles; none while they are away. */
export interface Reach {
  names: string[];
  roles: string[];
}

export interface TaskFilter {
  /** Without one: all that have not ended. */
  statuses?: TaskStatus[] | undefined;
  /** What a person holds, may take, or has to answer. */
  mine?: Reach | undefined;
  role?: string | undefined;
  assignee?: string | undefined;
  process?: string | undefined;
  checkpoint?: string | undefined;
  instanceId?: string | undefined;
  key?: string | undefined;
  /** Late at this moment. */
  overdueAt?: Date | undefined;
  amountFrom?: string | undefined;
  currency?: string | undefined;
  /** Only what comes after this one: the last of the page before. */
  after?: string | undefined;
  limit: number;
}

type Condition = [name: keyof TaskFilter, text: (n: number) => string, values: (filter: TaskFilter) => unknown[]];

const one = (name: keyof TaskFilter, text: (n: number) => string): Condition => [
  name,
  text,
  (filter) => [filter[name]],
];

const conditions: Condition[] = [
  one('statuses', (n) => `status = ANY($${n}::text[])`),
  [
    'mine',
    // Not their own requests, and not what waits for a second person after them.
    (n) => `
      CASE status
        WHEN 'claimed' THEN assignee = ANY($${n}::text[])
        WHEN 'open' THEN roles && $${n + 1}::text[] AND NOT approved_by && $${n}::text[]
          AND NOT requesters && $${n}::text[]
        WHEN 'sent-back' THEN requested_by = ANY($${n}::text[])
        ELSE approved_by && $${n}::text[]
      END`,
    ({ mine }) => [mine!.names, mine!.roles],
  ],
  one('role', (n) => `$${n} = ANY(roles)`),
  one('assignee', (n) => `assignee = $${n}`),
  one('process', (n) => `process = $${n}`),
  one('checkpoint', (n) => `checkpoint = $${n}`),
  one('instanceId', (n) => `instance_id = $${n}::bigint`),
  one('key', (n) => `key = $${n}`),
  one('overdueAt', (n) => `due_at <= $${n}`),
  one('amountFrom', (n) => `amount >= $${n}::numeric`),
  one('currency', (n) => `currency = $${n}`),
];

interface Order {
  name: string;
  /** What the index holds that is read in this order. */
  where?: string;
  by: string;
  after: (n: number) => string;
}

const byUrgency: Order = {
  name: 'by-urgency',
  by: `coalesce(due_at, 'infinity'), id`,
  after: (n) =>
    `(coalesce(due_at, 'infinity'), id) > (SELECT coalesce(due_at, 'infinity'), id FROM task WHERE id = $${n}::bigint)`,
};

const byEnd: Order = {
  name: 'by-end',
  where: 'ended_at IS NOT NULL',
  by: 'ended_at DESC, id DESC',
  after: (n) => `(ended_at, id) < ((SELECT ended_at FROM task WHERE id = $${n}::bigint), $${n}::bigint)`,
};

/** Tasks that meet every condition given: the one that is due first comes first; where only ended ones are asked for, the one that ended last. */
export async function findTasks(database: Queryable, filter: TaskFilter): Promise<StoredTask[]> {
  const given = conditions.filter(([name]) => filter[name] !== undefined);
  const values: unknown[] = [filter.limit];
  const order = filter.statuses?.every((status) => hasEnded({ status })) ? byEnd : byUrgency;
  const where = given.map(([, text, valuesOf]) => {
    const condition = text(values.length + 1);
    values.push(...valuesOf(filter));
    return `(${condition})`;
  });
  if (!filter.statuses) where.push('ended_at IS NULL');
  if (order.where) where.push(order.where);
  if (filter.after !== undefined) where.push(order.after(values.push(filter.after)));
  // A statement per combination: one statement for all of them could use none of the indexes.
  const statement: Statement = {
    name: ['find-tasks', order.name, ...given.map(([name]) => name), ...(filter.after ? ['after'] : [])].join('-'),
    text: `
      SELECT ${taskColumns} FROM task WHERE ${where.join(' AND ') || 'true'}
       ORDER BY ${order.by} LIMIT $1`,
  };
  return (await database.query<TaskRow>(statement, values)).map(toTask);
}

const byId: Statement = { name: 'read-task', text: `SELECT ${taskColumns} FROM task WHERE id = $1` };

export async function readTask(database: Queryable, id: string): Promise<StoredTask | undefined> {
  const [row] = await database.query<TaskRow>(byId, [id]);
  return row && toTask(row);
}
