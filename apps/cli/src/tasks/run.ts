import { colours, CommandError, print, tell } from '../output.js';
import type { ServicesApi } from '../services-api.js';
import type { StandIn, Task, TaskEvent, TaskSummary } from './answers.js';
import { renderStandIns, renderTask, renderTasks, renderTold } from './render.js';

/** Who has the tasks. */
const SERVICE = 'orchestrator';

export interface ListChoice {
  mine: boolean;
  overdue: boolean;
  role?: string;
  status?: string;
  assignee?: string;
  process?: string;
  checkpoint?: string;
  instance?: string;
  key?: string;
  amountMin?: string;
  currency?: string;
  after?: string;
  limit: number;
  json: boolean;
}

/** `tasks list`. */
export async function list(api: ServicesApi, { json, mine, overdue, ...conditions }: ListChoice): Promise<void> {
  const query = { ...conditions, ...(mine && { mine: 'true' }), ...(overdue && { overdue: 'true' }) };
  const answer = await api.get<{ tasks: TaskSummary[]; next: string | null }>(SERVICE, '/tasks', query);
  if (json) return print(JSON.stringify(answer));
  print(answer.tasks.length > 0 ? renderTasks(answer.tasks) : 'No such tasks.');
  if (answer.next !== null) tell(`There are more: narrow the list, or go on with --after ${answer.next}`);
}

/** `tasks show`. */
export async function show(api: ServicesApi, id: string, { json }: { json: boolean }): Promise<void> {
  const task = await api.get<Task>(SERVICE, `/tasks/${encodeURIComponent(id)}`);
  print(json ? JSON.stringify(task) : renderTask(task));
}

/** `tasks told`: what the actor was told. */
export async function told(
  api: ServicesApi,
  { json, ...query }: { after?: string; limit: number; json: boolean },
): Promise<void> {
  const answer = await api.get<{ events: TaskEvent[]; next: string }>(SERVICE, '/tasks/told', query);
  if (json) return print(JSON.stringify(answer));
  print(answer.events.length > 0 ? renderTold(answer.events) : 'Nothing.');
  if (answer.events.length === query.limit) tell(`There may be more: --after ${answer.next}`);
}

export interface ActChoice {
  reason?: string;
  onBehalfOf?: string;
  seen?: number;
  json: boolean;
}

/**
 * One action on some tasks, each by itself. @returns the exit code: 1 where one of them was refused
 *
 * @param content what this action needs beside what all do
 */
export async function act(
  api: ServicesApi,
  action: string,
  ids: string[],
  { reason, onBehalfOf, seen, json }: ActChoice,
  content: object = {},
): Promise<number> {
  let holds = true;
  for (const id of ids) {
    const body = { ...content, reason, onBehalfOf, version: seen };
    try {
      const task = await api.send<Task>(SERVICE, 'POST', `/tasks/${encodeURIComponent(id)}/${action}`, body);
      print(json ? JSON.stringify(task) : outcome(task));
    } catch (error) {
      if (!(error instanceof CommandError) || error.exitCode !== 1) throw error;
      // A line for each, so that a script knows which of them it was.
      if (json) print(JSON.stringify({ id, refused: error.message }));
      tell(`${colours.red(`task ${id}`)} ${error.message}`);
      holds = false;
    }
  }
  return holds ? 0 : 1;
}

/** What the last entries say, and where the task stands by it. */
function outcome(task: Task): string {
  const { kind } = task.history.at(-1)!;
  const holder = task.assignee && `, held by ${task.assignee.name}${task.actsFor ? ` for ${task.actsFor.name}` : ''}`;
  const second = kind === 'seconding' ? ': a second person has to approve, too' : '';
  return `task ${task.id}  ${task.title}  ${kind === 'seconding' ? 'approved once' : kind}${second}${holder ?? ''}`;
}

/** `limit=5000 EUR`, as often as the form has fields. */
export function answersOf(set: string[] = []): Record<string, string> {
  return Object.fromEntries(
    set.map((text) => {
      const [, field, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (field === undefined || value === undefined) throw new CommandError(`"${text}" is no field=value.`);
      return [field, value];
    }),
  );
}

export type StandInKind = 'delegations' | 'absences';

/** `tasks delegations list`, `tasks absences list`. */
export async function listStandIns(
  api: ServicesApi,
  kind: StandInKind,
  { json, past, person }: { person?: string; past: boolean; json: boolean },
): Promise<void> {
  const query = { person, limit: 200, ...(past && { past: 'true' }) };
  const answer = await api.get<Record<StandInKind, StandIn[]>>(SERVICE, `/${kind}`, query);
  if (json) return print(JSON.stringify(answer));
  print(answer[kind].length > 0 ? renderStandIns(answer[kind]) : `No ${kind}.`);
}

/** `tasks delegations add`, `tasks absences add`. */
export async function addStandIn(
  api: ServicesApi,
  kind: StandInKind,
  {
    json,
    ...wanted
  }: { json: boolean; person?: string; delegate?: string; startsAt?: string; endsAt: string; reason?: string },
): Promise<void> {
  const made = await api.send<StandIn>(SERVICE, 'POST', `/${kind}`, wanted);
  print(json ? JSON.stringify(made) : renderStandIns([made]));
}

/** `tasks delegations end`, `tasks absences end`. */
export async function endStandIn(
  api: ServicesApi,
  kind: StandInKind,
  id: string,
  { json }: { json: boolean },
): Promise<void> {
  const ended = await api.send<StandIn>(SERVICE, 'POST', `/${kind}/${encodeURIComponent(id)}/end`, {});
  print(json ? JSON.stringify(ended) : renderStandIns([ended]));
}
