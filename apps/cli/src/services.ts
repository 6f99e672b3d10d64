import {
  choosePort,
  endLeftovers,
  spawnService,
  type Leftover,
  type SupervisedProcess,
} from '@throughline/local-stack';
import { join } from 'node:path';
import { lastLines } from './deploy.js';
import { projectRoot, type Installation } from './installation.js';
import type { EndedPart } from './keep-running.js';
import { CommandError } from './output.js';
import {
  instanceEnvironment,
  PREFERRED_PORTS,
  SERVICES,
  type Instance,
  type ServiceName,
  type TopologyInput,
} from './topology.js';

/** How long an instance may take until it says it is ready. */
const READY_LIMIT_MS = 60_000;
const READY_POLL_MS = 100;
/** A service drains within SHUTDOWN_GRACE_MS (10 s by default) and then ends by itself; a little more before SIGKILL. */
const STOP_GRACE_MS = 16_000;

/** May lead an instance to what it talks to by another way, for example through a proxy: the environment it is started with. */
export type Detour = (
  instance: Instance,
  environment: Record<string, string>,
) => Record<string, string> | Promise<Record<string, string>>;

/** The processes of ours, each in as many instances as asked for. */
export class Services {
  private readonly running = new Map<Instance, SupervisedProcess>();
  private stopping = false;

  constructor(
    private readonly topology: TopologyInput,
    private readonly installation: Installation,
    /** The person's own environment; some of it reaches the services. */
    private readonly env: NodeJS.ProcessEnv,
    /** Told when an instance ends that was ready and that nobody stopped. */
    private readonly onExit: (instance: Instance, logFile: string, ended: EndedPart) => void,
    private readonly through: Detour = (_, environment) => environment,
  ) {}

  /** Ends the services of a launcher that was killed together with its reaper. Only while the stack of the installation is ours. */
  static endLeftovers(installation: Installation): Promise<Leftover[]> {
    return endLeftovers(installation.path('run'));
  }

  /** Free ports for every instance: the preferred one for the first of each service where it is free. */
  static async plan(instancesOf: (service: ServiceName) => number, preferPorts: boolean): Promise<Instance[]> {
    const instances: Instance[] = [];
    for (const service of SERVICES) {
      for (let number = 1; number <= instancesOf(service); number += 1) {
        const port = await choosePort(preferPorts && number === 1 ? PREFERRED_PORTS[service] : undefined);
        instances.push({ service, number, port });
      }
    }
    return instances;
  }

  /** Starts every instance and waits until each says it is ready. */
  async start(): Promise<void> {
    await Promise.all(this.topology.instances.map((instance) => this.startInstance(instance)));
  }

  /** Base addresses of all instances of a service. */
  urls(service: ServiceName): string[] {
    return this.topology.instances.filter((instance) => instance.service === service).map(instanceUrl);
  }

  /** The first instance's base address. */
  url(service: ServiceName): string {
    return this.urls(service)[0] ?? '';
  }

  /** Of an instance that runs. */
  pid(service: ServiceName, number = 1): number | undefined {
    return this.running.get(this.instance(service, number))?.pid;
  }

  /** SIGKILL to one instance; resolves when it is gone. It stays down until it is restarted. */
  async kill(service: ServiceName, number = 1): Promise<void> {
    const instance = this.instance(service, number);
    const child = this.running.get(instance);
    this.running.delete(instance);
    await child?.kill('SIGKILL');
  }

  /** SIGKILL to one instance, then a fresh start on the same port; resolves when it is ready again. */
  async killAndRestart(service: ServiceName, number = 1): Promise<void> {
    await this.kill(service, number);
    await this.startInstance(this.instance(service, number));
  }

  /** After an end that nobody had asked for; what a failed attempt left is ended first. */
  private async restart(instance: Instance): Promise<void> {
    const left = this.running.get(instance);
    this.running.delete(instance);
    await left?.kill('SIGKILL');
    await this.startInstance(instance);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const children = [...this.running.values()];
    this.running.clear();
    await Promise.all(children.map((child) => child.stop(STOP_GRACE_MS)));
  }

  private instance(service: ServiceName, number: number): Instance {
    const instance = this.topology.instances.find((one) => one.service === service && one.number === number);
    if (!instance) throw new Error(`there is no instance ${number} of ${service}`);
    return instance;
  }

  private async startInstance(instance: Instance): Promise<void> {
    const name = `${instance.service}-${instance.number}`;
    const child = await spawnService({
      name,
      command: process.execPath,
      args: ['--max-semi-space-size=64', '--import', '@throughline/telemetry/register', 'dist/main.js'],
      cwd: join(projectRoot, 'apps', instance.service),
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: this.installation.path('compile-cache'),
        ...(await this.through(instance, instanceEnvironment(instance, this.topology, this.env))),
      },
      logFile: this.installation.path('logs', `${name}.log`),
      pidFile: this.installation.path('run', `${name}.json`),
    });
    // Ctrl-C may have come between the spawn and here.
    if (this.stopping) return void (await child.stop(STOP_GRACE_MS));
    this.running.set(instance, child);
    await this.untilReady(instance, child);
    void child.exited.then((exit) => {
      if (this.stopping || this.running.get(instance) !== child) return;
      const { logFile } = child;
      this.onExit(instance, logFile, {
        name:
          this.topology.instances.filter(({ service }) => service === instance.service).length > 1
            ? name
            : instance.service,
        exit,
        logFile,
        restart: () => this.restart(instance),
      });
    });
  }

  private async untilReady(instance: Instance, child: SupervisedProcess): Promise<void> {
    const deadline = Date.now() + READY_LIMIT_MS;
    let answer = 'no answer yet';
    while (child.exit === undefined && Date.now() < deadline) {
      answer = await readiness(instanceUrl(instance));
      if (answer === 'ready') return;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
    const how = child.exit
      ? `ended with ${child.exit.signal ?? `code ${child.exit.code}`}`
      : `was not ready within ${READY_LIMIT_MS / 1_000} s (${answer})`;
    throw new CommandError(
      `${instance.service} (instance ${instance.number}) ${how}.\n${lastLines(child.logFile)}\nWhole log: ${child.logFile}\nNext: mend what the last lines name, then start again.`,
    );
  }
}

function instanceUrl(instance: Instance): string {
  return `http://127.0.0.1:${instance.port}`;
}

async function readiness(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(3_000) });
    return response.ok ? 'ready' : await response.text();
  } catch (error) {
    return (error as Error).message;
  }
}
