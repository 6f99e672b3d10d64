import { catalog, codeOf, retryOf, type Codec } from '@throughline/contracts';
import type { Database, Queryable, Statement, Tx } from '@throughline/postgres';
import { describeError } from '@throughline/telemetry';
import { readRecord } from '../consume/read-record.js';
import type { EffectContext } from '../effect-context.js';
import { noRoute, previewOver, previewTimedOut } from '../errors.js';
import type { EffectResult, Job, Message, MessagingTx, OutgoingMessage } from '../message.js';
import type { EffectRoute, JobRoute, Routes, StateRoute } from '../routes.js';
import { routeOf } from '../work/run-work.js';
import { toRecord } from './apply-edit.js';
import type { Letter } from './letter.js';
import { withoutNetwork, type RefusedRequest } from './no-network.js';

/** What a retry would do now, as far as that can be told without asking anybody. */
export interface Preview {
  /**
   * - `handled`: it would go through to its end.
   * - `call`: it would go as far as `nextCall`; what follows depends on the answer.
   * - `fail`: it would fail again, with `error`.
   * - `nothing`: it was taken in before, or is none of this service's business: a retry settles it and does nothing.
   */
  outcome: 'handled' | 'call' | 'fail' | 'nothing';
  /** Calls that were made for it before; their answers are kept, and they are not made again. */
  recordedCalls: { scope: string; call: string; request: unknown; response: unknown }[];
  nextCall: NextCall | null;
  emits: { type: string; key: string; payload: unknown; correlationId: string }[];
  jobs: Pick<Job, 'type' | 'key' | 'id' | 'payload'>[];
  /** Rows of this service's own tables that would change. */
  changes: { table: string; inserted: number; updated: number; deleted: number }[];
  error: { code: string; message: string; retry: string } | null;
  /** What this preview could not see. */
  notes: string[];
}

export type NextCall =
  /** Through `once`: `request` is what would be sent; with `mayHaveRun` an earlier try began and its outcome is unknown. */
  | { kind: 'once'; scope: string; call: string; request: unknown; mayHaveRun: boolean }
  /** Outside `once`, usually a read. */
  | ({ kind: 'http' } & RefusedRequest);

export interface PreviewParts {
  database: Database;
  codec: Codec;
  routes: Routes;
}

/** Nobody waits longer for a preview, in milliseconds; locks that others hold are waited for shorter still. */
const LIMIT_MS = 10_000;

const limitWaits: Statement = {
  name: 'limit-waits-of-preview',
  text: `SELECT set_config('lock_timeout', '2000', true), set_config('statement_timeout', '8000', true)`,
};
const findCall: Statement = {
  name: 'find-effect-call',
  text: `SELECT request, response, done_at IS NOT NULL AS done FROM effect_call WHERE scope = $1 AND call = $2`,
};
const findTakenIn: Statement = {
  name: 'find-taken-in',
  text: `SELECT 1 AS taken FROM inbox WHERE consumer = inbox_of($1, NULL) AND message_id = $2`,
};
/** Counters of the session, of what is not yet reported also of earlier transactions: only a difference says what this one did. */
const countChanges: Statement = {
  name: 'count-changes',
  text: `
    SELECT relname AS table, n_tup_ins::int AS inserted, n_tup_upd::int AS updated, n_tup_del::int AS deleted
      FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname`,
};

/**
 * Runs the handler of a letter with its effects captured: its SQL in a transaction that is rolled back, what it would emit and enqueue
 * collected, recorded calls answered from their records, and at the first call without a record it ends. No request leaves.
 */
export async function previewLetter(parts: PreviewParts, letter: Letter): Promise<Preview> {
  if (letter.kind === 'job') {
    const route = routeOf(parts.routes, { kind: 'job', type: letter.type! }) as JobRoute | undefined;
    if (!route) return failed(noRoute('job', letter.type!));
    const job: Job = { type: letter.type!, key: letter.workKey!, id: letter.job!.id, payload: letter.job!.payload };
    return previewEffect(parts, letter.messageId!, route, (context) => route.handle(job, context));
  }
  const taken = await readRecord(toRecord(letter), parts.routes, parts.codec);
  if (taken.kind === 'unreadable') return failed(taken.error);
  if (taken.kind === 'other') {
    if (letter.kind !== 'record') return failed(noRoute(letter.kind, letter.type!));
    return { ...EMPTY, outcome: 'nothing', notes: ['This service has no route for its type: it passes by.'] };
  }
  const { message, route } = taken;
  const { id } = message.envelope;
  if (letter.kind === 'record' && (await parts.database.query(findTakenIn, [parts.routes.group, id])).length > 0) {
    return { ...EMPTY, outcome: 'nothing', notes: [`Message ${id} was taken in before: it is not handled again.`] };
  }
  return route.kind === 'state'
    ? previewState(parts, message, route)
    : previewEffect(parts, id, route, (context) => route.handle(message, context));
}

const EMPTY: Preview = {
  outcome: 'handled',
  recordedCalls: [],
  nextCall: null,
  emits: [],
  jobs: [],
  changes: [],
  error: null,
  notes: [],
};

function failed(error: unknown, seen: Partial<Preview> = {}): Preview {
  const told = { code: codeOf(error), message: describeError(error), retry: retryOf(error) };
  return { ...EMPTY, ...seen, outcome: 'fail', error: told };
}

function previewState(parts: PreviewParts, message: Message, route: StateRoute): Promise<Preview> {
  return rehearse(parts, async (tx) => {
    await route.handle([message], tx);
    return { outcome: 'handled' };
  });
}

function previewEffect(
  parts: PreviewParts,
  messageId: string,
  route: EffectRoute | JobRoute,
  handle: (context: EffectContext) => Promise<EffectResult | void>,
): Promise<Preview> {
  const recordedCalls: Preview['recordedCalls'] = [];
  return rehearse(
    parts,
    async (tx) => {
      const end = new AbortController();
      const { promise: reached, resolve: reach } = Promise.withResolvers<NextCall>();
      const context = previewContext(parts.database, messageId, end.signal, recordedCalls, reach);
      const handled = withoutNetwork(
        (request) => reach({ kind: 'http', ...request }),
        () => handle(context),
      );
      // What the handler makes of the end of its preview is of no interest.
      handled.catch(() => undefined);
      try {
        const ended = await Promise.race([
          reached.then((nextCall) => ({ nextCall })),
          handled.then((result) => ({ result: result ?? {} })),
        ]);
        if ('nextCall' in ended) {
          return { outcome: 'call', nextCall: ended.nextCall, notes: [notForeseen(ended.nextCall)] };
        }
        await ended.result.apply?.(tx);
        if (ended.result.emit) tx.emit(ended.result.emit);
        return { outcome: 'handled' };
      } finally {
        end.abort(previewOver());
      }
    },
    { recordedCalls },
  );
}

function notForeseen(next: NextCall): string {
  return next.kind === 'once'
    ? 'What follows depends on the answer to this call.'
    : 'The handler asks this outside of a recorded call, usually to read: what it does next depends on the answer.';
}

/** Answers what is recorded, and never comes back from the first call that is not. */
function previewContext(
  database: Queryable,
  messageId: string,
  signal: AbortSignal,
  recordedCalls: Preview['recordedCalls'],
  reach: (next: NextCall) => void,
): EffectContext {
  return {
    attempt: 1,
    signal,
    idempotencyKey: (call) => `${messageId}:${call}`,
    async once<Response>(call: string, request: unknown, _perform: unknown, { scope = messageId } = {}) {
      type Found = { request: unknown; response: unknown; done: boolean };
      const [found] = await database.query<Found>(findCall, [scope, call]);
      if (found?.done) {
        recordedCalls.push({ scope, call, request: found.request, response: found.response });
        return found.response as Response;
      }
      reach({ kind: 'once', scope, call, request: found?.request ?? request ?? null, mayHaveRun: found !== undefined });
      return new Promise<never>(() => undefined);
    },
  };
}

/** Runs `fn` on a database that forgets, and says what it would have left there. */
async function rehearse(
  parts: PreviewParts,
  fn: (tx: CapturingTx) => Promise<Partial<Preview>>,
  seen: Partial<Preview> = {},
): Promise<Preview> {
  let captured: Partial<Preview> = seen;
  const limit = Promise.withResolvers<never>();
  limit.promise.catch(() => undefined);
  const timer = setTimeout(() => limit.reject(previewTimedOut(LIMIT_MS)), LIMIT_MS);
  try {
    return await parts.database.rehearse(async (raw) => {
      await raw.query(limitWaits);
      const before = await raw.query<Change>(countChanges);
      const tx = new CapturingTx(parts, raw);
      captured = { ...seen, emits: tx.emits, jobs: tx.jobs };
      const ended = await Promise.race([
        withoutNetwork(
          () => undefined,
          () => fn(tx),
        ),
        limit.promise,
      ]);
      return { ...EMPTY, ...captured, ...ended, changes: difference(before, await raw.query<Change>(countChanges)) };
    });
  } catch (error) {
    return failed(error, captured);
  } finally {
    clearTimeout(timer);
  }
}

type Change = Preview['changes'][number];

function difference(before: Change[], after: Change[]): Change[] {
  const earlier = new Map(before.map((change) => [change.table, change]));
  return after
    .map(({ table, inserted, updated, deleted }) => {
      const was = earlier.get(table);
      return {
        table,
        inserted: inserted - (was?.inserted ?? 0),
        updated: updated - (was?.updated ?? 0),
        deleted: deleted - (was?.deleted ?? 0),
      };
    })
    .filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0);
}

/** Collects what would leave with the commit, checked as it would be. */
class CapturingTx implements MessagingTx {
  readonly emits: Preview['emits'] = [];
  readonly jobs: Preview['jobs'] = [];

  constructor(
    private readonly parts: PreviewParts,
    private readonly raw: Tx,
  ) {}

  query<R extends object = Record<string, unknown>>(statement: Statement, values?: unknown[]): Promise<R[]> {
    return this.raw.query<R>(statement, values);
  }

  emit(messages: OutgoingMessage[]): void {
    for (const { type, payload, correlationId } of messages) {
      this.parts.codec.encode(type, payload);
      const key = String((payload as unknown as Record<string, unknown>)[catalog[type].keyField]);
      this.emits.push({ type, key, payload, correlationId });
    }
  }

  enqueue(jobs: Job[]): void {
    for (const { type, key, id, payload } of jobs) {
      if (!this.parts.routes.jobs[type]) throw noRoute('job', type);
      this.jobs.push({ type, key, id, payload });
    }
  }

  /** Nothing is committed. */
  onCommit(): void {}
}
