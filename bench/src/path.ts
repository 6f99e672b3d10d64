import { spawnService, type StackAddresses, type SupervisedProcess } from '@throughline/local-stack';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { cpuSeconds } from './cpu.js';
import { EFFECTS_PER_PROCESS, MESSAGES_PER_PROCESS } from './sample.js';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The three adapters with a table for a vendor, and the orchestrator as shipped. */
const SIDES = ['revenue', 'ops', 'finance', 'orchestrator'] as const;
type Side = (typeof SIDES)[number];

const READY_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 240_000;

export interface PathOptions {
  addresses: StackAddresses;
  directory: string;
  /** Share of traces that is recorded; `undefined` is what ships. */
  samplingRatio: number | undefined;
  pids: { postgres: number; broker: number };
  /** Where the services write CPU profiles of what {@link Path.profiled} runs. */
  profiles?: string | undefined;
}

export interface Measurement {
  processes: number;
  perSecond: number;
  cpuSecondsPer1000: number;
  cpuParts: { services: number; postgres: number; broker: number };
  p50Ms: number;
  p99Ms: number;
  commitsPerMessage: number;
}

/** The measured path, running: every service its own process, as shipped. */
export class Path {
  private readonly children = new Map<Side, SupervisedProcess>();
  private readonly ports = new Map<Side, number>();
  private collector: Server | undefined;
  private readonly admin: pg.Client;

  constructor(private readonly options: PathOptions) {
    this.admin = new pg.Client({
      connectionString: options.addresses.postgresAdminUrl,
      connectionTimeoutMillis: 5_000,
    });
  }

  async start(): Promise<void> {
    await this.admin.connect();
    if (this.options.profiles) mkdirSync(this.options.profiles, { recursive: true });
    this.collector = createServer((request, response) => request.resume().on('end', () => response.end('{}'))).listen(
      0,
      '127.0.0.1',
    );
    await once(this.collector, 'listening');
    for (const side of SIDES) {
      await this.admin.query(`DROP DATABASE IF EXISTS ${databaseOf(side)} WITH (FORCE)`);
      await this.admin.query(`CREATE DATABASE ${databaseOf(side)}`);
    }
    await Promise.all(SIDES.map((side) => this.migrate(side)));
    await Promise.all(SIDES.map((side) => this.startSide(side)));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.children.values()].map((child) => child.stop(15_000)));
    this.collector?.closeAllConnections();
    this.collector?.close();
    await Promise.all([...this.watchers.values()].map((client) => client.end()));
    await this.admin.end();
  }

  /** Ends the services, so that they take nothing from what is measured next; the databases stay. */
  async pause(): Promise<void> {
    await Promise.all([...this.children.values()].map((child) => child.stop(15_000)));
    this.children.clear();
  }

  /** Closes deals as fast as the outbox takes them, or at a steady pace, and measures from the first outbox commit to the last effect commit. */
  async run(run: string, processes: number, perSecond?: number): Promise<Measurement> {
    const before = { cpu: this.cpu(), commits: await this.commits(), done: await this.effects('finance', 'schedule') };
    const emitted = fetch(`${this.url('revenue')}/emit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ run, count: processes, ...(perSecond && { perSecond }) }),
      signal: AbortSignal.timeout(RUN_LIMIT_MS),
    });
    emitted.catch(() => undefined);
    const deadline = Date.now() + RUN_LIMIT_MS;
    while ((await this.effects('finance', 'schedule')) < before.done + processes) {
      if (Date.now() > deadline)
        throw new Error(
          `only ${(await this.effects('finance', 'schedule')) - before.done} of ${processes} processes ended within ${RUN_LIMIT_MS / 1_000} s; logs in ${this.options.directory}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const cpu = difference(this.cpu(), before.cpu);
    const answer = await emitted;
    if (!answer.ok) throw new Error(`the revenue side refused to emit: ${await answer.text()}`);
    const starts = (await (await fetch(`${this.url('revenue')}/commits`)).json()) as {
      correlationId: string;
      committedAtMs: number;
    }[];
    const ends = await this.lastEffects();
    const latencies = starts
      .map(({ correlationId, committedAtMs }) => (ends.get(correlationId) ?? NaN) - committedAtMs)
      .sort((a, b) => a - b);
    const seconds =
      (Math.max(...starts.map(({ correlationId }) => ends.get(correlationId) ?? 0)) -
        Math.min(...starts.map((start) => start.committedAtMs))) /
      1_000;
    await this.settled();
    const commits = (await this.commits()) - before.commits - processes * EFFECTS_PER_PROCESS;
    const per1000 = 1_000 / processes;
    return {
      processes,
      perSecond: round(processes / seconds),
      cpuSecondsPer1000: round((cpu.services + cpu.postgres + cpu.broker) * per1000),
      cpuParts: {
        services: round(cpu.services * per1000),
        postgres: round(cpu.postgres * per1000),
        broker: round(cpu.broker * per1000),
      },
      p50Ms: round(latencies[Math.floor(latencies.length * 0.5)] ?? NaN),
      p99Ms: round(latencies[Math.floor(latencies.length * 0.99)] ?? NaN),
      commitsPerMessage: round(commits / (processes * MESSAGES_PER_PROCESS)),
    };
  }

  /** Profiles every service while `fn` runs; returns the file of each. */
  async profiled(name: string, fn: () => Promise<unknown>): Promise<Map<Side, string>> {
    const toggle = async (recording: boolean): Promise<void> => {
      for (const child of this.children.values()) process.kill(child.pid, 'SIGUSR2');
      for (const side of this.children.keys())
        await this.until(() => existsSync(`${this.profileOf(side)}.recording`) === recording);
    };
    await toggle(true);
    await fn();
    await toggle(false);
    return new Map(
      [...this.children.keys()].map((side) => {
        const file = join(this.options.profiles!, `${name}-${side}.cpuprofile`);
        renameSync(this.profileOf(side), file);
        return [side, file];
      }),
    );
  }

  private cpu(): { services: number; postgres: number; broker: number } {
    const { pids } = this.options;
    return {
      services: cpuSeconds([...this.children.values()].map((child) => child.pid)),
      postgres: cpuSeconds([pids.postgres]),
      broker: cpuSeconds([pids.broker]),
    };
  }

  /** Transactions committed so far in the four databases. */
  private async commits(): Promise<number> {
    const { rows } = await this.admin.query<{ commits: string }>(
      `SELECT sum(xact_commit)::text AS commits FROM pg_stat_database WHERE datname = ANY($1)`,
      [SIDES.map(databaseOf)],
    );
    return Number(rows[0]?.commits ?? 0);
  }

  /** Statistics of a backend are flushed when it has been idle for a second (PostgreSQL: PGSTAT_IDLE_INTERVAL is 10 s at most). */
  private async settled(): Promise<void> {
    let last = -1;
    for (let now = await this.commits(), tries = 0; now !== last && tries < 20; tries += 1) {
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 500));
      now = await this.commits();
    }
  }

  private async effects(side: Side, kind: string): Promise<number> {
    const { rows } = await this.onDatabase<{ count: string }>(
      side,
      'SELECT count(*)::text AS count FROM vendor_effect WHERE kind = $1',
      [kind],
    );
    return Number(rows[0]?.count ?? 0);
  }

  private async lastEffects(): Promise<Map<string, number>> {
    const { rows } = await this.onDatabase<{ correlation_id: string; at: number }>(
      'finance',
      `SELECT correlation_id, extract(epoch FROM committed_at)::float8 * 1000 AS at FROM vendor_effect WHERE kind = 'schedule'`,
      [],
    );
    return new Map(rows.map((row) => [row.correlation_id, row.at]));
  }

  private readonly watchers = new Map<Side, pg.Client>();

  private async onDatabase<R extends pg.QueryResultRow>(
    side: Side,
    text: string,
    values: unknown[],
  ): Promise<pg.QueryResult<R>> {
    let client = this.watchers.get(side);
    if (!client) {
      client = new pg.Client({ connectionString: this.databaseUrl(side), connectionTimeoutMillis: 5_000 });
      client.on('error', () => undefined);
      await client.connect();
      this.watchers.set(side, client);
    }
    return client.query<R>(text, values);
  }

  private profileOf(side: Side): string {
    return join(this.options.profiles!, `${side}.cpuprofile`);
  }

  private async until(condition: () => boolean): Promise<void> {
    for (const deadline = Date.now() + READY_LIMIT_MS; !condition();) {
      if (Date.now() > deadline) throw new Error(`the services do not answer; logs in ${this.options.directory}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private url(side: Side): string {
    return `http://127.0.0.1:${this.ports.get(side)}`;
  }

  private databaseUrl(side: Side): string {
    const url = new URL(this.options.addresses.postgresAdminUrl);
    url.pathname = `/${databaseOf(side)}`;
    return url.href;
  }

  private program(side: Side): { cwd: string; main: string } {
    return side === 'orchestrator'
      ? { cwd: join(root, 'apps/orchestrator'), main: 'dist/main.js' }
      : { cwd: join(root, 'bench'), main: 'dist/adapter.js' };
  }

  private environment(side: Side, port: number): Record<string, string> {
    const { addresses, samplingRatio } = this.options;
    const collector = (this.collector!.address() as AddressInfo).port;
    return {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: this.databaseUrl(side),
      KAFKA_BROKERS: addresses.kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: addresses.registryUrl,
      OTEL_SERVICE_NAME: `bench-${side}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector}`,
      ...(samplingRatio !== undefined && { OTEL_TRACES_SAMPLER_ARG: String(samplingRatio) }),
      ...(side === 'orchestrator' ? { PROCESSES_DIRECTORY: join(root, 'bench/processes') } : { ADAPTER: side }),
      ...(this.options.profiles && { PROFILE_FILE: this.profileOf(side) }),
    };
  }

  private async migrate(side: Side): Promise<void> {
    const { cwd, main } = this.program(side);
    const logFile = join(this.options.directory, `${side}-migrate.log`);
    const child = await spawnService({
      name: `${side} migrations`,
      command: process.execPath,
      args: [main, 'migrate'],
      cwd,
      env: this.environment(side, 0),
      logFile,
    });
    const { code } = await child.exited;
    if (code !== 0) throw new Error(`the migrations of ${side} failed: ${logFile}`);
  }

  private async startSide(side: Side): Promise<void> {
    const { cwd, main } = this.program(side);
    const port = await freePort();
    const logFile = join(this.options.directory, `${side}.log`);
    const child = await spawnService({
      name: side,
      command: process.execPath,
      args: [
        '--import',
        '@throughline/telemetry/register',
        ...(this.options.profiles ? ['--import', join(root, 'bench/dist/profiler.js')] : []),
        main,
      ],
      cwd,
      env: this.environment(side, port),
      logFile,
    });
    this.children.set(side, child);
    this.ports.set(side, port);
    const deadline = Date.now() + READY_LIMIT_MS;
    for (;;) {
      const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(3_000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      if (child.exit || Date.now() > deadline) throw new Error(`${side} did not become ready: ${logFile}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function databaseOf(side: Side): string {
  return `bench_${side}`;
}

function difference(after: { services: number; postgres: number; broker: number }, before: typeof after): typeof after {
  return {
    services: after.services - before.services,
    postgres: after.postgres - before.postgres,
    broker: after.broker - before.broker,
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
