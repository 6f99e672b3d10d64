import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheRoot, ensurePart } from './cache.js';
import { StackError } from './errors.js';
import { brokerList, checkExternal, externalVariables, withoutPassword } from './external.js';
import { tryLock } from './file-lock.js';
import { findJava, type Java } from './java.js';
import { type KafkaListener, kafkaPart } from './kafka.js';
import { endLeftovers } from './leftovers.js';
import { onLauncherGone } from './launcher.js';
import type { PartContext, PartName, PartSpec } from './part.js';
import { choosePort } from './ports.js';
import { postgresPart } from './postgres.js';
import { confluentApi, registryPart } from './registry.js';
import { ensureRegistryDatabase } from './registry-database.js';
import { loadSecrets } from './secrets.js';
import type { Exit, SupervisedProcess } from './supervise.js';
import { type ViewerPart, viewerPart } from './viewer.js';
import { describeExit, waitFor } from './wait-for.js';

/** Everything a service needs to know. A part that was not asked for has an empty address. */
export interface StackAddresses {
  kafkaBrokers: string[];
  /** Superuser, password included. */
  postgresAdminUrl: string;
  /** Base of the Confluent-compatible API. */
  registryUrl: string;
  /** Base of OTLP/HTTP: traces go to `<base>/v1/traces`. */
  otlpEndpoint: string;
  /** The web page; empty when an external OTLP endpoint was given without TRACE_VIEWER_URL. */
  viewerUrl: string;
}

export interface StackPart {
  readonly name: PartName;
  readonly external: boolean;
  /** Undefined while it does not run, and for an external part. */
  readonly pid: number | undefined;
  readonly logFile: string | undefined;
  /** Resolves when the part has answered for the first time. `startStack` awaits all but the viewer's. */
  readonly ready: Promise<void>;
  /** For fault tests: default SIGKILL; resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again after `kill`: same port, same data; resolves when it answers. */
  start(): Promise<void>;
}

export interface Stack {
  addresses: StackAddresses;
  parts: Partial<Record<PartName, StackPart>>;
  /** Ends every child, politely and in order; safe to call twice. */
  stop(): Promise<void>;
}

export type PartState =
  'downloading' | 'preparing' | 'starting' | 'ready' | 'external' | 'skipped' | 'failed' | 'stopping' | 'stopped';

/** A process of the stack ended although nobody had asked it to. */
export interface PartExit {
  part: PartName;
  /** For people: `Apache Kafka 4.3.1`. */
  title: string;
  exit: Exit;
  logFile: string;
  /** Starts it again: same port, same data; resolves when it answers. Safe to repeat after it has failed. */
  restart(): Promise<void>;
}

export interface StackProgress {
  part: PartName;
  /** `failed` after `ready` means that the part ended although nobody had asked it to. */
  state: PartState;
  detail?: string;
}

export interface StackOptions {
  /** Data, logs and pid files; one running stack per directory. */
  directory: string;
  env: NodeJS.ProcessEnv;
  /** Ports a person may expect. One that is taken is replaced by a free one, and `onProgress` says so. Default: free ones. */
  preferredPorts?: Partial<StackPorts>;
  /** More ways in to the broker, each behind a proxy of the caller's: for fault tests. Default: none. */
  kafkaListeners?: KafkaListener[];
  /** The broker's JVM compiles as it does in production, for who measures it. Default: quickly, as suits short lives. */
  kafkaOptimised?: boolean;
  onProgress?: (event: StackProgress) => void;
  /** A part answers for the first time, while others may still start: its own addresses are final from here on (none if it was skipped). */
  onPartReady?: (part: PartName, addresses: Readonly<StackAddresses>) => void;
  onPartExit?: (exit: PartExit) => void;
  /** Name of the registry's database, and of its role, on an external PostgreSQL. Default: one of this directory alone. */
  registryDatabase?: string;
  /** Default: all. `registry` needs `postgres`. */
  parts?: PartName[];
  /** Ends the start-up: what was started is ended again and `startStack` rejects with STACK_ABORTED. */
  signal?: AbortSignal;
}

export interface StackPorts {
  kafka: number;
  kafkaController: number;
  postgres: number;
  registry: number;
  otlp: number;
  viewer: number;
}

/** The ports of `npm start`. */
export const usualPorts: StackPorts = {
  kafka: 19092,
  kafkaController: 19093,
  postgres: 15432,
  registry: 18081,
  otlp: 14318,
  viewer: 19411,
};

const allParts: PartName[] = ['postgres', 'kafka', 'registry', 'viewer'];

/**
 * Starts what is asked for, or takes what the environment names instead (KAFKA_BROKERS, POSTGRES_URL, SCHEMA_REGISTRY_URL,
 * OTEL_EXPORTER_OTLP_ENDPOINT with TRACE_VIEWER_URL). Resolves when Kafka, PostgreSQL and the registry answer; the viewer
 * may become ready later. Rejects with a StackError, everything ended again.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const lock = tryLock(join(directory, 'stack.lock'));
  if ('heldBy' in lock) {
    throw new StackError(
      'STACK_ALREADY_RUNNING',
      `A stack already runs in ${directory} (launcher pid ${lock.heldBy.pid}).`,
      {
        nextStep: 'use that one, stop it (Ctrl-C where it was started), or choose another directory.',
      },
    );
  }
  const starting = new StartingStack(directory, options);
  const forgetLauncher = onLauncherGone(options.env);
  const stop = once(async () => {
    forgetLauncher();
    await starting.stopAll();
    lock.release();
  });
  try {
    return { ...(await starting.run()), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

class StartingStack {
  private readonly report: (event: StackProgress) => void;
  private readonly context: PartContext;
  private readonly running: LocalPart[] = [];
  private receiver: SupervisedProcess | undefined;
  private readonly interrupt = new AbortController();
  private installs: Promise<unknown> = Promise.resolve();
  private background: Promise<unknown> = Promise.resolve();
  /** Which of the local parts run on a JVM. */
  private javaParts: PartName[] = [];

  constructor(
    private readonly directory: string,
    private readonly options: StackOptions,
  ) {
    this.report = options.onProgress ?? (() => undefined);
    if (options.signal?.aborted) this.interrupt.abort();
    options.signal?.addEventListener('abort', () => this.interrupt.abort(), { once: true });
    this.context = this.createContext();
  }

  async run(): Promise<Omit<Stack, 'stop'>> {
    const { env } = this.options;
    const wanted = new Set(this.options.parts ?? allParts);
    const secrets = loadSecrets(this.directory);
    for (const { file, name, pid } of await endLeftovers(this.context.pidDirectory)) {
      this.report({
        part: partOfPidFile(file),
        state: 'preparing',
        detail: `ended ${name} (pid ${pid}), left behind by an earlier run`,
      });
    }

    const parts: Partial<Record<PartName, StackPart>> = {};
    const addresses: StackAddresses = {
      kafkaBrokers: [],
      postgresAdminUrl: '',
      registryUrl: '',
      otlpEndpoint: '',
      viewerUrl: '',
    };
    const external = new Map(
      allParts.flatMap((name) => {
        const address = wanted.has(name) ? env[externalVariables[name]] : undefined;
        return address ? [[name, address] as const] : [];
      }),
    );
    const local = (name: PartName) => wanted.has(name) && !external.has(name);
    // Before anything is downloaded or started: a missing JVM is known at once.
    this.javaParts = (['kafka', 'registry', 'viewer'] as const).filter(local);
    if (this.javaParts.length > 0) await this.requireJava(wanted);
    await Promise.all(
      [...external].map(async ([name, address]) => {
        await checkExternal(name, address, this.interrupt.signal);
        parts[name] = externalPart(name);
        this.report({ part: name, state: 'external', detail: withoutPassword(address) });
      }),
    );
    if (external.has('kafka')) addresses.kafkaBrokers = brokerList(external.get('kafka') ?? '');
    if (external.has('registry')) addresses.registryUrl = (external.get('registry') ?? '').replace(/\/$/, '');
    if (external.has('viewer')) {
      addresses.otlpEndpoint = (external.get('viewer') ?? '').replace(/\/$/, '');
      addresses.viewerUrl = env.TRACE_VIEWER_URL ?? '';
    }
    addresses.postgresAdminUrl = external.get('postgres') ?? '';
    const answered = (name: PartName): void => this.options.onPartReady?.(name, addresses);
    for (const name of external.keys()) answered(name);
    if (this.javaParts.includes('viewer') && !wanted.has('viewer')) answered('viewer');

    const preferred = this.options.preferredPorts ?? {};
    const awaited: Promise<void>[] = [];
    let postgresUrl: () => Promise<string> = async () => external.get('postgres') ?? '';
    if (local('postgres')) {
      const spec = postgresPart(this.context, secrets.postgresPassword);
      const part = await this.begin(spec, { sql: preferred.postgres });
      parts.postgres = part;
      awaited.push(
        part.ready.then(() => {
          addresses.postgresAdminUrl = spec.adminUrl();
          answered('postgres');
        }),
      );
      postgresUrl = async () => {
        await part.ready;
        return spec.adminUrl();
      };
    }
    if (local('kafka')) {
      const { kafkaListeners: listeners, kafkaOptimised: optimised } = this.options;
      const spec = kafkaPart(this.context, { listeners, optimised });
      const part = await this.begin(spec, { broker: preferred.kafka, controller: preferred.kafkaController });
      parts.kafka = part;
      awaited.push(
        part.ready.then(() => {
          addresses.kafkaBrokers = [`127.0.0.1:${spec.ports.broker}`];
          answered('kafka');
        }),
      );
    }
    if (local('registry')) {
      if (!wanted.has('postgres'))
        throw new TypeError('the registry keeps its schemas in PostgreSQL: ask for postgres too');
      const ours = this.options.registryDatabase ?? `throughline_registry_${secrets.installationId}`;
      const name = external.has('postgres') ? ours : 'registry';
      const spec = registryPart(this.context, async () =>
        ensureRegistryDatabase(await postgresUrl(), name, secrets.registryPassword),
      );
      const part = await this.begin(spec, { http: preferred.registry });
      parts.registry = part;
      awaited.push(
        part.ready.then(() => {
          addresses.registryUrl = `http://127.0.0.1:${spec.ports.http}${confluentApi}`;
          answered('registry');
        }),
      );
    }
    if (local('viewer')) awaited.push(this.beginViewer(parts, addresses).then(() => answered('viewer')));
    await Promise.all(awaited);
    return { addresses, parts };
  }

  /** Registry and viewer before PostgreSQL, which the registry still writes to. */
  async stopAll(): Promise<void> {
    this.interrupt.abort();
    await this.background.catch(() => undefined);
    await Promise.all(this.running.filter(({ name }) => name !== 'postgres').map((part) => part.stop()));
    await Promise.all([
      this.receiver?.stop(2_000),
      ...this.running.filter(({ name }) => name === 'postgres').map((part) => part.stop()),
    ]);
  }

  /** Nothing depends on the viewer: where it alone lacks Java, it is left out. */
  private async requireJava(wanted: Set<PartName>): Promise<void> {
    try {
      await this.context.java();
    } catch (error) {
      if (this.javaParts.some((part) => part !== 'viewer')) throw error;
      wanted.delete('viewer');
      const [what] = (error as Error).message.split('\n');
      this.report({
        part: 'viewer',
        state: 'skipped',
        detail: `${what} Traces are dropped; OTEL_EXPORTER_OTLP_ENDPOINT would send them to a collector of yours.`,
      });
    }
  }

  private async begin(spec: PartSpec, preferred: Record<string, number | undefined>): Promise<LocalPart> {
    await this.choosePorts(spec, preferred);
    const part = new LocalPart(spec, {
      report: this.report,
      exited: (event) => this.options.onPartExit?.(event),
      signal: this.interrupt.signal,
      install: () => this.installInTurn(spec),
      newPorts: () => this.choosePorts(spec, {}),
    });
    this.running.push(part);
    // Whoever awaits it hears of a failure; nobody has to.
    part.ready.catch(() => undefined);
    this.background = Promise.allSettled([this.background, part.ready]);
    return part;
  }

  private async beginViewer(parts: Partial<Record<PartName, StackPart>>, addresses: StackAddresses): Promise<void> {
    const { preferredPorts } = this.options;
    const spec = viewerPart(this.context);
    parts.viewer = await this.begin(spec, { http: preferredPorts?.viewer, otlp: preferredPorts?.otlp });
    await this.startReceiver(spec);
    addresses.otlpEndpoint = `http://127.0.0.1:${spec.ports.otlp}`;
    addresses.viewerUrl = `http://127.0.0.1:${spec.ports.http}`;
  }

  private async startReceiver(spec: ViewerPart): Promise<void> {
    const { signal } = this.interrupt;
    if (signal.aborted) throw new StackError('STACK_ABORTED', 'Start-up was interrupted.');
    await this.receiver?.kill();
    const receiver = (this.receiver = await spec.launchReceiver());
    await waitFor((attempt) => spec.askReceiver(attempt), {
      what: 'The OTLP receiver',
      timeoutMs: 20_000,
      process: receiver,
      signal,
    });
    void receiver.exited.then((exit) => {
      if (signal.aborted) return;
      this.options.onPartExit?.({
        part: 'viewer',
        title: 'the OTLP receiver',
        exit,
        logFile: receiver.logFile,
        restart: () => this.startReceiver(spec),
      });
    });
  }

  /** One download at a time, in the order in which parts are needed: the first to be complete starts while the next comes. */
  private installInTurn(spec: PartSpec): Promise<void> {
    const turn = this.installs.then(() => {
      if (this.interrupt.signal.aborted) throw new StackError('STACK_ABORTED', 'Start-up was interrupted.');
      return spec.install();
    });
    this.installs = turn.catch(() => undefined);
    return turn;
  }

  private async choosePorts(spec: PartSpec, preferred: Record<string, number | undefined>): Promise<void> {
    for (const purpose of Object.keys(spec.ports)) {
      const wish = preferred[purpose];
      const port = await choosePort(wish);
      spec.ports[purpose] = port;
      if (wish !== undefined && port !== wish) {
        this.report({
          part: spec.name,
          state: 'preparing',
          detail: `port ${wish} is taken by another program, using ${port}`,
        });
      }
    }
  }

  private createContext(): PartContext {
    const { env } = this.options;
    const root = cacheRoot(env);
    const logDirectory = join(this.directory, 'logs');
    let java: Promise<Java> | undefined;
    return {
      directory: this.directory,
      logDirectory,
      pidDirectory: join(this.directory, 'run'),
      env,
      cacheRoot: root,
      java: () => (java ??= findJava(env, this.javaParts)),
      ensurePart: (id, prepare) => {
        const part = partOf(id);
        return ensurePart(
          {
            id,
            prepare: (target, scratch) => {
              this.report({ part, state: 'downloading', detail: id });
              return prepare(target, scratch, {
                env,
                logDirectory,
                onProgress: (detail) => this.report({ part, state: 'downloading', detail }),
                signal: this.interrupt.signal,
              });
            },
          },
          {
            root,
            onWaiting: (pid) =>
              this.report({ part, state: 'preparing', detail: `waiting for process ${pid}, which prepares parts` }),
            signal: this.interrupt.signal,
          },
        );
      },
    };
  }
}

interface LocalPartHooks {
  report: (event: StackProgress) => void;
  exited: (event: PartExit) => void;
  signal: AbortSignal;
  install: () => Promise<void>;
  newPorts: () => Promise<void>;
}

/** One of our own child programs: installed, started, watched, killed and started again. */
class LocalPart implements StackPart {
  readonly external = false;
  readonly ready: Promise<void>;
  private process: SupervisedProcess | undefined;
  private stopping = false;
  private launching: Promise<void> | undefined;

  constructor(
    private readonly spec: PartSpec,
    private readonly hooks: LocalPartHooks,
  ) {
    this.ready = this.firstStart();
  }

  get name(): PartName {
    return this.spec.name;
  }

  get pid(): number | undefined {
    return this.process?.exit === undefined ? this.process?.pid : undefined;
  }

  get logFile(): string | undefined {
    return this.process?.logFile;
  }

  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    await this.launch();
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.stopping = true;
    await this.process?.kill(signal);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    // A restart that is under way is interrupted by the signal of the whole stack.
    await this.launching?.catch(() => undefined);
    const detail = this.pid === undefined ? undefined : this.spec.stopNote?.();
    if (detail) this.hooks.report({ part: this.name, state: 'stopping', detail });
    await this.process?.stop(this.spec.stopGraceMs);
    this.hooks.report({ part: this.name, state: 'stopped' });
  }

  private async firstStart(): Promise<void> {
    try {
      await this.hooks.install();
      try {
        await this.launch();
      } catch (error) {
        if (!this.lostItsPort(error)) throw error;
        await this.hooks.newPorts();
        this.hooks.report({
          part: this.name,
          state: 'preparing',
          detail: 'its port was taken meanwhile, using another',
        });
        await this.launch();
      }
    } catch (error) {
      this.hooks.report({ part: this.name, state: 'failed', detail: (error as Error).message });
      throw error;
    }
  }

  private launch(): Promise<void> {
    return (this.launching = this.launchAndWait());
  }

  /** After an end that nobody had asked for; what a failed attempt left is ended first. */
  private async restart(): Promise<void> {
    if (this.pid !== undefined) await this.kill();
    await this.launch();
  }

  private async launchAndWait(): Promise<void> {
    const { spec, hooks } = this;
    if (hooks.signal.aborted) throw new StackError('STACK_ABORTED', 'Start-up was interrupted.');
    hooks.report({ part: this.name, state: 'starting', detail: spec.title });
    this.stopping = false;
    const launched = await spec.launch();
    this.process = launched;
    await waitFor((signal) => spec.ask(signal), {
      what: spec.title,
      timeoutMs: spec.readyTimeoutMs,
      process: launched,
      signal: hooks.signal,
    });
    hooks.report({ part: this.name, state: 'ready', detail: `${spec.title}, ${portsText(spec)}` });
    void launched.exited.then((exit) => this.reportExit(launched, exit));
  }

  private reportExit(launched: SupervisedProcess, exit: Exit): void {
    if (this.stopping || this.process !== launched) return;
    const detail = `${this.spec.title} ended (${describeExit(exit)}); log file: ${launched.logFile}`;
    this.hooks.report({ part: this.name, state: 'failed', detail });
    this.hooks.exited({
      part: this.name,
      title: this.spec.title,
      exit,
      logFile: launched.logFile,
      restart: () => this.restart(),
    });
  }

  private lostItsPort(error: unknown): boolean {
    if (!(error instanceof StackError) || error.code !== 'STACK_PART_FAILED' || !this.process) return false;
    // The viewer's address has been told already.
    return this.name !== 'viewer' && saysPortTaken(readFileSync(this.process.logFile, 'utf8'));
  }
}

/** How Kafka, PostgreSQL and Quarkus say that their port is taken. */
export function saysPortTaken(log: string): boolean {
  return /address already in use|BindException|could not bind|port \d+.* (?:in use|already bound)/i.test(log);
}

function externalPart(name: PartName): StackPart {
  const refuse = async () => {
    throw new TypeError(`${name} is external (${externalVariables[name]}): it is not ours to end or start`);
  };
  return {
    name,
    external: true,
    pid: undefined,
    logFile: undefined,
    ready: Promise.resolve(),
    kill: refuse,
    start: refuse,
  };
}

function portsText(spec: PartSpec): string {
  const ports = Object.values(spec.ports);
  return `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`;
}

/** A part's pid file bears its name; the viewer has a second process in front. */
function partOfPidFile(file: string): PartName {
  const name = basename(file, '.json');
  return name === 'otlp-receiver' ? 'viewer' : (name as PartName);
}

function partOf(id: string): PartName {
  if (id.startsWith('kafka')) return 'kafka';
  if (id.startsWith('postgresql')) return 'postgres';
  return id.startsWith('zipkin') ? 'viewer' : 'registry';
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= action());
}
