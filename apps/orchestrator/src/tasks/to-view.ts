import { catalog, type MessageType } from '@throughline/contracts';
import { traceUrl } from '@throughline/telemetry';
import type { StoredStandIn } from './find-stand-ins.js';
import type { StoredTaskEvent } from './find-task-events.js';
import type { People } from './people.js';
import { candidateRoles, hasEnded } from './task.js';
import type { StoredTask } from './task-row.js';
import type { TaskStory } from './tasks.js';
import type {
  AbsenceView,
  DelegationView,
  FactView,
  PersonView,
  TaskEventView,
  TaskSummaryView,
  TaskView,
} from './views.js';

export function toTaskSummaryView(task: StoredTask, people: People, now: string): TaskSummaryView {
  const { subject, facts, terms, approvals } = task;
  const { name } = facts;
  return {
    id: task.id,
    version: task.version,
    status: task.status,
    process: subject.process,
    instanceId: subject.instanceId,
    key: subject.key,
    title: typeof name === 'string' ? name : subject.key,
    checkpoint: subject.checkpoint,
    unit: subject.unit,
    owner: subject.owner,
    roles: candidateRoles(task),
    assignee: toPerson(task.assignee, people),
    actsFor: toPerson(task.actsFor, people),
    requestedBy: toPerson(task.requestedBy, people),
    amount: task.amount,
    currency: task.currency,
    openedAt: task.openedAt,
    dueAt: task.dueAt ?? null,
    isOverdue: !hasEnded(task) && task.dueAt !== undefined && task.dueAt <= now,
    escalatedAt: task.escalatedAt ?? null,
    approvalsNeeded: terms.fourEyes ? 2 : 1,
    approvalsGiven: approvals.length,
    endedAt: task.endedAt ?? null,
  };
}

export function toTaskView(story: TaskStory & { viewerUrl: string | undefined }): TaskView {
  const { task, events, people, actions, starts, now, viewerUrl } = story;
  const { subject, policy, terms, approvals, attachments, traceId } = task;
  return {
    ...toTaskSummaryView(task, people, now),
    instance: `/v1/instances/${subject.instanceId}`,
    occurrence: subject.occurrence,
    correlationId: subject.correlationId,
    traceId,
    traceUrl: traceUrl(viewerUrl, traceId),
    facts: Object.entries(task.facts).map(([name, value]) => toFact(name, value, starts)),
    policy: {
      policy: policy.policy,
      version: policy.version,
      rule: policy.rule,
      because: (policy as { because?: string }).because ?? null,
    },
    terms,
    form: terms.form.map(({ options, ...field }) => ({ ...field, options: options ?? null })),
    approvals: approvals.map(({ by, onBehalfOf, at, reason, values }) => ({
      by: toPerson(by, people)!,
      onBehalfOf: toPerson(onBehalfOf, people),
      at,
      reason: reason ?? null,
      values,
    })),
    attachments: attachments.map(({ by, sha256, ...rest }) => ({
      ...rest,
      sha256: sha256 ?? null,
      by: toPerson(by, people)!,
    })),
    question: task.sentBack?.reason ?? null,
    remindAt: task.remindAt ?? null,
    escalateAt: task.escalateAt ?? null,
    expiresAt: task.expiresAt ?? null,
    followUpAt: task.followUpAt ?? null,
    actions: actions ?? null,
    history: events.map((event) => toTaskEventView(event, people)),
  };
}

export function toTaskEventView(event: StoredTaskEvent, people: People): TaskEventView {
  const { by, onBehalfOf, notified, at, ...rest } = event;
  return {
    ...rest,
    at: at.toISOString(),
    by: toPerson(by, people)!,
    onBehalfOf: toPerson(onBehalfOf, people),
    notified: notified.map((id) => toPerson(id, people)!),
  };
}

export function toAbsenceView(absence: StoredStandIn, people: People): AbsenceView {
  const { id, person, startsAt, endsAt, reason, madeBy, madeAt, endedBy, endedAt } = absence;
  return {
    id,
    person: toPerson(person, people)!,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    reason,
    madeBy,
    madeAt: madeAt.toISOString(),
    endedBy,
    endedAt: endedAt?.toISOString() ?? null,
  };
}

export function toDelegationView(delegation: StoredStandIn, people: People): DelegationView {
  return { ...toAbsenceView(delegation, people), delegate: toPerson(delegation.delegate, people)! };
}

function toPerson(id: string | null | undefined, people: People): PersonView | null {
  return id == null ? null : { id, name: people.find(id)?.name ?? id };
}

interface Documented {
  fields: { name: string; doc?: string }[];
}

/** A fact as a person reads it: `totalAmount` is "Total amount", and the contract says what that is. */
function toFact(name: string, value: unknown, starts: string): FactView {
  const schema = catalog[starts as MessageType]?.schema as Documented | undefined;
  const words = name
    .replaceAll('.', ' of ')
    .replaceAll(/([A-Z])/g, ' $1')
    .toLowerCase();
  return {
    name,
    label: words[0]!.toUpperCase() + words.slice(1),
    description: schema?.fields.find((field) => field.name === name)?.doc ?? null,
    value: value ?? null,
  };
}
