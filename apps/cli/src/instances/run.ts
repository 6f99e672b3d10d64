import { CommandError, print, tell } from '../output.js';
import type { ServicesApi } from '../services-api.js';
import type { Action, AuditEntry, Instance, InstanceSummary, Preview } from './answers.js';
import { toFilter } from './commands.js';
import {
  renderAction,
  renderActions,
  renderAudit,
  renderInstance,
  renderInstances,
  renderPreviews,
  renderUnseen,
} from './render.js';

export const ORCHESTRATOR = 'orchestrator';
const POLL_MS = 300;
/** How many instances a preview looks at. */
const PREVIEWED = 50;

export interface FilterChoice {
  process?: string;
  ofVersion?: string;
  key?: string;
  externalId?: string;
  status?: string;
  step?: string;
  owner?: string;
  where?: string[];
  currency?: string;
  amountMin?: string;
  amountMax?: string;
  inStatusFor?: string;
  startedFor?: string;
  paused?: boolean;
  attention?: boolean;
}

export interface ListChoice extends FilterChoice {
  sort?: string;
  before?: string;
  limit: number;
  json: boolean;
}

interface Page {
  instances: InstanceSummary[];
  next: string | null;
}

/** `instances list`. A page that looked at many for a few is followed by the next one, until there are enough. */
export async function list(api: ServicesApi, choice: ListChoice): Promise<void> {
  const instances: InstanceSummary[] = [];
  let next: string | null = choice.before ?? null;
  do {
    const query = new URLSearchParams({ limit: String(choice.limit - instances.length) });
    for (const [name, value] of Object.entries(toFilter(choice)))
      for (const one of [value].flat()) query.append(name, String(one));
    if (choice.sort) query.set('sort', choice.sort);
    if (next) query.set('before', next);
    const page: Page = await api.get<Page>(ORCHESTRATOR, `/instances?${query.toString()}`);
    instances.push(...page.instances);
    next = page.next;
  } while (next !== null && instances.length < choice.limit);
  if (choice.json) return print(JSON.stringify({ instances, next }));
  print(instances.length > 0 ? renderInstances(instances) : 'No such instances.');
  if (next !== null) tell(`There are more: narrow the list, or go on with --before ${next}`);
}

/** `instances show`. */
export async function show(
  api: ServicesApi,
  id: string,
  { json }: { json: boolean },
  viewerUrl: string | undefined,
): Promise<void> {
  const instance = await api.get<Instance>(ORCHESTRATOR, `/instances/${id}`);
  print(json ? JSON.stringify(instance) : renderInstance(instance, viewerUrl));
}

export interface ActChoice extends FilterChoice {
  preview: boolean;
  reason?: string;
  id?: string;
  unit?: string;
  set?: string[];
  wait: boolean;
  json: boolean;
}

/** `instances pause`, `resume`, `retry`, `skip`, `cancel`, `keep`, `repair`, `acknowledge`. @returns the exit code */
export async function act(api: ServicesApi, action: string, ids: string[], choice: ActChoice): Promise<number> {
  const filter = toFilter(choice);
  const hasFilter = Object.keys(filter).length > 0;
  if (ids.length > 0 === hasFilter) throw new CommandError('Say which instances: either numbers, or conditions.');
  const isAcknowledged = action === 'acknowledge' && !choice.preview;
  // A preview shows all that there is, also to who names what they have seen already.
  const named = action === 'acknowledge' ? ids.map((id) => id.replace(/:\d+$/, '')) : ids;
  const wanted = {
    action,
    ...(isAcknowledged ? { seen: toSeen(ids) } : hasFilter ? { filter } : { ids: named }),
    ...(choice.unit !== undefined && { unit: choice.unit }),
    ...(choice.set && { facts: toFacts(choice.set) }),
  };
  if (choice.preview) {
    type Previews = { total: number; instances: Preview[] };
    const { total, instances } = await api.send<Previews>(ORCHESTRATOR, 'POST', '/actions/preview', wanted);
    if (choice.json) print(JSON.stringify({ total, instances }));
    // A preview looks at the first of them only; of these, what was not found is no instance.
    const isWhole = named.length > 0 && named.length <= PREVIEWED;
    const unknown = isWhole ? named.filter((id) => instances.every((instance) => instance.id !== id)) : [];
    if (!choice.json)
      print(
        action === 'acknowledge' ? renderUnseen(instances, total, unknown) : renderPreviews(instances, total, unknown),
      );
    const isRefused = unknown.length > 0 || instances.some(({ outcome }) => outcome === 'refused');
    return isRefused || instances.length === 0 ? 1 : 0;
  }
  const request = { ...wanted, reason: needed(choice.reason), ...(choice.id !== undefined && { id: choice.id }) };
  const begun = await api.send<Action>(ORCHESTRATOR, 'POST', '/actions', request);
  const code = await finish(api, begun, choice);
  // Conditions that nothing meets: its preview says so, too.
  return begun.total === 0 ? 1 : code;
}

/** `12:3`: of instance 12, the first three entries of what a person should look at. */
function toSeen(ids: string[]): Record<string, number> {
  const seen = ids.map((id) => /^(\d+):(\d+)$/.exec(id)?.slice(1) as [string, string] | undefined);
  const twice = seen.find((one, index) => one && seen.slice(0, index).some((other) => other?.[0] === one[0]));
  if (twice) throw new CommandError(`Instance ${twice[0]} is named twice: say once how much of it you have seen.`);
  if (seen.length > 0 && seen.every((one) => one !== undefined))
    return Object.fromEntries(seen.map(([id, count]) => [id, Number(count)]));
  throw new CommandError(
    'Say what you have seen, for what comes meanwhile stays open: for example 12:3, as --preview and "instances show" tell.',
  );
}

/** Waits for the end of an action and says what came of it. @returns the exit code */
export async function finish(
  api: ServicesApi,
  begun: Action,
  { wait, json }: { wait: boolean; json: boolean },
): Promise<number> {
  let action = begun;
  while (wait && action.status === 'running') {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${action.done + action.refused} of ${action.total}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    action = await api.get<Action>(ORCHESTRATOR, `/actions/${begun.id}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  // What a migration answers first has no results with it.
  if (action.results === undefined) action = await api.get<Action>(ORCHESTRATOR, `/actions/${begun.id}`);
  print(json ? JSON.stringify(action) : renderAction(action));
  if (action.status === 'running' && !json)
    tell(`It goes on by itself: npx throughline instances actions ${action.id}`);
  return action.refused > 0 || action.status === 'stopped' ? 1 : 0;
}

/** `instances actions`. */
export async function actions(api: ServicesApi, id: string | undefined, { json }: { json: boolean }): Promise<void> {
  if (id !== undefined) {
    const action = await api.get<Action>(ORCHESTRATOR, `/actions/${encodeURIComponent(id)}`);
    return print(json ? JSON.stringify(action) : renderAction(action));
  }
  const answer = await api.get<{ actions: Action[] }>(ORCHESTRATOR, '/actions');
  if (json) return print(JSON.stringify(answer));
  print(answer.actions.length > 0 ? renderActions(answer.actions) : 'Nothing was asked for.');
}

/** `instances stop`. */
export async function stop(api: ServicesApi, id: string, choice: { reason?: string; json: boolean }): Promise<void> {
  const body = { reason: needed(choice.reason) };
  const action = await api.send<Action>(ORCHESTRATOR, 'POST', `/actions/${encodeURIComponent(id)}/stop`, body);
  print(choice.json ? JSON.stringify(action) : renderAction(action));
}

export interface AuditChoice {
  instance?: string;
  action?: string;
  by?: string;
  limit: number;
  json: boolean;
}

/** `instances audit`. */
export async function audit(api: ServicesApi, choice: AuditChoice): Promise<void> {
  const { instance, action, by: actor, limit } = choice;
  type Entries = { entries: AuditEntry[]; next: string | null };
  const answer = await api.get<Entries>(ORCHESTRATOR, '/audit', { instance, action, actor, limit });
  if (choice.json) return print(JSON.stringify(answer));
  print(answer.entries.length > 0 ? renderAudit(answer.entries) : 'Nothing was done.');
  if (answer.next !== null) tell(`There are more than ${limit}: narrow the list, or raise --limit.`);
}

/** `start.totalAmount=120.0000`, `order.orderNumber="12"`: money is text, so only what is quoted, or no text at all, is read as JSON. */
export function toFacts(assignments: string[]): {
  start?: Record<string, unknown>;
  steps?: Record<string, Record<string, unknown>>;
} {
  const facts: ReturnType<typeof toFacts> = {};
  for (const assignment of assignments) {
    const [, where, field, text] = /^([a-z][a-z0-9-]*)\.([A-Za-z][A-Za-z0-9]*)=(.*)$/s.exec(assignment) ?? [];
    if (where === undefined || field === undefined || text === undefined)
      throw new CommandError(`"${assignment}" is no start.<field>=value or <step>.<field>=value.`);
    const value: unknown = /^(["[{]|null$|true$|false$)/.test(text) ? parse(text, assignment) : text;
    if (where === 'start') facts.start = { ...facts.start, [field]: value };
    else facts.steps = { ...facts.steps, [where]: { ...facts.steps?.[where], [field]: value } };
  }
  return facts;
}

function parse(text: string, assignment: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`"${assignment}" begins like JSON and is none: ${(error as Error).message}`);
  }
}

export function needed(reason: string | undefined): string {
  if (reason?.trim()) return reason;
  throw new CommandError('Say why with --reason: it is kept with what you do.');
}
