import { choosePort, spawnService, type StackAddresses, type SupervisedProcess } from '@throughline/local-stack';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Closed } from './deals.controller.js';
import { cpuOf, difference, type CpuParts } from './proc.js';
import { EFFECTS_PER_PROCESS, MESSAGES_PER_PROCESS } from './sample.js';
import type { EffectKind, Ended } from './vendor.js';

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The three adapters with a table for a vendor, and the orchestrator as shipped. */
const SIDES = ['revenue', 'ops', 'finance', 'orchestrator'] as const;
export type Side = (typeof SIDES)[number];

/** The databases' names begin with it. */
const DATABASES = 'bench';
const READY_LIMIT_MS = 60_000;
const RUN_LIMIT_MS = 240_000;
const STOP_LIMIT_MS = 15_000;

/** What a measurement stands on, started once for all of them. */
export interface Ground {
  addresses: StackAddresses;
  /** Logs go here. */
  directory: string;
  pids: { postgres: number; broker: number };
  /** Paths that have been started and not stopped, for whoever is interrupted. */
  running: Set<Path>;
  say: (line: string) => void;
}

export interface PathOptions {
  /** Share of traces that is recorded; default: what ships. */
  samplingRatio?: number | undefined;
  /** Sides that take part; default: all. */
  sides?: readonly Side[];
  /** The processes that the orchestrator runs: the four steps that are measured (default), or those it ships. */
  rules?: 'four-steps' | 'shipped';
  /** Instances of each service to start with; default 1. */
  instances?: number;
  /** Where the services write CPU profiles of what {@link Path.profiled} runs. */
  profiles?: string;
}

export interface Run {
  processes: number;
  /** From the first outbox commit to the last effect commit. */
  seconds: number;
  /** CPU-seconds until the last effect, and until every process had completed in the orchestrator. */
  cpuToLastEffect: CpuParts;
  cpuToCompletion: CpuParts;
  /** From each deal's outbox commit to its last effect commit, ascending; `NaN` for none. */
  latenciesMs: number[];
  commits: Closed['commits'];
  ended: Ended[];
  behindMs: number;
}

interface Service {
  side: Side;
  child: SupervisedProcess;
  port: number;
  profile: string | undefined;
}

/** The measured path, running: every service its own process, as shipped. */
export class Path {
  private services: Service[] = [];
  private collector: Server | undefined;
  private readonly admin: pg.Client;
  private readonly clients = new Map<Side, pg.Client>();
  private stopped: Promise<{ commitsPerMessage: number }> | undefined;
  private completed = 0;
  private commitsBefore = 0;
  /** Statements of the benchmark itself in the services' databases: each is a commit that is not the path's. */
  private own = 0;

  constructor(
    private readonly ground: Ground,
    private readonly options: PathOptions = {},
  ) {
    this.admin = new pg.Client({
      connectionString: ground.addresses.postgresAdminUrl,
      connectionTimeoutMillis: 5_000,
    });
  }

  /** Fresh databases, migrations, then the services until they are ready. */
  async start(): Promise<void> {
    this.ground.running.add(this);
    await this.admin.connect();
    const { profiles, instances = 1 } = this.options;
    if (profiles) mkdirSync(profiles, { recursive: true });
    this.collector = createServer((request, response) => request.resume().on('end', () => response.end('{}'))).listen(
      0,
      '127.0.0.1',
    );
    await once(this.collector, 'listening');
    await makeDatabases(this.ground, this.sides, DATABASES);
    this.commitsBefore = await this.countedCommits();
    if (instances > 0) await Promise.all(this.sides.map((side) => this.add(side, instances)));
  }

  /** More instances of a service, at once; resolves when they are ready. */
  async add(side: Side, instances: number): Promise<void> {
    const from = this.instancesOf(side).length;
    await Promise.all(Array.from({ length: instances }, (_, index) => this.startService(side, from + index)));
  }

  /**
   * Ends the services and returns how many commits they made per message, effects apart, from their start to their end: a backend of
   * PostgreSQL reports the last of its commits only when it ends, or up to 10 s later.
   */
  stop(): Promise<{ commitsPerMessage: number }> {
    return (this.stopped ??= this.end());
  }

  private async end(): Promise<{ commitsPerMessage: number }> {
    try {
      await Promise.all(this.services.map(({ child }) => child.stop(STOP_LIMIT_MS)));
      await Promise.all([...this.clients.values()].map((client) => client.end()));
      const commits = (await this.countedCommits()) - this.commitsBefore - this.own;
      const effects = this.completed * EFFECTS_PER_PROCESS;
      return { commitsPerMessage: (commits - effects) / (this.completed * MESSAGES_PER_PROCESS) };
    } finally {
      this.ground.running.delete(this);
      this.collector?.closeAllConnections();
      this.collector?.close();
      await this.admin.end();
    }
  }

  /** Closes deals as fast as the outbox takes them, or at a steady pace, and follows them to their ends. */
  async run(run: string, processes: number, perSecond?: number): Promise<Run> {
    await this.post('finance', 'vendor/watch', { kind: 'schedule', count: processes });
    const before = this.cpu();
    const closing = this.post('revenue', 'deals', { run, count: processes, ...(perSecond && { perSecond }) }).then(
      (response) => response.json() as Promise<Closed>,
    );
    closing.catch(() => undefined);
    const answer = await this.get('finance', 'vendor/ended');
    const cpuToLastEffect = difference(this.cpu(), before);
    const ended = (await answer.json()) as Ended[];
    await this.untilCompleted(processes);
    const cpuToCompletion = difference(this.cpu(), before);
    const { commits, behindMs } = await closing;
    return {
      processes,
      seconds: secondsOf(commits, ended),
      cpuToLastEffect,
      cpuToCompletion,
      latenciesMs: latenciesOf(commits, ended),
      commits,
      ended,
      behindMs,
    };
  }

  /** From here on a share of the deals fails a few times at each vendor before it succeeds. */
  async failFrom(share: number): Promise<void> {
    await Promise.all((['ops', 'finance'] as const).map((side) => this.post(side, 'vendor/fail', { share })));
  }

  /** Effects of one kind that each instance of a side has made. */
  async effectCounts(side: Side, kind: EffectKind): Promise<number[]> {
    return Promise.all(
      this.instancesOf(side).map(async ({ port }) => {
        const response = await request(`http://127.0.0.1:${port}/vendor/count?kind=${kind}`);
        return ((await response.json()) as { count: number }).count;
      }),
    );
  }

  /** Where the first instance of a side answers. */
  url(side: Side, path: string): string {
    return `http://127.0.0.1:${this.instancesOf(side)[0]!.port}/${path}`;
  }

  /** Process ids of the instances of a side, or of all. */
  pids(side?: Side): { side: Side; pid: number }[] {
    return this.services
      .filter((service) => !side || service.side === side)
      .map((service) => ({ side: service.side, pid: service.child.pid }));
  }

  /** Profiles every service while `fn` runs; returns the file of each. */
  async profiled(name: string, fn: () => Promise<unknown>): Promise<Map<Side, string>> {
    const toggle = async (recording: boolean): Promise<void> => {
      for (const { child } of this.services) process.kill(child.pid, 'SIGUSR2');
      for (const { profile } of this.services)
        await this.until(() => existsSync(`${profile}.recording`) === recording, `${profile} does not change`);
    };
    await toggle(true);
    await fn();
    await toggle(false);
    return new Map(
      this.services.map(({ side, profile }) => {
        const file = join(this.options.profiles!, `${name}-${side}.cpuprofile`);
        renameSync(profile!, file);
        return [side, file];
      }),
    );
  }

  /** One statement of the benchmark itself in the database of a side. */
  async query<R extends pg.QueryResultRow>(side: Side, text: string, values: unknown[] = []): Promise<R[]> {
    let client = this.clients.get(side);
    if (!client) {
      client = new pg.Client({
        connectionString: databaseUrl(this.ground.addresses, DATABASES, side),
        connectionTimeoutMillis: 5_000,
      });
      client.on('error', () => undefined);
      await client.connect();
      this.clients.set(side, client);
    }
    this.own += 1;
    return (await client.query<R>(text, values)).rows;
  }

  private cpu(): CpuParts {
    return cpuOf({ services: this.services.map(({ child }) => child.pid), ...this.ground.pids });
  }

  /** The last effect has happened, so only the last event is on its way: a few looks at most. */
  private async untilCompleted(processes: number): Promise<void> {
    const wanted = this.completed + processes;
    const deadline = Date.now() + RUN_LIMIT_MS;
    for (;;) {
      const [row] = await this.query<{ completed: number }>(
        'orchestrator',
        `SELECT count(*)::int AS completed FROM process_instance WHERE status = 'completed'`,
      );
      if (row!.completed === wanted) break;
      if (row!.completed > wanted || Date.now() > deadline)
        throw new Error(`${row!.completed} processes have completed, not ${wanted}; logs in ${this.ground.directory}`);
      await sleep(50);
    }
    this.completed = wanted;
  }

  /** Transactions committed so far in the services' databases, once no backend has more to report. */
  private async countedCommits(): Promise<number> {
    const databases = this.sides.map((side) => databaseOf(DATABASES, side));
    for (const deadline = Date.now() + READY_LIMIT_MS; ; await sleep(50)) {
      const { rows } = await this.admin.query<{ backends: number; commits: string }>(
        `SELECT (SELECT count(*)::int FROM pg_stat_activity WHERE datname = ANY($1) AND backend_type = 'client backend') AS backends,
                sum(xact_commit)::text AS commits FROM pg_stat_database WHERE datname = ANY($1)`,
        [databases],
      );
      if (rows[0]!.backends === 0) return Number(rows[0]!.commits);
      if (Date.now() > deadline) throw new Error('somebody stays connected to the databases of the benchmark');
    }
  }

  private get sides(): readonly Side[] {
    return this.options.sides ?? SIDES;
  }

  private instancesOf(side: Side): Service[] {
    return this.services.filter((service) => service.side === side);
  }

  private async get(side: Side, path: string): Promise<Response> {
    return request(this.url(side, path));
  }

  private async post(side: Side, path: string, body: unknown): Promise<Response> {
    return request(this.url(side, path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  private async until(condition: () => boolean, otherwise: string): Promise<void> {
    for (const deadline = Date.now() + READY_LIMIT_MS; !condition(); await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`${otherwise}; logs in ${this.ground.directory}`);
    }
  }

  private environment(side: Side, port: number): Record<string, string> {
    const { addresses } = this.ground;
    const { samplingRatio, rules = 'four-steps' } = this.options;
    const collector = (this.collector!.address() as AddressInfo).port;
    return {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: databaseUrl(this.ground.addresses, DATABASES, side),
      KAFKA_BROKERS: addresses.kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: addresses.registryUrl,
      OTEL_SERVICE_NAME: `bench-${side}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector}`,
      ...(samplingRatio !== undefined && { OTEL_TRACES_SAMPLER_ARG: String(samplingRatio) }),
      ...(side !== 'orchestrator' && { ADAPTER: side }),
      ...(side === 'orchestrator' && rules === 'four-steps' && { PROCESSES_DIRECTORY: join(root, 'bench/processes') }),
    };
  }

  private async startService(side: Side, index: number): Promise<void> {
    const { cwd, main } = programOf(side);
    const { profiles } = this.options;
    const port = await choosePort();
    const logFile = join(this.ground.directory, `${side}-${index}.log`);
    const profile = profiles && join(profiles, `${side}-${index}.cpuprofile`);
    const child = await spawnService({
      name: side,
      command: process.execPath,
      args: [
        ...HEAP,
        '--import',
        '@throughline/telemetry/register',
        ...(profile ? ['--import', join(root, 'bench/dist/profiler.js')] : []),
        main,
      ],
      cwd,
      env: { ...this.environment(side, port), ...(profile && { PROFILE_FILE: profile }) },
      logFile,
    });
    this.services.push({ side, child, port, profile });
    for (const deadline = Date.now() + READY_LIMIT_MS; ; await sleep(100)) {
      const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(3_000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      if (child.exit || Date.now() > deadline) throw new Error(`${side} did not become ready: ${logFile}`);
    }
  }
}

/** As the services are started by the command line and the image. */
export const HEAP = ['--max-semi-space-size=64'];

/** When a commit was answered. */
export interface Stamp {
  correlationId: string;
  /** Wall clock in milliseconds. */
  atMs: number;
}

/** From the first outbox commit to the last effect commit. */
export function secondsOf(commits: Stamp[], ended: Stamp[]): number {
  const times = (stamps: Stamp[]): number[] => stamps.map(({ atMs }) => atMs);
  return (Math.max(...times(ended)) - Math.min(...times(commits))) / 1_000;
}

/** From each deal's outbox commit to its last effect commit, ascending; `NaN` for one that has none. */
export function latenciesOf(commits: Stamp[], ended: Stamp[]): number[] {
  const endOf = new Map(ended.map(({ correlationId, atMs }) => [correlationId, atMs]));
  return commits
    .map(({ correlationId, atMs }) => (endOf.get(correlationId) ?? NaN) - atMs)
    .sort((one, other) => one - other);
}

/** A path for as long as `fn` takes, and how many commits it made. */
export async function withPath<T>(
  ground: Ground,
  options: PathOptions,
  fn: (path: Path) => Promise<T>,
): Promise<{ result: T; commitsPerMessage: number }> {
  const path = new Path(ground, options);
  try {
    await path.start();
    const result = await fn(path);
    return { result, ...(await path.stop()) };
  } finally {
    await path.stop();
  }
}

/** Fresh databases, one per side, migrated as the services would be. */
export async function makeDatabases(ground: Ground, sides: readonly Side[], prefix: string): Promise<void> {
  const { addresses, directory } = ground;
  const admin = new pg.Client({ connectionString: addresses.postgresAdminUrl, connectionTimeoutMillis: 5_000 });
  await admin.connect();
  try {
    for (const side of sides) {
      await admin.query(`DROP DATABASE IF EXISTS ${databaseOf(prefix, side)} WITH (FORCE)`);
      await admin.query(`CREATE DATABASE ${databaseOf(prefix, side)}`);
    }
    await Promise.all(sides.map((side) => migrate(side, databaseUrl(addresses, prefix, side), directory)));
    // A checkpoint makes the next change of each page dearer, so all runs begin with one, before their warm-up.
    await admin.query('CHECKPOINT');
  } finally {
    await admin.end();
  }
}

async function migrate(side: Side, url: string, directory: string): Promise<void> {
  const { cwd, main } = programOf(side);
  const logFile = join(directory, `${side}-migrate.log`);
  const child = await spawnService({
    name: `${side} migrations`,
    command: process.execPath,
    args: [main, 'migrate'],
    cwd,
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', DATABASE_URL: url, ADAPTER: side },
    logFile,
  });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`the migrations of ${side} failed: ${logFile}`);
}

export function databaseUrl(addresses: StackAddresses, prefix: string, side: Side): string {
  const url = new URL(addresses.postgresAdminUrl);
  url.pathname = `/${databaseOf(prefix, side)}`;
  return url.href;
}

function databaseOf(prefix: string, side: Side): string {
  return `${prefix}_${side}`;
}

function programOf(side: Side): { cwd: string; main: string } {
  return side === 'orchestrator'
    ? { cwd: join(root, 'apps/orchestrator'), main: 'dist/main.js' }
    : { cwd: join(root, 'bench'), main: 'dist/adapter.js' };
}

async function request(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(RUN_LIMIT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
}
