import type { Queryable, Statement } from '@throughline/postgres';

/** One thing that was done, by whom and why. Never changed, never removed. */
export interface AuditEntry {
  actor: string;
  action: string;
  target: { type: 'letter' | 'group' | 'release' | 'replay'; id: string };
  reason: string | null;
  before: unknown;
  after: unknown;
}

export type StoredAuditEntry = AuditEntry & { id: string; at: Date };

export interface AuditFilter {
  targetType?: AuditEntry['target']['type'] | undefined;
  targetId?: string | undefined;
  actor?: string | undefined;
  before?: string | undefined;
  limit: number;
}

/** Who acts where nobody did: a release that goes on or stops by itself, a group that opens again. */
export const SYSTEM = 'system';

const insert: Statement = {
  name: 'append-audit-entries',
  text: `
    INSERT INTO audit_log (actor, action, target_type, target_id, reason, before, after)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::json[], $7::json[])`,
};

const find: Statement = {
  name: 'find-audit-entries',
  text: `
    SELECT id, at, actor, action, json_build_object('type', target_type, 'id', target_id) AS target, reason, before, after
      FROM audit_log
     WHERE ($1::text IS NULL OR target_type = $1)
       AND ($2::text IS NULL OR target_id = $2)
       AND ($3::text IS NULL OR actor = $3)
       AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5`,
};

/** In the transaction of what was done, so that neither is there without the other. */
export async function appendAudit(tx: Queryable, entries: AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const json = (value: unknown): string | null => (value == null ? null : JSON.stringify(value));
  await tx.query(insert, [
    entries.map(({ actor }) => actor),
    entries.map(({ action }) => action),
    entries.map(({ target }) => target.type),
    entries.map(({ target }) => target.id),
    entries.map(({ reason }) => reason),
    entries.map(({ before }) => json(before)),
    entries.map(({ after }) => json(after)),
  ]);
}

/** The newest first. */
export function findAudit(database: Queryable, filter: AuditFilter): Promise<StoredAuditEntry[]> {
  const { targetType, targetId, actor, before, limit } = filter;
  return database.query<StoredAuditEntry>(find, [
    ...[targetType, targetId, actor, before].map((v) => v ?? null),
    limit,
  ]);
}
