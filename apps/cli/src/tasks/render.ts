import { formatMoney, isExpressible } from '@throughline/contracts';
import { colours, fields, table, time } from '../output.js';
import type { Person, StandIn, Task, TaskEvent, TaskSummary } from './answers.js';

export function renderTasks(tasks: TaskSummary[]): string {
  return table(
    ['task', 'status', 'due', 'at risk', 'checkpoint', 'what', 'held by', 'for'],
    tasks.map((task) => [
      task.id,
      statusOf(task),
      dueOf(task),
      atRisk(task),
      task.checkpoint,
      task.title,
      task.assignee ? nameOf(task.assignee, task.actsFor) : '',
      task.status === 'sent-back' ? (task.requestedBy?.name ?? '') : task.roles.join(', '),
    ]),
  );
}

export function renderTask(task: Task): string {
  const { policy, approvalsNeeded, approvalsGiven } = task;
  const heading = (text: string): string[] => ['', colours.bold(text)];
  return [
    `${colours.bold(`task ${task.id}`)}  ${task.title}  ${statusOf(task)}`,
    fields([
      ['checkpoint', `${task.checkpoint} of ${task.process} (${task.unit}, ${task.owner})`],
      ['at risk', atRisk(task)],
      ['policy', `${policy.policy} version ${policy.version}, ${policy.rule}`],
      ['because', policy.because],
      ['decides', task.roles.join(', ')],
      ['held by', task.assignee && nameOf(task.assignee, task.actsFor)],
      ['approvals', approvalsNeeded > 1 ? `${approvalsGiven} of ${approvalsNeeded}` : null],
      ['requested', task.requestedBy?.name ?? null],
      ['asked', task.question && colours.yellow(task.question)],
      ['opened', time(task.openedAt)],
      ['due', dueOf(task)],
      ['escalated', task.escalatedAt && time(task.escalatedAt)],
      ['expires', task.expiresAt && time(task.expiresAt)],
      ['follow-up', task.followUpAt && time(task.followUpAt)],
      ['version', String(task.version)],
      ['instance', task.instance],
      ['trace', task.traceUrl ?? task.traceId],
    ]),
    ...heading('facts'),
    fields(factsOf(task).map(([label, text]) => [`  ${label}`, text])),
    ...(task.form.length > 0 ? [...heading('form'), ...task.form.map(formLine)] : []),
    ...(task.attachments.length > 0 ? heading('documents') : []),
    ...task.attachments.map(({ name, uri, by, at }) => `  ${name}  ${uri}  (${by.name}, ${time(at)})`),
    ...heading('history'),
    renderEvents(task.history),
    ...(task.actions ? ['', `you may: ${task.actions.join(', ') || 'look at it'}`] : []),
  ].join('\n');
}

export function renderTold(events: TaskEvent[]): string {
  return table(
    ['when', 'task', 'what', 'who', 'why'],
    events.map(({ at, taskId, kind, by, onBehalfOf, reason }) => {
      return [time(at), taskId, kind, nameOf(by, onBehalfOf), reason ?? ''];
    }),
  );
}

export function renderStandIns(standIns: StandIn[]): string {
  return table(
    ['id', 'who', 'from', 'until', 'acts for them', 'why'],
    standIns.map(({ id, person, delegate, startsAt, endsAt, reason, endedAt, endedBy }) => {
      const until = endedAt ? `${time(endedAt)}, ended by ${endedBy}` : time(endsAt);
      return [id, person.name, time(startsAt), until, delegate?.name ?? '', reason ?? ''];
    }),
  );
}

function renderEvents(events: TaskEvent[]): string {
  return table(
    ['  when', 'did', 'who', 'what', 'told'],
    events.map(({ at, kind, by, onBehalfOf, reason, details, notified }) => {
      const what = [reason, details && textOf(details)].filter(Boolean).join(' · ');
      return [`  ${time(at)}`, kind, nameOf(by, onBehalfOf), what, notified.map(({ name }) => name).join(', ')];
    }),
  );
}

function formLine({ name, label, type, required, options }: Task['form'][number]): string {
  const kind = options ? `one of ${options.join(', ')}` : type;
  return `  --set ${name}=...  ${label} (${kind}${required ? ', required' : ''})`;
}

function statusOf({ status, escalatedAt, isOverdue }: TaskSummary): string {
  const colour =
    { approved: colours.green, rejected: colours.red, withdrawn: colours.dim, 'sent-back': colours.yellow }[status] ??
    colours.cyan;
  const more = [isOverdue && colours.red('overdue'), escalatedAt && colours.yellow('escalated')].filter(Boolean);
  return [colour(status), ...more].join(', ');
}

function dueOf({ dueAt, isOverdue }: TaskSummary): string {
  if (dueAt === null) return '';
  return isOverdue ? colours.red(time(dueAt)) : time(dueAt);
}

function atRisk({ amount, currency }: TaskSummary): string {
  return amount !== null && currency !== null ? formatMoney(amount, currency) : '';
}

function nameOf(person: Person, onBehalfOf: Person | null): string {
  return onBehalfOf ? `${person.name} for ${onBehalfOf.name}` : person.name;
}

/** Ids of the contracts that tell a person nothing; any other, such as a tax number, may be what is decided by. */
const TECHNICAL_IDS: ReadonlySet<string> = new Set(['accountId', 'externalIds', 'lineItemId', 'productId']);

/**
 * Facts as a person reads them: what is empty, and ids that only programs need, are left out; amounts are in the currency beside them, or
 * of what is at risk.
 */
export function factsOf({
  facts,
  currency: atRisk,
}: Pick<Task, 'facts' | 'currency'>): [label: string, text: string][] {
  const currency = facts.find(({ name }) => name === 'currency')?.value ?? atRisk;
  const reading = { hidden: TECHNICAL_IDS, ...(typeof currency === 'string' && { currency }) };
  return facts.map(({ name, label, value }) => [label, textOf(value, { ...reading, name })]);
}

interface Reading {
  /** What the value is called. */
  name?: string;
  /** Names that are left out. */
  hidden?: ReadonlySet<string>;
  /** Of amounts. */
  currency?: string;
}

/** `{ to: "ben" }` is "to ben". */
function textOf(value: unknown, reading: Reading = {}): string {
  if (value == null) return '';
  if (Array.isArray(value)) return value.map((part) => textOf(part, reading)).join('; ');
  if (typeof value === 'string') return moneyOf(value, reading) ?? value;
  if (typeof value !== 'object') return JSON.stringify(value);
  const { currency = reading.currency } = value as { currency?: string };
  return Object.entries(value)
    .filter(([name, part]) => part != null && part !== '' && !reading.hidden?.has(name))
    .map(([name, part]) => `${name} ${textOf(part, { ...reading, name, ...(currency && { currency }) })}`)
    .join(', ');
}

/** An amount with its currency; exactly, where the currency has no such fraction. */
function moneyOf(value: string, { name = '', currency }: Reading): string | undefined {
  if (!currency || !/(^a|A)mount$/.test(name) || !/^-?\d+(\.\d+)?$/.test(value)) return undefined;
  return isExpressible(value, currency) ? formatMoney(value, currency) : `${value} ${currency}`;
}
