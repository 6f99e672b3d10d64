import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { commitRefused, ofConnection, overtaken, rehearsalOver, UNIQUE_VIOLATION } from './errors.js';
import { inStatementSpan } from './statement-span.js';
import { mayFollowFailure, Turn, type Answer, type Asked } from './turn.js';

/** A statement with a stable name: parsed and planned once per connection, then only bound and executed. */
export interface Statement {
  name: string;
  text: string;
  /** A unique constraint that says that another transaction was faster: the same work passes once it sees what that one has written. */
  racesFor?: string;
}

/** What runs statements: a transaction, or the pool for single statements. */
export interface Queryable {
  query<R extends object = Record<string, unknown>>(statement: Statement, values?: unknown[]): Promise<R[]>;
}

export interface TransactionOptions {
  /** For one lock, in milliseconds, where that is shorter than {@link DatabaseLimits.lockTimeoutMs}. */
  lockTimeoutMs?: number;
}

/** An open transaction. Statements that are not awaited travel together with COMMIT and still decide its outcome. */
export type Tx = Queryable;

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Connections at most. Default 10. */
  poolSize?: number;
  /** TypeORM entities of the service. */
  entities?: DataSourceOptions['entities'];
  limits?: Partial<DatabaseLimits>;
  /** Told about connections that broke while idle; the pool replaces them by itself. */
  onPoolError?: (error: Error) => void;
}

/** Every wait has an end. In milliseconds. */
export interface DatabaseLimits {
  /** For a free or new connection. Default 5,000. */
  connectTimeoutMs: number;
  /** For one statement, enforced by the server. Default 30,000. */
  statementTimeoutMs: number;
  /** For one lock, enforced by the server. Default 10,000. */
  lockTimeoutMs: number;
  /**
   * For a transaction in which nothing happens, enforced by the server. Default 10,000: it bounds how long a process that stands still
   * in mid-transaction keeps its row locks, and so its keys, from everybody else.
   */
  idleInTransactionTimeoutMs: number;
}

const DEFAULT_LIMITS: DatabaseLimits = {
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 10_000,
  idleInTransactionTimeoutMs: 10_000,
};

/**
 * How long the pool keeps a connection that nobody needs. Loops that look every second meet now and then, so one that is dropped early
 * is soon missed, and a new one costs some ten milliseconds of CPU: a fork, the proof of the password, and every statement parsed anew.
 */
const IDLE_CONNECTION_MS = 300_000;

const BEGIN: Statement = { name: 'begin', text: 'BEGIN' };
const COMMIT: Statement = { name: 'commit', text: 'COMMIT' };
const stillUsable: Statement = { name: 'transaction-still-usable', text: 'SELECT 1' };

/** One pool, shared by the prepared statements of the hot path and by TypeORM for entities, migrations and cold paths. */
export class Database implements Queryable {
  private readonly rehearsals = new AsyncLocalStorage<Rehearsal>();

  private constructor(
    readonly options: DatabaseOptions,
    readonly dataSource: DataSource,
    readonly pool: pg.Pool,
  ) {}

  /** Connects once, so that a wrong address is told at start and not at the first message. */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const dataSource = new DataSource({
      type: 'postgres',
      url: options.url,
      applicationName: options.applicationName,
      entities: options.entities ?? [],
      poolSize: options.poolSize ?? 10,
      installExtensions: false,
      logging: false,
      poolErrorHandler: (error: Error) => options.onPoolError?.(error),
      extra: connectionLimits({ ...DEFAULT_LIMITS, ...options.limits }),
    });
    await dataSource.initialize().catch(fail);
    const pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
    hearEveryClient(pool);
    return new Database(options, dataSource, pool);
  }

  /** Runs one statement on its own. */
  async query<R extends object = Record<string, unknown>>(statement: Statement, values: unknown[] = []): Promise<R[]> {
    const rehearsal = this.rehearsals.getStore();
    if (rehearsal) return rehearsal.query<R>(statement, values);
    return inStatementSpan(statement, async () => {
      const client = await this.pool.connect().catch(fail);
      let broken = true;
      try {
        const { rows } = await new Promise<Answer>((resolve, reject) => {
          client.query(new Turn([{ statement, values, resolve, reject }], true));
        });
        broken = false;
        return rows as R[];
      } finally {
        client.release(broken);
      }
    });
  }

  /**
   * Commits what `fn` did, or nothing of it. An error of the connection during COMMIT leaves the outcome unknown: whatever runs
   * in here must be safe to repeat, which is what the inbox is for.
   */
  async transaction<T>(fn: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const rehearsal = this.rehearsals.getStore();
    if (rehearsal) return rehearsal.nested(fn);
    const client = await this.pool.connect().catch(fail);
    const tx = new ClientTx(client, this.opening(options));
    let broken: Error | boolean = true;
    try {
      let result: T;
      try {
        result = await fn(tx);
      } catch (error) {
        const failed = await tx.rollback();
        // A statement failed: the connection is dropped, and the transaction with it. What followed the first failure says only so.
        if (failed) throw mayFollowFailure(error) ? failed : error;
        broken = false;
        throw error;
      }
      await tx.commit();
      broken = false;
      return result;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs `fn` with everything it asks of this database, wherever it asks, in one transaction that is rolled back at the end. What is
   * still asked after that fails. Only what sequences gave out stays used. Rejects where `fn` does.
   */
  async rehearse<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch(fail);
    const tx = new ClientTx(client);
    const rehearsal = new Rehearsal(tx);
    let broken: Error | boolean = true;
    try {
      try {
        const result = await this.rehearsals.run(rehearsal, () => fn(rehearsal));
        await rehearsal.wouldCommit();
        return result;
      } finally {
        rehearsal.end();
        await tx.settle();
        await client.query('ROLLBACK');
        broken = false;
      }
    } finally {
      client.release(broken);
    }
  }

  private opening({ lockTimeoutMs }: TransactionOptions): Statement[] {
    const longest = this.options.limits?.lockTimeoutMs ?? DEFAULT_LIMITS.lockTimeoutMs;
    if (lockTimeoutMs === undefined || lockTimeoutMs >= longest) return [BEGIN];
    const ms = Math.round(lockTimeoutMs);
    return [BEGIN, { name: `lock-timeout-${ms}`, text: `SET LOCAL lock_timeout = ${ms}` }];
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}

/**
 * The pool listens to idle connections only, and an error nobody listens to ends the process: also one in the very packet whose answer
 * gave the connection back, while its next user is only about to be told. Every statement on a connection that has vanished fails by
 * itself, so there is nothing more to do.
 */
function hearEveryClient(pool: pg.Pool): void {
  const heard = new WeakSet<pg.PoolClient>();
  pool.on('acquire', (client) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on('error', toldByStatements);
  });
}

function toldByStatements(): void {}

function fail(error: unknown): never {
  throw ofConnection(error);
}

/**
 * A connection of its own outside the pool, for session locks. The caller ends it.
 *
 * @param idleMs the server ends the session, and frees its locks, when it has said nothing for so long: a process that stands still
 *   keeps its connection, and its locks would be nobody's to take
 */
export function dedicatedClient(database: Database, { idleMs }: { idleMs: number }): pg.Client {
  const limits = connectionLimits({ ...DEFAULT_LIMITS, ...database.options.limits });
  return new pg.Client({
    connectionString: database.options.url,
    application_name: `${database.options.applicationName} (session lock)`,
    ...limits,
    options: `${limits.options} -c idle_session_timeout=${idleMs}`,
  });
}

/**
 * Gathers what is asked in one turn of the event loop and sends it as one {@link Turn}: BEGIN leads the first, COMMIT ends the last. A
 * transaction that turns out to be one statement is sent as that alone, unless it has settings of its own: it commits or fails as a whole
 * by itself.
 */
class ClientTx implements Tx {
  private readonly inFlight = new Set<Promise<unknown>>();
  private failure: Error | undefined;
  private turn: Asked[] = [];
  private state: 'new' | 'open' | 'over' = 'new';

  constructor(
    private readonly client: pg.PoolClient,
    private readonly opening: Statement[] = [BEGIN],
  ) {}

  query<R extends object = Record<string, unknown>>(statement: Statement, values: unknown[] = []): Promise<R[]> {
    const rows = inStatementSpan(statement, async () => {
      try {
        return (await this.ask(statement, values)).rows as R[];
      } catch (error) {
        const { code, constraint } = error as { code?: string; constraint?: string };
        const isOvertaken = statement.racesFor !== undefined && statement.racesFor === constraint;
        throw isOvertaken && code === UNIQUE_VIOLATION ? overtaken(error) : error;
      }
    });
    this.inFlight.add(rows);
    const done = (): boolean => this.inFlight.delete(rows);
    rows.then(done, (error: Error) => {
      this.failure ??= error;
      done();
    });
    return rows;
  }

  async commit(): Promise<void> {
    if (this.state === 'new' && (this.turn.length === 0 || (this.turn.length === 1 && this.opening.length === 1))) {
      this.send(this.turn, true);
      const failed = await this.settle();
      if (failed) throw failed;
      return;
    }
    const committed = this.ask(COMMIT, []);
    this.sendTurn();
    this.state = 'over';
    const [{ command }, failed] = await Promise.all([committed, this.settle()]).catch(async (error: unknown) => {
      throw (await this.settle()) ?? error;
    });
    if (command !== 'COMMIT') throw failed ?? commitRefused();
  }

  /** Returns the first failure of a statement, if any; then nothing more can be done on this connection. */
  async rollback(): Promise<Error | undefined> {
    if (this.state === 'new') {
      const unsent = this.turn.splice(0);
      this.state = 'over';
      for (const { reject } of unsent)
        reject(new Error('The transaction was rolled back before this statement was sent.'));
      await this.settle();
      return undefined;
    }
    const failed = await this.settle();
    this.state = 'over';
    if (!failed) await this.client.query('ROLLBACK').catch(fail);
    return failed;
  }

  /** Waits for statements nobody awaited; the first failure of all, if any. */
  async settle(): Promise<Error | undefined> {
    await Promise.allSettled(this.inFlight);
    return this.failure;
  }

  private ask(statement: Statement, values: unknown[]): Promise<Answer> {
    if (this.state === 'over') {
      return Promise.reject(this.failure ?? new Error(`Statement "${statement.name}" came after its transaction.`));
    }
    return new Promise((resolve, reject) => {
      // Microtasks belong to the turn: what follows from the answers that have just been read leaves together.
      if (this.turn.length === 0) process.nextTick(() => this.sendTurn());
      this.turn.push({ statement, values, resolve, reject });
    });
  }

  private sendTurn(): void {
    if (this.turn.length === 0 || this.state === 'over') return;
    const [first] = this.turn;
    // Where even BEGIN fails, the first statement says why.
    const toOpen = (statement: Statement): Asked => ({
      statement,
      values: [],
      resolve: () => undefined,
      reject: first!.reject,
    });
    if (this.send(this.state === 'new' ? [...this.opening.map(toOpen), ...this.turn] : this.turn)) this.state = 'open';
  }

  /** Returns false where something cannot be sent: the server does not know that the transaction has failed, so it is over here. */
  private send(asked: Asked[], ownTransaction = false): boolean {
    this.turn = [];
    this.state = 'over';
    if (asked.length === 0) return true;
    const turn = new Turn(asked, ownTransaction);
    this.client.query(turn);
    this.failure ??= turn.unsent;
    return turn.unsent === undefined;
  }
}

/** One transaction that stands for the whole database. */
class Rehearsal implements Tx {
  private over = false;
  private depth = 0;

  constructor(private readonly tx: ClientTx) {}

  query<R extends object = Record<string, unknown>>(statement: Statement, values?: unknown[]): Promise<R[]> {
    return this.over ? Promise.reject(rehearsalOver()) : this.tx.query<R>(statement, values);
  }

  /** A transaction within it: undone alone where it fails. */
  async nested<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const name = `rehearsal_${++this.depth}`;
    const control = (verb: string): Promise<unknown> =>
      this.query({ name: `${verb} ${name}`, text: `${verb} ${name}` });
    await control('SAVEPOINT');
    try {
      const result = await fn(this);
      await this.wouldCommit();
      await control('RELEASE SAVEPOINT');
      return result;
    } catch (error) {
      await control('ROLLBACK TO SAVEPOINT');
      throw error;
    }
  }

  /** Rejects where COMMIT would have been refused, because a statement that nobody awaited had failed. */
  async wouldCommit(): Promise<void> {
    const failed = await this.tx.settle();
    if (failed) await this.tx.query(stillUsable).catch(() => Promise.reject(failed));
  }

  end(): void {
    this.over = true;
  }
}

const SESSION_SETTINGS = [
  // The server, too, must notice a client that vanished, or its session locks would outlive it by hours.
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  // Every statement of a service has an index to go by. A plan that reads the whole of a table looks cheap while the table is small or
  // its statistics say so, and stands, prepared, when it has grown, or when a queue has left its dead rows behind.
  'enable_seqscan=off',
  'random_page_cost=1.1',
  // Whatever a database or a role is set to: each statement sees what was committed before it, so that who has waited for another
  // transaction finds what that one wrote; and dates come as they are read.
  'default_transaction_isolation=read\\ committed',
  'datestyle=ISO',
];

function connectionLimits(limits: DatabaseLimits): pg.PoolConfig & { options: string } {
  return {
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    lock_timeout: limits.lockTimeoutMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionTimeoutMs,
    // The client's own limit ends the wait for a server that no longer answers at all.
    query_timeout: limits.statementTimeoutMs + 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    idleTimeoutMillis: IDLE_CONNECTION_MS,
    options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    // Statements are written without waiting for the answer of the one before.
    pipeline: true,
  };
}
