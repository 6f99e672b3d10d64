import type { PolicyOutcome } from '@throughline/process';
import type { FormValue } from './form.js';
import type { Terms } from './terms.js';

/**
 * - `open`: in the queue of its roles; `claimed`: somebody holds it; `sent-back`: whoever requested it has to answer
 * - `approved`, `rejected`: decided, and the process has gone on; `withdrawn`: the process needs no decision any more
 */
export const taskStatuses = ['open', 'claimed', 'sent-back', 'approved', 'rejected', 'withdrawn'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** Who acts where nobody does: time, and the process itself. */
export const SYSTEM = 'system';

/** What a task decides about. */
export interface Subject {
  instanceId: string;
  correlationId: string;
  process: string;
  processVersion: number;
  key: string;
  occurrence: number;
  unit: string;
  step: string;
  checkpoint: string;
  /** Who answers for the step. */
  owner: string;
}

/** One person's yes. */
export interface Approval {
  by: string;
  /** In whose name; absent where it is their own. */
  onBehalfOf?: string;
  at: string;
  reason?: string;
  values: Record<string, FormValue>;
}

/** A document by reference: what it says stays where it lies. */
export interface Attachment {
  name: string;
  uri: string;
  /** Of the content, in hexadecimal, so that a later change of it shows. */
  sha256?: string;
  by: string;
  at: string;
}

/** A decision that a person owes. Times are ISO 8601 in UTC. */
export interface Task {
  id: string;
  /** Grows with every change; whoever has seen an older one is told. */
  version: number;
  status: TaskStatus;
  subject: Subject;
  policy: PolicyOutcome;
  facts: Record<string, unknown>;
  terms: Terms;
  /** Whose request it is now, and who answers for it: a person's id where the directory knows them. */
  requestedBy?: string;
  /** Everybody who asked or changed what was asked for, whoever of them did last. None of them decides. */
  requesters: string[];
  assignee?: string;
  /** In whose name the assignee holds it, where it was delegated. */
  actsFor?: string;
  approvals: Approval[];
  attachments: Attachment[];
  sentBack?: { by: string; reason: string; at: string };
  openedAt: string;
  dueAt?: string;
  remindAt?: string;
  escalateAt?: string;
  escalatedAt?: string;
  expiresAt?: string;
  followUpAt?: string;
  endedAt?: string;
  lastChange: { by: string; did: TaskEventKind; at: string };
}

export const taskEventKinds = [
  'opened',
  'claimed',
  'released',
  'assigned',
  'delegated',
  'seconding',
  'approved',
  'rejected',
  'sent-back',
  'resubmitted',
  'attached',
  'follow-up-set',
  'follow-up-reached',
  'reminded',
  'escalated',
  'expired',
  'absence-began',
  'requester-joined',
  'withdrawn',
] as const;
/** What was done. `seconding` is the first of two approvals. */
export type TaskEventKind = (typeof taskEventKinds)[number];

/** One entry of what is kept for good. */
export interface TaskEvent {
  kind: TaskEventKind;
  by: string;
  onBehalfOf?: string;
  at: string;
  reason?: string;
  /** What else there is to say of it: the assignee, the values of the form, the document. */
  details?: Record<string, unknown>;
  status: TaskStatus;
  version: number;
  /** People who were told. */
  notified: string[];
}

/** Ends the step of the process. */
export interface Verdict {
  verdict: 'approved' | 'rejected';
  by: string;
  onBehalfOf?: string;
  reason?: string;
  values: Record<string, FormValue>;
}

export const hasEnded = ({ status }: Pick<Task, 'status'>): boolean =>
  status === 'approved' || status === 'rejected' || status === 'withdrawn';

/** Whoever said yes, and in whose name. */
export const hasApproved = ({ approvals }: Pick<Task, 'approvals'>, id: string): boolean =>
  approvals.some(({ by, onBehalfOf }) => by === id || onBehalfOf === id);

/** Roles whose people may decide now. */
export function candidateRoles({ terms, escalatedAt }: Pick<Task, 'terms' | 'escalatedAt'>): string[] {
  return escalatedAt ? [...new Set([...terms.roles, ...terms.escalateTo])] : terms.roles;
}

/** When time has to do something next. */
export function nextTimerAt(task: Task): string | undefined {
  if (hasEnded(task)) return undefined;
  const { remindAt, escalateAt, expiresAt, followUpAt } = task;
  return [remindAt, escalateAt, expiresAt, followUpAt].filter((time) => time !== undefined).toSorted()[0];
}
