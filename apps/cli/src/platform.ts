import {
  startStack,
  usualPorts,
  type KafkaListener,
  type PartExit,
  type PartName,
  type Stack,
  type StackAddresses,
  type StackProgress,
} from '@throughline/local-stack';
import { Listr, ListrLogger, PRESET_TIMER, ProcessOutput } from 'listr2';
import type { Config } from './config.js';
import { deployContracts, deployDatabases } from './deploy.js';
import type { Installation } from './installation.js';
import type { EndedPart } from './keep-running.js';
import { kafkaPrefix, registryDatabase } from './namespace.js';
import { CommandError } from './output.js';
import { Services, type Detour } from './services.js';
import { SERVICES, type Instance, type ServiceName, type TopologyInput } from './topology.js';

export interface PlatformOptions {
  config: Config;
  installation: Installation;
  /** Instances of each service; the sandbox, which stands for the vendors, is always one. Default 1. */
  instances?: number;
  /** Stable ports where they are free; demo and tests take any. */
  preferPorts: boolean;
  /** An instance ended that was ready and that nobody stopped; `ended` can start it again. */
  onExit: (instance: Instance, logFile: string, ended: EndedPart) => void;
  /** As `onExit`, for a process of the local stack. */
  onPartExit?: (exit: PartExit) => void;
  /** More ways in to the broker; with `through`, each instance can be given one of its own. */
  kafkaListeners?: KafkaListener[];
  /** How instances reach what they talk to. Default: directly. */
  through?: Detour;
  /** Ends the start-up: what was started is ended again, and the promise rejects. */
  signal?: AbortSignal;
}

/** The local stack and our services on it, started and deployed. */
export interface Platform {
  stack: Stack;
  services: Services;
  topology: TopologyInput;
  /** Services first, then the stack; leaves no process behind. */
  stop(): Promise<void>;
}

interface Context {
  stack?: Stack;
  databaseUrls?: Record<ServiceName, string>;
  instances?: Instance[];
  services?: Services;
}

/** What a step may show of itself while it runs. */
interface Step {
  title: string;
  output: string;
}

/**
 * Starts everything, each step as soon as what it needs answers, and shown on standard error (standard output belongs to results).
 * A failing step stops what had started and says what to do.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { config, installation } = options;
  const { namespace } = config;
  const secrets = installation.secrets();
  const context: Context = {};
  const ending = new AbortController();
  if (options.signal?.aborted) ending.abort();
  options.signal?.addEventListener('abort', () => ending.abort(), { once: true });
  const answers = new Answers();
  const databases = Promise.withResolvers<void>();
  const contracts = Promise.withResolvers<void>();
  let stack: Promise<Stack> | undefined;
  const stop = async (): Promise<void> => {
    ending.abort();
    await context.services?.stop();
    await stack?.then(
      (started) => started.stop(),
      () => undefined,
    );
  };
  const topology = (addresses: StackAddresses): TopologyInput => ({
    addresses,
    secrets,
    instances: context.instances!,
    databaseUrls: context.databaseUrls!,
    kafkaPrefix: kafkaPrefix(namespace),
    samplingRatio: 1,
  });

  const steps: { title: string; task: (step: Step) => Promise<void> }[] = [
    {
      title: 'Local stack: Kafka, PostgreSQL, schema registry, trace viewer',
      task: async (step) => {
        stack = startStack({
          directory: installation.path('stack'),
          env: config.env,
          ...(namespace && { registryDatabase: registryDatabase(namespace) }),
          ...(options.preferPorts && { preferredPorts: usualPorts }),
          ...(options.onPartExit && { onPartExit: options.onPartExit }),
          ...(options.kafkaListeners && { kafkaListeners: options.kafkaListeners }),
          signal: ending.signal,
          onProgress: showParts(step),
          onPartReady: (part, addresses) => answers.take(part, addresses),
        });
        context.stack = await stack;
      },
    },
    {
      title: `Databases and migrations of ${SERVICES.length} services`,
      task: async (step) => {
        const { postgresAdminUrl } = await answers.from('postgres');
        // The stack is ours by now: what runs on it is of an earlier launcher.
        for (const { name, pid } of await Services.endLeftovers(installation))
          step.output = `ended ${name} (pid ${pid}), left behind by an earlier run`;
        context.databaseUrls = await deployDatabases(
          postgresAdminUrl,
          namespace,
          secrets.databaseSecret,
          installation.path('logs'),
          { stampFile: installation.path('migrations.stamp'), signal: ending.signal },
        );
        databases.resolve();
      },
    },
    {
      title: 'Schemas and topics',
      task: async (step) => {
        await answers.from('registry');
        const report = await deployContracts(await answers.from('kafka'), namespace);
        step.title = `Schemas and topics: ${report.schemas} schemas, ${report.createdTopics.length} new topics`;
        for (const difference of report.differences) step.output = difference;
        contracts.resolve();
      },
    },
    {
      title: `Services: ${SERVICES.join(', ')}`,
      task: async () => {
        await Promise.all([databases.promise, contracts.promise]);
        const addresses = await answers.from('viewer');
        const instancesOf = (service: ServiceName): number => (service === 'sandbox' ? 1 : (options.instances ?? 1));
        context.instances = await Services.plan(instancesOf, options.preferPorts);
        ending.signal.throwIfAborted();
        context.services = new Services(topology(addresses), installation, config.env, options.onExit, options.through);
        await context.services.start();
      },
    },
  ];

  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const tasks = new Listr<Context, 'default', 'simple'>(
    steps.map(({ title, task }) => ({ title, task: (_, wrapper) => endedBy(ending.signal, task(wrapper)) })),
    {
      concurrent: true,
      renderer: 'default',
      rendererOptions: { logger, timer: PRESET_TIMER },
      fallbackRenderer: 'simple',
      fallbackRendererOptions: { logger, timer: PRESET_TIMER },
      fallbackRendererCondition: () => !process.stderr.isTTY,
      registerSignalListeners: false,
    },
  );
  try {
    await tasks.run();
  } catch (error) {
    await stop();
    throw options.signal?.aborted ? new CommandError('interrupted', 130) : error;
  }
  return { stack: context.stack!, services: context.services!, topology: topology(context.stack!.addresses), stop };
}

/** Rejects as soon as the signal says so; what `step` had begun is ended by the caller's clean-up. */
async function endedBy<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new CommandError('interrupted', 130));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([step, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** One line with the state of every part; what a person has to know stands on a line of its own. */
function showParts(step: Step): (event: StackProgress) => void {
  const states = new Map<string, string>();
  return ({ part, state, detail }) => {
    if (state === 'skipped' || (state === 'stopping' && detail)) process.stderr.write(`${part} ${state}: ${detail}\n`);
    states.set(part, detail ? `${state} (${detail})` : state);
    step.output = [...states].map(([name, text]) => `${name}: ${text}`).join('   ');
  };
}

/** The addresses of parts as they begin to answer. */
class Answers {
  private readonly parts = new Map<PartName, PromiseWithResolvers<Readonly<StackAddresses>>>();

  take(part: PartName, addresses: Readonly<StackAddresses>): void {
    this.of(part).resolve(addresses);
  }

  from(part: PartName): Promise<Readonly<StackAddresses>> {
    return this.of(part).promise;
  }

  private of(part: PartName): PromiseWithResolvers<Readonly<StackAddresses>> {
    const known = this.parts.get(part) ?? Promise.withResolvers<Readonly<StackAddresses>>();
    this.parts.set(part, known);
    return known;
  }
}
