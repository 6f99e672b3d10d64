import { formatMoney } from '@throughline/contracts';
import { traceUrl } from '@throughline/telemetry';
import { colours, fields, table, time } from '../output.js';
import type {
  Action,
  Attention,
  AuditEntry,
  Instance,
  InstanceSummary,
  Mapping,
  Preview,
  Step,
  Version,
  Wait,
} from './answers.js';

/** Changes of one instance that a preview shows. */
const CHANGES_MAX = 8;

export function renderInstances(instances: InstanceSummary[]): string {
  return table(
    ['instance', 'process', 'what', 'at risk', 'status', 'waits at', 'owner', 'since'],
    instances.map((instance) => {
      const [wait] = instance.waitingFor;
      const more = instance.waitingFor.length - 1;
      return [
        instance.id,
        `${instance.process} ${instance.version}`,
        nameOf(instance),
        atRisk(instance),
        statusOf(instance),
        wait ? `${wait.step}${more > 0 ? ` and ${more} more` : ''}` : '',
        wait?.owner ?? '',
        wait ? time(wait.since) : '',
      ];
    }),
  );
}

export function renderInstance(instance: Instance, viewerUrl: string | undefined): string {
  const heading = (text: string): string[] => ['', colours.bold(text)];
  const { cause, paused } = instance;
  return [
    `${colours.bold(`instance ${instance.id}`)}  ${nameOf(instance)}  ${statusOf(instance)}`,
    fields([
      ['process', `${instance.process} version ${instance.version}`],
      ['key', `${instance.key}, occurrence ${instance.occurrence}`],
      ['at risk', atRisk(instance)],
      ['started', instance.startedAt && time(instance.startedAt)],
      ['ended', instance.endedAt && time(instance.endedAt)],
      ['promised', instance.slaDueAt && time(instance.slaDueAt)],
      ['broken', instance.slaBreachedAt && colours.red(`the promise, ${time(instance.slaBreachedAt)}`)],
      ['amended', instance.revision > 0 ? `${instance.revision} times` : null],
      ['paused', paused && colours.yellow(`by ${paused.by}: ${paused.reason} (${time(paused.at)})`)],
      ['because', cause && [cause.type, cause.reason, cause.message].filter(Boolean).join(' · ')],
      ['trace', traceUrl(viewerUrl, instance.traceId) ?? instance.traceId],
    ]),
    ...heading('steps'),
    table(['step', 'owner', 'state', 'asked', 'outcome', 'decided by'], instance.steps.flatMap(stepRows)),
    ...(instance.waitingFor.length > 0 ? heading('waits for') : []),
    ...instance.waitingFor.map(waitLine),
    ...(instance.timers.length > 0 ? heading('timers') : []),
    ...instance.timers.map(
      ({ unit, kind, at }) => `  ${time(at)}  ${timerText[kind] ?? kind}${unit ? `: ${unit}` : ''}`,
    ),
    ...(instance.attention.length > 0 ? heading('look') : []),
    ...instance.attention.map(attentionLine),
    ...(instance.attention.some(isOpen) ? [seenLine([{ id: instance.id, seen: instance.attention.length }])] : []),
    ...heading('history'),
    table(
      ['when', 'what', 'did', 'step', 'sent', 'who'],
      instance.history.map((entry) => [
        time(entry.recordedAt),
        entry.type,
        entry.effect,
        entry.step ?? '',
        entry.commands.join(', '),
        whoOf(entry),
      ]),
    ),
    '',
    `you may: ${instance.actions.map(({ action, unit }) => (unit ? `${action} ${unit}` : action)).join(', ') || 'look at it'}`,
  ].join('\n');
}

const isOpen = ({ acknowledged }: Attention): boolean => !acknowledged;

const attentionLine = ({ at, message, acknowledged }: Attention): string =>
  `  ${time(at)}  ${acknowledged ? `${message} (acknowledged by ${acknowledged.by}: ${acknowledged.reason})` : colours.yellow(message)}`;

/** What says that all of this was seen. */
const seenLine = (instances: { id: string; seen: number }[]): string =>
  `  seen: npx throughline instances acknowledge ${instances.map(({ id, seen }) => `${id}:${seen}`).join(' ')} --reason ...`;

const timerText: Record<string, string> = { due: 'late', sla: 'promise broken', retry: 'asked again' };

function stepRows(step: Step): string[][] {
  const { condition, policy, skipped, compensation } = step;
  const decided = [
    condition &&
      `${condition.policies.map(policyText).join(', ') || 'its condition'}: ${condition.value ? 'needed' : 'not needed'}`,
    policy && policyText(policy),
    step.by && `${step.outcome ?? ''} by ${step.by}`,
    skipped && `skipped by ${skipped.by}: ${skipped.reason}`,
  ];
  const row = [
    step.step,
    step.owner,
    step.slaBreachedAt ? `${step.status}, ${colours.red('promise broken')}` : step.status,
    step.attempts > 1 ? `${step.command ?? ''} ${step.attempts} times` : step.commandedAt ? (step.command ?? '') : '',
    [step.outcome, step.reason, step.message].filter(Boolean).join(' · '),
    decided.filter(Boolean).join('; '),
  ];
  if (!compensation) return [row];
  const outcome = [compensation.outcome, compensation.reason, compensation.message].filter(Boolean).join(' · ');
  return [row, [`  undo ${step.step}`, step.owner, '', compensation.command ?? '', outcome, '']];
}

const policyText = ({ policy, version, rule }: { policy: string; version: number; rule: string }): string =>
  `${policy} ${version} (${rule})`;

function waitLine({ step, owner, events, since, dueAt, isOverdue, needsPerson }: Wait): string {
  const state = needsPerson ? colours.red('needs a person') : isOverdue ? colours.yellow('overdue') : 'waiting';
  const what = events.length > 0 ? ` for ${events.join(' or ')}` : '';
  return `  ${state}: ${step} (${owner})${what} since ${time(since)}${dueAt ? `, due ${time(dueAt)}` : ''}`;
}

function whoOf({ source, detail }: Instance['history'][number]): string {
  const { by, reason } = (detail ?? {}) as { by?: string; reason?: string };
  return by ? [by, reason].filter(Boolean).join(': ') : (source ?? '');
}

/**
 * What would come of it, instance by instance; the same for an action and for a migration.
 * @param unknown numbers that were asked for, and are no instance's
 */
export function renderPreviews(previews: Preview[], total: number, unknown: string[] = []): string {
  const lines = previews.flatMap((preview) => {
    const { id, process, key, occurrence, status, statusAfter, commands, asks, why } = preview;
    const title = `${colours.bold(id)}  ${process} ${key}/${occurrence}`;
    if (preview.outcome === 'refused') return [`${title}  ${colours.yellow('refused')}: ${why}`];
    return [
      `${title}  ${status} -> ${statusAfter}`,
      ...commands.map(({ type, unit }) => `  would send  ${type} for ${unit}`),
      ...asks.map((unit) => `  would ask   a person, at ${unit}`),
      ...changesOf(preview),
    ];
  });
  lines.push(...unknown.map(unknownLine));
  const rest = total - previews.length - unknown.length;
  return [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n') || 'No such instances.';
}

const unknownLine = (id: string): string =>
  `${colours.bold(id)}  ${colours.yellow('refused')}: there is no such instance`;

/** What would be acknowledged, instance by instance, and how; `unknown` as for any preview. */
export function renderUnseen(previews: Preview[], total: number, unknown: string[]): string {
  const done = previews.filter(({ outcome }) => outcome === 'done');
  const lines = previews.flatMap(({ id, process, key, occurrence, outcome, why, before }) => {
    const title = `${colours.bold(id)}  ${process} ${key}/${occurrence}`;
    if (outcome === 'refused') return [`${title}  ${colours.yellow('refused')}: ${why}`];
    return [title, ...(before?.['attention'] as Attention[]).filter(isOpen).map(attentionLine)];
  });
  lines.push(...unknown.map(unknownLine));
  const rest = total - previews.length - unknown.length;
  const more = rest > 0 ? [`and ${rest} more, which nobody has seen: acknowledge these, then look at the next`] : [];
  return [...lines, ...(done.length > 0 ? [seenLine(done)] : []), ...more].join('\n') || 'No such instances.';
}

function changesOf({ before, after }: Preview): string[] {
  const places = Object.keys(after ?? {});
  const shown = places.slice(0, CHANGES_MAX).map((place) => `  would change  ${place}: ${short(before?.[place])} -> ${short(after?.[place])}`); // prettier-ignore
  return places.length > shown.length ? [...shown, `  and ${places.length - shown.length} more places`] : shown;
}

function short(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

export function renderAction(action: Action): string {
  const { done, refused, pending, total } = action;
  const refusals = (action.results ?? []).filter(({ outcome }) => outcome === 'refused');
  return [
    `${colours.bold(action.action)} ${action.id}  ${actionStatus(action.status)}`,
    fields([
      ['by', `${action.actor}: ${action.reason}`],
      ['done', `${done} of ${total}`],
      ['refused', refused > 0 ? colours.yellow(String(refused)) : null],
      [action.status === 'stopped' ? 'not done' : 'pending', pending > 0 ? String(pending) : null],
      ['stopped', action.stoppedBy && `by ${action.stoppedBy}: ${action.stoppedBecause}`],
    ]),
    ...refusals.slice(0, 20).map(({ instanceId, why }) => `  ${instanceId}  ${colours.yellow('refused')}: ${why}`),
    ...(refused > 20 ? [`  all of them: npx throughline instances audit --action ${action.id}`] : []),
  ].join('\n');
}

export function renderActions(actions: Action[]): string {
  return table(
    ['action', 'id', 'status', 'done', 'refused', 'pending', 'when', 'by', 'why'],
    actions.map((one) => [
      one.action,
      one.id,
      actionStatus(one.status),
      one.done,
      one.refused,
      one.pending,
      time(one.requestedAt),
      one.actor,
      one.reason,
    ]),
  );
}

export function renderAudit(entries: AuditEntry[]): string {
  return table(
    ['when', 'who', 'did', 'to', 'outcome', 'sent', 'why'],
    entries.map(({ at, actor, action, instanceId, outcome, why, commands, reason }) => [
      time(at),
      actor,
      action,
      instanceId,
      outcome === 'refused' ? `${colours.yellow('refused')}: ${why}` : outcome,
      commands.join(', '),
      reason,
    ]),
  );
}

export function renderVersions(versions: Version[]): string {
  return table(
    ['process', 'version', '', 'instances', 'since'],
    versions.map(({ process, version, active, storedAt, instances }) => [
      process,
      version,
      active ? colours.green('active') : '',
      Object.entries(instances).map(([status, count]) => `${count} ${status}`).join(', '), // prettier-ignore
      time(storedAt),
    ]),
  );
}

export function renderMapping({ same, renamed, added, removed }: Mapping): string {
  const renames = Object.entries(renamed).map(([was, is]) => `${was} -> ${is}`);
  return fields([
    ['same', same.join(', ')],
    ['renamed', renames.join(', ')],
    ['added', added.join(', ')],
    ['removed', removed.join(', ')],
  ]);
}

function nameOf({ attributes, key, occurrence }: InstanceSummary): string {
  const name = attributes['name'];
  return `${typeof name === 'string' ? name : key}${occurrence > 1 ? `, closing ${occurrence}` : ''}`;
}

const atRisk = ({ amount, currency }: InstanceSummary): string =>
  amount && currency ? formatMoney(amount, currency) : '';

function statusOf({ status }: InstanceSummary): string {
  const colour =
    { completed: colours.green, running: colours.cyan, deciding: colours.cyan, compensating: colours.cyan }[status] ??
    { stopped: colours.red, overdue: colours.red }[status] ??
    colours.yellow;
  return colour(status);
}

const actionStatus = (status: string): string =>
  (({ running: colours.cyan, done: colours.green })[status] ?? colours.yellow)(status);
