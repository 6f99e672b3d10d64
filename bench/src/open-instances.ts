import { removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { BatchFigures, BatchRun } from './batches.js';
import { emptyTable, fillTable, keyOf } from './fill-table.js';
import { medianBy } from './median.js';
import type { Size } from './measure-path.js';
import { databaseUrl, HEAP, makeDatabases, type Ground } from './path.js';
import { cpuOf, difference, type CpuParts } from './proc.js';

/** What the runner does per CPU-second, its own and PostgreSQL's, over a table with so many open instances. */
export interface OpenInstancesFigures {
  open: number;
  perCpuSecond: number;
  perSecond: number;
  events: number;
  timers: number;
  batches: number;
  statementsPerBatch: number;
  cpu: Pick<CpuParts, 'services' | 'postgres'>;
}

export interface OrchestratorFigures {
  one: OpenInstancesFigures;
  many: OpenInstancesFigures;
  /** Per CPU-second with many open instances against one: of the two medians above. */
  openShare: number;
  /** The same of each two runs that followed one another. */
  openShares: number[];
}

const READY_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 300_000;
const SETTLE_LIMIT_MS = 300_000;
const LOOK_EVERY_MS = 200;
/** Runs of each table at least: their median is reported. */
const RUNS_AT_LEAST = 3;
const HOUR_MS = 3_600_000;
/** A timer falls due so often, and they last for three days, where a million instances are open. */
const TIMER_EVERY_MS = 259;
/** The clock of the runs is virtual. */
const START = '2026-11-23T08:00:00.000Z';
const TIMERS_PER_PROCESS = 0.1;
/** The path's sizes would be over in two seconds here. */
const SCALE = 5;
/** Coprime to any number of instances, so that its multiples visit each of them once, in no order. */
const LARGE_PRIME = 15_485_863;

/**
 * The same batches over a table in which one other instance is open, and over one in which very many are, by turns. In the full table
 * the instances that the events are about lie scattered among all the others, as they do in life; so do those whose timers fire.
 * Each table has a PostgreSQL of its own, so that what the one writes, and when, is never paid for by the other.
 */
export async function measureOrchestrator(ground: Ground, size: Size, open: number): Promise<OrchestratorFigures> {
  const tables: Table[] = [];
  try {
    for (const [name, count] of [
      ['one', 1],
      ['many', open],
    ] as const)
      tables.push(await Table.make(ground, name, count));
    return await measureByTurns(ground, size, tables as [Table, Table]);
  } finally {
    await Promise.all(tables.map((table) => table.stop()));
  }
}

async function measureByTurns(ground: Ground, size: Size, [one, many]: [Table, Table]): Promise<OrchestratorFigures> {
  const rounds: Record<'one' | 'many', OpenInstancesFigures>[] = [];
  const count = Math.max(size.runs, RUNS_AT_LEAST);
  for (let round = 0; round <= count; round += 1) {
    ground.say(`orchestrator: ${round === 0 ? 'warming up' : `run ${round} of ${count}`}`);
    // As long as a run: until then a table of gigabytes is still being read in, and few of its pages have changed since the checkpoint.
    const processes = size.processes * SCALE;
    const clockMs = processes * TIMERS_PER_PROCESS * TIMER_EVERY_MS;
    const pair = { one: await one.run(processes, clockMs), many: await many.run(processes, clockMs) };
    if (round > 0) rounds.push(pair);
  }
  const middle = (which: 'one' | 'many') =>
    medianBy(
      rounds.map((round) => round[which]),
      (figures) => figures.perCpuSecond,
    );
  const share = (pair: Record<'one' | 'many', OpenInstancesFigures>): number =>
    pair.many.perCpuSecond / pair.one.perCpuSecond;
  const middles = { one: middle('one'), many: middle('many') };
  return { ...middles, openShare: share(middles), openShares: rounds.map(share) };
}

/** A database of the orchestrator with so many open instances, alone on its server, and a process that works in it. */
class Table {
  private nowMs = Date.parse(START) + HOUR_MS;
  private runs = 0;
  private worked = 0;

  private constructor(
    private readonly server: Server,
    private readonly child: ChildProcess,
    private readonly admin: pg.Client,
    private readonly name: string,
    private readonly open: number,
  ) {}

  static async make(ground: Ground, name: string, open: number): Promise<Table> {
    const server = await Server.start(ground, name);
    const { addresses } = server.ground;
    let table: Table | undefined;
    try {
      await makeDatabases(server.ground, ['orchestrator'], name);
      const url = databaseUrl(addresses, name, 'orchestrator');
      const admin = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
      await admin.connect();
      const child = fork(fileURLToPath(new URL('./batches.js', import.meta.url)), [], {
        env: { ...process.env, NODE_ENV: 'production', DATABASE_URL: url },
        execArgv: [...HEAP, '--expose-gc'],
        // What it logs must not mix with what is measured on standard output.
        stdio: ['ignore', 2, 2, 'ipc'],
      });
      table = new Table(server, child, admin, name, open);
      await table.answer(READY_LIMIT_MS);
      const first: BatchRun = { run: `${name}-first`, processes: 1, open: [], from: START, to: START };
      await table.ask({ prepare: first }, READY_LIMIT_MS);
      await table.ask({ go: true }, READY_LIMIT_MS);
      if (open > 1) {
        ground.say(`orchestrator: making ${open} open instances`);
        await fillTable(admin, {
          from: 1,
          count: open - 1,
          timersFromMs: table.nowMs,
          timersToMs: table.nowMs + open * TIMER_EVERY_MS,
        });
      }
      // What filling has left is written here. The first change of each page after a checkpoint is the dearest, so none comes later but
      // those that PostgreSQL wants.
      await admin.query('CHECKPOINT');
      return table;
    } catch (error) {
      await (table ?? server).stop();
      throw error;
    }
  }

  async run(processes: number, clockMs: number): Promise<OpenInstancesFigures> {
    const [fromMs, toMs] = [this.nowMs, this.nowMs + clockMs];
    this.nowMs = toMs;
    this.runs += 1;
    const numbers = this.open > processes ? this.scattered(processes) : await this.refill(processes, fromMs, toMs);
    const keys = numbers.map(keyOf);
    const run: BatchRun = {
      run: `${this.name}-${this.runs}`,
      processes,
      open: keys,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    };
    await this.ask({ prepare: run }, READY_LIMIT_MS);
    await this.settle();
    const before = this.cpu();
    const { seconds, ...figures } = (await this.ask({ go: true }, RUN_LIMIT_MS)) as BatchFigures;
    const { services, postgres } = difference(this.cpu(), before);
    await this.check(keys);
    const done = figures.events + figures.timers;
    return {
      open: this.open,
      perCpuSecond: done / (services + postgres),
      perSecond: done / seconds,
      ...figures,
      cpu: { services, postgres },
    };
  }

  /** What the run before has left to clean up, or filling the table, is no part of a run; checkpoints are, when PostgreSQL wants them. */
  private async settle(): Promise<void> {
    await this.admin.query('VACUUM (ANALYZE)');
    const vacuums = `SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'`;
    const limit = AbortSignal.timeout(SETTLE_LIMIT_MS);
    while ((await this.admin.query(vacuums)).rowCount! > 0) await sleep(LOOK_EVERY_MS, undefined, { signal: limit });
  }

  /** Instances from all over the table that no run has worked on and whose timers do not fire while the runs last. */
  private scattered(count: number): number[] {
    const first = Math.ceil(this.open / 4);
    const range = this.open - first;
    return Array.from({ length: count }, () => first + (((this.worked += 1) * LARGE_PRIME) % range));
  }

  /** Without those of the run before: the instances that this one works on, and those whose timers fire meanwhile. */
  private async refill(count: number, fromMs: number, toMs: number): Promise<number[]> {
    const timers = Math.round(count * TIMERS_PER_PROCESS);
    const later = toMs + HOUR_MS;
    await emptyTable(this.admin);
    await fillTable(this.admin, { from: 1, count: timers, timersFromMs: fromMs, timersToMs: toMs });
    const rest = { from: 1 + timers, count, timersFromMs: later, timersToMs: later + count * TIMER_EVERY_MS };
    await fillTable(this.admin, rest);
    return Array.from({ length: count }, (_, index) => 1 + timers + index);
  }

  /** A figure of work that was not done is worth nothing. */
  private async check(keys: string[]): Promise<void> {
    const text = `SELECT count(*)::int AS completed FROM process_instance WHERE key = ANY($1) AND status = 'completed'`;
    const { rows } = await this.admin.query<{ completed: number }>(text, [keys]);
    if (rows[0]!.completed !== keys.length)
      throw new Error(`${rows[0]!.completed} of ${keys.length} instances have completed in the table "${this.name}"`);
  }

  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    await this.admin.end();
    await this.server.stop();
  }

  private cpu(): CpuParts {
    return cpuOf({ services: [this.child.pid!], ...this.server.ground.pids });
  }

  private ask(message: { prepare: BatchRun } | { go: true }, limitMs: number): Promise<unknown> {
    const answer = this.answer(limitMs);
    this.child.send(message);
    return answer;
  }

  private async answer(limitMs: number): Promise<unknown> {
    const waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, AbortSignal.timeout(limitMs)]);
    const ended = once(this.child, 'exit', { signal }).then(() => {
      throw new Error(`the process that works in the table "${this.name}" ended`);
    });
    try {
      return ((await Promise.race([once(this.child, 'message', { signal }), ended])) as [unknown])[0];
    } finally {
      ended.catch(() => undefined);
      waiting.abort();
    }
  }
}

/** A PostgreSQL of the local stack for one table. */
class Server {
  private constructor(
    readonly ground: Ground,
    private readonly stack: Stack,
    private readonly directory: string,
  ) {}

  static async start(ground: Ground, name: string): Promise<Server> {
    const directory = join(ground.directory, `orchestrator-${name}`);
    const stack = await startStack({ directory, env: {}, parts: ['postgres'] });
    // Whoever is interrupted stops nothing in order; gigabytes must not stay behind.
    process.once('exit', () => removePostgresData(directory));
    const pids = { ...ground.pids, postgres: stack.parts.postgres!.pid! };
    return new Server({ ...ground, addresses: stack.addresses, pids }, stack, directory);
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    removePostgresData(this.directory);
  }
}
