/** The parts of the orchestrator's answers that are shown; its OpenAPI page has the whole. */
export interface InstanceSummary {
  id: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  status: string;
  attributes: Record<string, unknown>;
  amount: string | null;
  currency: string | null;
  paused: { by: string; reason: string; at: string } | null;
  traceId: string | null;
  startedAt: string | null;
  endedAt: string | null;
  cause: { type: string; step: string | null; reason: string | null; message: string | null } | null;
  attention: Attention[];
  waitingFor: Wait[];
}

export interface Attention {
  at: string;
  message: string;
  /** Absent in a preview. */
  acknowledged?: { by: string; reason: string } | null;
}

export interface Wait {
  step: string;
  owner: string;
  command: string | null;
  events: string[];
  since: string;
  dueAt: string | null;
  isOverdue: boolean;
  needsPerson: boolean;
}

interface Execution {
  command: string | null;
  attempts: number;
  outcome: string | null;
  outcomeAt: string | null;
  commandedAt: string | null;
  slaBreachedAt: string | null;
  by: string | null;
  reason: string | null;
  message: string | null;
}

export interface Step extends Execution {
  step: string;
  owner: string;
  status: string;
  condition: { value: boolean; policies: Policy[] } | null;
  policy: Policy | null;
  skipped: { by: string; reason: string } | null;
  compensation: Execution | null;
}

interface Policy {
  policy: string;
  version: number;
  rule: string;
  outputs: Record<string, unknown>;
}

export interface Instance extends InstanceSummary {
  revision: number;
  slaDueAt: string | null;
  slaBreachedAt: string | null;
  timers: { unit: string | null; kind: string; at: string }[];
  actions: { action: string; unit: string | null }[];
  steps: Step[];
  history: {
    type: string;
    effect: string;
    step: string | null;
    source: string | null;
    commands: string[];
    recordedAt: string;
    detail: Record<string, unknown> | null;
  }[];
}

export interface Preview {
  id: string;
  process: string;
  version: number;
  key: string;
  occurrence: number;
  status: string;
  /** Entries of its attention so far. */
  seen: number;
  outcome: 'done' | 'refused';
  why: string | null;
  statusAfter: string | null;
  commands: { type: string; unit: string; direction: string }[];
  asks: string[];
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface Action {
  id: string;
  action: string;
  actor: string;
  reason: string;
  status: string;
  total: number;
  done: number;
  refused: number;
  pending: number;
  requestedAt: string;
  stoppedBy: string | null;
  stoppedBecause: string | null;
  results?: AuditEntry[];
}

export interface AuditEntry {
  at: string;
  actor: string;
  action: string;
  actionId: string;
  instanceId: string;
  reason: string;
  outcome: string;
  why: string | null;
  commands: string[];
}

export interface Version {
  process: string;
  version: number;
  active: boolean;
  storedAt: string;
  instances: Record<string, number>;
}

export interface Mapping {
  same: string[];
  renamed: Record<string, string>;
  added: string[];
  removed: string[];
}
