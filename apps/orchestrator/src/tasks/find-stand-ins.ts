import type { Queryable, Statement } from '@throughline/postgres';

export interface StoredStandIn {
  id: string;
  kind: 'delegation' | 'absence';
  person: string;
  delegate: string | null;
  startsAt: Date;
  endsAt: Date;
  reason: string | null;
  madeBy: string;
  madeAt: Date;
  /** Who ended it before its time. */
  endedBy: string | null;
  endedAt: Date | null;
}

export interface StandInFilter {
  kind?: StoredStandIn['kind'];
  id?: string;
  /** Whom it is about, or who acts by it. */
  person?: string | undefined;
  /** Only what is not over then. */
  at?: Date;
  before?: string | undefined;
  limit: number;
}

/** $1 kind, $2 id, $3 person, $4 at, $5 before, $6 limit. */
const find: Statement = {
  name: 'find-stand-ins',
  text: `
    SELECT id, kind, person, delegate, starts_at AS "startsAt", ends_at AS "endsAt", reason, made_by AS "madeBy", made_at AS "madeAt",
           ended_by AS "endedBy", ended_at AS "endedAt"
      FROM task_stand_in
     WHERE ($1::text IS NULL OR kind = $1)
       AND ($2::bigint IS NULL OR id = $2)
       AND ($3::text IS NULL OR person = $3 OR delegate = $3)
       AND ($4::timestamptz IS NULL OR (ended_at IS NULL AND ends_at > $4))
       AND ($5::bigint IS NULL OR id < $5)
     ORDER BY id DESC LIMIT $6`,
};

/** Delegations and absences that meet every condition given, the newest first. */
export function findStandIns(database: Queryable, filter: StandInFilter): Promise<StoredStandIn[]> {
  const { kind, id, person, at, before, limit } = filter;
  return database.query<StoredStandIn>(find, [...[kind, id, person, at, before].map((value) => value ?? null), limit]);
}
