import type { Tx } from '@throughline/postgres';
import { externalIdsOf } from '../decide/event-parts.js';
import type { Process } from '../process.js';
import type { Execution, HistoryEntry, ProcessEvent, State, TaskChanges, TaskRequest } from '../state.js';
import { stepOf } from '../units.js';
import { columns } from './columns.js';
import { writeSearch } from './search/write-search.js';

/** What a batch did to one instance. */
export interface Change {
  id: string;
  /** It has no row yet. */
  isNew?: true;
  /** Another version than before, where it was migrated. */
  from?: Process;
  process: Process;
  before: State;
  state: State;
  history: { entry: HistoryEntry; event?: ProcessEvent }[];
  opened: TaskRequest[];
  closed: TaskChanges['closed'];
}

const insert = {
  name: 'process-insert-instances',
  // A release that takes no claim, beside this one while it is rolled out.
  racesFor: 'process_instance_key_occurrence_process_key',
  text: `
    INSERT INTO process_instance
      (id, process, key, occurrence, version, correlation_id, status, trace_id, started_at, ended_at, state, created_at, updated_at)
    OVERRIDING SYSTEM VALUE
    SELECT added.*, $12::timestamptz, $12::timestamptz
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
      $10::timestamptz[], $11::json[]) AS added(id, process, key, occurrence, version, correlation_id, status, trace_id, started_at, ended_at, state)
    RETURNING id, xmin`,
};

const update = {
  name: 'process-update-instances',
  text: `
    UPDATE process_instance AS instance SET
      version = changed.version, correlation_id = changed.correlation_id, status = changed.status, state = changed.state,
      trace_id = changed.trace_id, started_at = changed.started_at, ended_at = changed.ended_at, updated_at = $9::timestamptz
    FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::json[])
      AS changed(id, version, correlation_id, status, trace_id, started_at, ended_at, state)
    WHERE instance.id = changed.id
    RETURNING instance.id, instance.xmin`,
};

/** As what an instance was written. */
export interface Written {
  /** Which version of its row it is. */
  xmin: string;
  /** Of its state, as JSON. */
  chars: number;
}

const insertEvents = {
  name: 'process-insert-events',
  text: `
    INSERT INTO process_event
      (instance_id, message_id, type, effect, step, source, commands, occurred_at, trace_id, detail, payload, recorded_at)
    SELECT instance_id, message_id, type, effect, step, source, string_to_array(commands, ','), occurred_at, trace_id, detail, payload,
      $12::timestamptz
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
      $10::json[], $11::json[])
      AS added(instance_id, message_id, type, effect, step, source, commands, occurred_at, trace_id, detail, payload)`,
};

const upsertSteps = {
  name: 'process-upsert-steps',
  text: `
    INSERT INTO process_step (instance_id, step, direction, owner, service, command, commanded_at, outcome, outcome_at)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
      $9::timestamptz[])
    ON CONFLICT (instance_id, step, direction) DO UPDATE SET
      service = excluded.service, commanded_at = excluded.commanded_at, outcome = excluded.outcome, outcome_at = excluded.outcome_at`,
};

const insertExternalIds = {
  name: 'process-insert-external-ids',
  text: `
    INSERT INTO process_external_id (id, instance_id, system, tenant, type)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
    ON CONFLICT DO NOTHING`,
};

/**
 * Writes back everything a batch did, in a few statements, however many instances it touched.
 * The statements are not awaited: they travel together with COMMIT and decide its outcome.
 *
 * @param written is told by id as what each instance was written, before COMMIT is answered
 */
export function saveInstances(tx: Tx, changes: Change[], now: Date, written: Map<string, Written>): void {
  if (changes.length === 0) return;
  const states = new Map(changes.map(({ id, state }) => [id, JSON.stringify(state)]));
  const statesOf = (some: Change[]): string[] => some.map(({ id }) => states.get(id)!);
  const tell = (rows: Promise<{ id: string; xmin: string }[]>): unknown =>
    rows.then(
      (all) => all.forEach(({ id, xmin }) => written.set(id, { xmin, chars: states.get(id)!.length })),
      () => undefined, // it fails the transaction, which says so
    );
  const added = changes.filter(({ isNew }) => isNew);
  const updated = changes.filter(({ isNew }) => !isNew);
  if (added.length > 0) tell(tx.query(insert, [...columns(added.map(insertedRow)), statesOf(added), now]));
  if (updated.length > 0)
    tell(
      tx.query(update, [
        ...columns(updated.map(({ id, ...change }) => [id, ...rowOf(change)])),
        statesOf(updated),
        now,
      ]),
    );
  const events = columns(changes.flatMap(eventRows));
  const payloads = changes.flatMap(({ history }) => history.map(({ event }) => event && JSON.stringify(event.payload)));
  void tx.query(insertEvents, [...events, payloads, now]);
  const steps = changes.flatMap(stepRows);
  if (steps.length > 0) void tx.query(upsertSteps, columns(steps));
  const externalIds = changes.flatMap(externalIdRows);
  if (externalIds.length > 0) void tx.query(insertExternalIds, columns(externalIds));
  writeSearch(
    tx,
    changes.map((change) => ({ from: change.process, ...change })),
    now,
  );
}

function insertedRow({ id, ...change }: Change): unknown[] {
  const { process, state } = change;
  return [id, process.name, state.key, state.occurrence, ...rowOf(change)];
}

/** What may change with any input. */
function rowOf({ process, state }: Pick<Change, 'process' | 'state'>): unknown[] {
  return [
    process.version,
    state.correlationId,
    state.status,
    traceIdOf(state.traceparent),
    state.startedAt ?? null,
    state.endedAt ?? null,
  ];
}

function eventRows({ id, history, state }: Change): unknown[][] {
  return history.map(({ entry, event }) => [
    id,
    entry.messageId,
    entry.type,
    entry.effect,
    entry.step ?? null,
    event?.source ?? null,
    entry.commands.join(','),
    event?.time ?? entry.at,
    traceIdOf(event?.traceparent ?? state.traceparent),
    entry.detail ? JSON.stringify(entry.detail) : null,
  ]);
}

/** Commands whose outcome became known, or became another one, in this batch. */
function stepRows({ id, from, process, before, state }: Change): unknown[][] {
  // A migration may call a step by another name, and answers nothing: what it was answered by is on record under the name of then.
  const isKnown = (name: string, part: 'execution' | 'compensation', run: Answered): boolean =>
    (from ? Object.values(before.steps) : [before.steps[name]]).some(
      (unit) => unit?.[part]?.outcomeAt === run.outcomeAt && (!from || unit[part].commandedAt === run.commandedAt),
    );
  return Object.entries(state.steps).flatMap(([name, step]) =>
    (['execution', 'compensation'] as const).flatMap((part) => {
      const run = step[part];
      if (!isAnswered(run) || isKnown(name, part, run)) return [];
      const direction = part === 'execution' ? 'forward' : 'compensation';
      const { service, command, commandedAt, outcome, outcomeAt } = run;
      const { owner } = stepOf(process, name);
      return [[id, name, direction, owner, service ?? null, command ?? null, commandedAt, outcome, outcomeAt]];
    }),
  );
}

type Answered = Required<Pick<Execution, 'commandedAt' | 'outcome' | 'outcomeAt'>>;

/** What a person did without our command has no duration, and is in the history only. */
const isAnswered = (run: Execution | undefined): run is Execution & Answered =>
  Boolean(run?.commandedAt && run.outcomeAt);

function externalIdRows({ id, history }: Change): unknown[][] {
  const ids = history.flatMap(({ event }) => (event ? externalIdsOf(event) : []));
  return ids.map((external) => [external.id, id, external.system, external.tenant, external.type]);
}

/** The trace id within a W3C traceparent. */
const traceIdOf = (traceparent: string | undefined): string | null => traceparent?.split('-')[1] ?? null;
