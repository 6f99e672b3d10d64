/** The parts of the orchestrator's answers that are shown; its OpenAPI page has the whole. */
export interface Person {
  id: string;
  name: string;
}

export interface TaskSummary {
  id: string;
  version: number;
  status: string;
  process: string;
  title: string;
  checkpoint: string;
  roles: string[];
  assignee: Person | null;
  actsFor: Person | null;
  requestedBy: Person | null;
  amount: string | null;
  currency: string | null;
  openedAt: string;
  dueAt: string | null;
  isOverdue: boolean;
  escalatedAt: string | null;
  approvalsNeeded: number;
  approvalsGiven: number;
}

export interface TaskEvent {
  id: string;
  taskId: string;
  at: string;
  kind: string;
  by: Person;
  onBehalfOf: Person | null;
  reason: string | null;
  details: Record<string, unknown> | null;
  notified: Person[];
}

export interface Task extends TaskSummary {
  instance: string;
  instanceId: string;
  key: string;
  unit: string;
  owner: string;
  traceId: string | null;
  traceUrl: string | null;
  facts: { name: string; label: string; value: unknown }[];
  policy: { policy: string; version: number; rule: string; because: string | null };
  form: { name: string; label: string; type: string; required: boolean; options: string[] | null }[];
  approvals: { by: Person; onBehalfOf: Person | null; at: string; values: Record<string, unknown> }[];
  attachments: { name: string; uri: string; sha256: string | null; by: Person; at: string }[];
  question: string | null;
  expiresAt: string | null;
  followUpAt: string | null;
  actions: string[] | null;
  history: TaskEvent[];
}

export interface StandIn {
  id: string;
  person: Person;
  /** Of a delegation. */
  delegate?: Person;
  startsAt: string;
  endsAt: string;
  reason: string | null;
  endedAt: string | null;
  endedBy: string | null;
}
