/** The parts of the services' answers that are shown; their OpenAPI pages have the whole. */
export interface Group {
  fingerprint: string;
  status: string;
  owner: string | null;
  notes: string;
  reopenedAt: string | null;
  counts: { new: number; retrying: number; handled: number; archived: number };
  firstFailedAt: string;
  failedAt: string;
  errorCode: string;
  errorMessage: string;
  types: string[];
}

export interface LetterSummary {
  id: string;
  status: string;
  group: string;
  kind: string;
  type: string | null;
  key: Text | null;
  messageId: string | null;
  errorCode: string;
  errorMessage: string;
  attempts: number;
  firstFailedAt: string;
  failedAt: string;
  held: boolean;
  traceUrl: string | null;
  traceId: string | null;
}

export type Text = string | { base64: string };

export interface Content {
  key: Text | null;
  headers: Record<string, Text> | null;
  value: string | null;
  payload: unknown;
  problem: string | null;
}

export interface Letter extends LetterSummary {
  version: string;
  topic: string | null;
  partition: number | null;
  offset: string | null;
  content: Content;
  original: Content | null;
  edits: { at: string; actor: string; reason: string }[];
  errorStack: string | null;
  serviceVersion: string | null;
  dependency: string | null;
  waitsFor: string | null;
}

export interface Release {
  id: string;
  status: string;
  group: string | null;
  actor: string;
  reason: string;
  why: string | null;
  createdAt: string;
  endedAt: string | null;
  progress: { total: number; released: number; handled: number; waiting: number; failed: number; newcomers: number };
}

export interface Moved {
  done: string[];
  refused: { id: string; why: string }[];
}

export interface Preview {
  outcome: 'handled' | 'call' | 'fail' | 'nothing';
  recordedCalls: { scope: string; call: string }[];
  nextCall:
    | null
    | { kind: 'once'; scope: string; call: string; request: unknown; mayHaveRun: boolean }
    | { kind: 'http'; method: string; url: string };
  emits: { type: string; key: string; payload: unknown }[];
  jobs: { type: string; key: string; id: string }[];
  changes: { table: string; inserted: number; updated: number; deleted: number }[];
  error: { code: string; message: string } | null;
  notes: string[];
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  action: string;
  target: string;
  reason: string | null;
  before: unknown;
  after: unknown;
}
