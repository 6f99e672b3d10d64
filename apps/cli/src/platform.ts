import { startStack, type Stack } from '@throughline/local-stack';
import { Listr, type ListrTaskWrapper } from 'listr2';
import { deployContracts, deployDatabases } from './deploy.js';
import type { Installation } from './installation.js';
import { Services } from './services.js';
import { SERVICES, type Instance, type ServiceName, type TopologyInput } from './topology.js';

export interface PlatformOptions {
  installation: Installation;
  /** Instances of each service; the sandbox, which stands for the vendors, is always one. Default 1. */
  instances?: number;
  /** Stable ports where they are free; demo and tests take any. */
  preferPorts: boolean;
  /** Progress goes here; standard output belongs to the result. */
  progress: 'pretty' | 'plain' | 'silent';
  onExit: (instance: Instance, logFile: string) => void;
}

/** The local stack and our services on it, started and deployed. */
export interface Platform {
  stack: Stack;
  services: Services;
  topology: TopologyInput;
  /** Services first, then the stack; leaves no process behind. */
  stop(): Promise<void>;
}

/** The ports `npm start` likes for the parts of the stack. */
const PREFERRED_STACK_PORTS = { kafka: 4192, postgres: 4154, registry: 4181, viewer: 4194 };

interface Context {
  stack?: Stack;
  databaseUrls?: Record<ServiceName, string>;
  instances?: Instance[];
  services?: Services;
}

/** Starts everything, step by step, each step shown; a failing step stops what had started and says what to do. */
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

  const tasks = new Listr<Context>(
    [
      {
        title: 'Local stack: Kafka, PostgreSQL, schema registry, trace viewer',
        task: async (_, task) => {
          context.stack = await startStack({
            directory: installation.path('stack'),
            env: process.env,
            ...(options.preferPorts && { preferredPorts: PREFERRED_STACK_PORTS }),
            onProgress: stackProgress(task),
          });
        },
      },
      {
        title: 'Deploy: databases and migrations, schemas, topics',
        task: async (_, task) => {
          const { addresses } = context.stack!;
          const [urls, contracts] = await Promise.all([
            deployDatabases(addresses.postgresAdminUrl, secrets.databasePassword, installation.path('logs')),
            deployContracts(addresses),
          ]);
          context.databaseUrls = urls;
          task.title = `Deploy: ${SERVICES.length} databases, ${contracts.schemas} schemas, ${contracts.createdTopics.length} new topics`;
          for (const difference of contracts.differences) task.output = difference;
        },
      },
      {
        title: 'Services',
        task: async (_, task) => {
          context.instances = await Services.plan(
            (service) => (service === 'sandbox' ? 1 : (options.instances ?? 1)),
            options.preferPorts,
          );
          context.services = await Services.start(topology(), installation, options.onExit);
          task.title = `Services: ${SERVICES.join(', ')} (${context.instances.length} processes)`;
        },
      },
    ],
    { renderer: renderer(options.progress), fallbackRenderer: 'simple', ctx: context } as never,
  );

  try {
    await tasks.run();
  } catch (error) {
    await stop();
    throw error;
  }
  return { stack: context.stack!, services: context.services!, topology: topology(), stop };
}

function renderer(progress: PlatformOptions['progress']): string {
  return { pretty: 'default', plain: 'simple', silent: 'silent' }[progress];
}

function stackProgress(
  task: ListrTaskWrapper<Context, never, never>,
): (event: { part: string; state: string; detail?: string; percent?: number }) => void {
  const states = new Map<string, string>();
  return ({ part, state, detail, percent }) => {
    states.set(part, [state, percent === undefined ? '' : `${percent} %`, detail ?? ''].filter(Boolean).join(' '));
    task.output = [...states].map(([name, text]) => `${name}: ${text}`).join('   ');
  };
}
