import { startStack, usualPorts, type Stack, type StackProgress } from '@throughline/local-stack';
import { Listr, ListrLogger, PRESET_TIMER, ProcessOutput } from 'listr2';
import { deployContracts, deployDatabases } from './deploy.js';
import type { Installation } from './installation.js';
import { CommandError } from './output.js';
import { Services } from './services.js';
import { SERVICES, type Instance, type ServiceName, type TopologyInput } from './topology.js';

export interface PlatformOptions {
  installation: Installation;
  /** Instances of each service; the sandbox, which stands for the vendors, is always one. Default 1. */
  instances?: number;
  /** Stable ports where they are free; demo and tests take any. */
  preferPorts: boolean;
  onExit: (instance: Instance, logFile: string) => void;
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
 * Starts everything, step by step, each step shown on standard error (standard output belongs to results). A failing step stops
 * what had started and says what to do.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { installation } = options;
  const secrets = installation.secrets();
  const context: Context = {};
  const stop = async (): Promise<void> => {
    await context.services?.stop();
    await context.stack?.stop();
  };
  const topology = (): TopologyInput => ({
    addresses: context.stack!.addresses,
    secrets,
    instances: context.instances!,
    databaseUrls: context.databaseUrls!,
    samplingRatio: 1,
  });

  const steps: { title: string; task: (context: Context, step: Step) => Promise<void> }[] = [
    {
      title: 'Local stack: Kafka, PostgreSQL, schema registry, trace viewer',
      task: async (_, step) => {
        context.stack = await startStack({
          directory: installation.path('stack'),
          env: process.env,
          ...(options.preferPorts && { preferredPorts: usualPorts }),
          ...(options.signal && { signal: options.signal }),
          onProgress: showParts(step),
        });
      },
    },
    {
      title: 'Deploy: databases and migrations, schemas, topics',
      task: async (_, step) => {
        const { addresses } = context.stack!;
        const [urls, contracts] = await Promise.all([
          deployDatabases(addresses.postgresAdminUrl, secrets.databaseSecret, installation.path('logs')),
          deployContracts(addresses),
        ]);
        context.databaseUrls = urls;
        step.title = `Deploy: ${SERVICES.length} databases, ${contracts.schemas} schemas, ${contracts.createdTopics.length} new topics`;
        for (const difference of contracts.differences) step.output = difference;
      },
    },
    {
      title: `Services: ${SERVICES.join(', ')}`,
      task: async () => {
        const instancesOf = (service: ServiceName): number => (service === 'sandbox' ? 1 : (options.instances ?? 1));
        context.instances = await Services.plan(instancesOf, options.preferPorts);
        context.services = new Services(topology(), installation, options.onExit);
        await context.services.start();
      },
    },
  ];

  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const tasks = new Listr<Context, 'default', 'simple'>(
    steps.map(({ title, task }) => ({
      title,
      task: (_, wrapper) => endedBy(options.signal, task(context, wrapper)),
    })),
    {
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
  return { stack: context.stack!, services: context.services!, topology: topology(), stop };
}

/** Rejects as soon as the signal says so; what `step` had begun is ended by the caller's clean-up. */
async function endedBy<T>(signal: AbortSignal | undefined, step: Promise<T>): Promise<T> {
  if (!signal) return step;
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

/** One line with the state of every part. */
function showParts(step: Step): (event: StackProgress) => void {
  const states = new Map<string, string>();
  return ({ part, state, detail }) => {
    states.set(part, detail ? `${state} (${detail})` : state);
    step.output = [...states].map(([name, text]) => `${name}: ${text}`).join('   ');
  };
}
