import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartName } from '@throughline/local-stack';
import type { Platform } from '../../apps/cli/src/platform.js';
import type { Vendors } from '../../apps/cli/src/demo/vendors.js';
import type { Network } from './network.js';
import type { Poisoner } from './poison.js';
import type { Fault, SandboxFault } from './schedule.js';
import { instanceOf } from './victims.js';

const AGAIN_MS = 500;

/** Carries faults out on a running platform. */
export class Strikes {
  private readonly sandboxFaults = new Set<SandboxFault>();
  private telling: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: {
      platform: Platform;
      network: Network;
      vendors: Vendors;
      poisoner: Poisoner;
      seed: number;
    },
  ) {}

  /** Resolves when the fault is over and whatever it had ended is up again. */
  async strike(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        await this.kill(fault.whom);
        await sleep(fault.forMs);
        return this.start(fault.whom);
      case 'pause': {
        const pids = this.pidsOf(fault.whom);
        signalAll(pids, 'SIGSTOP');
        await sleep(fault.forMs);
        return signalAll(pids, 'SIGCONT');
      }
      case 'network': {
        const proxies = this.parts.network.of(fault.from, fault.link);
        for (const proxy of proxies) proxy.break(fault.cut);
        await sleep(fault.forMs);
        await Promise.all(proxies.map((proxy) => proxy.mend()));
        return;
      }
      case 'webhooks':
      case 'vendors':
        for (const one of fault.faults) this.sandboxFaults.add(one);
        await this.tellSandbox();
        await sleep(fault.forMs);
        for (const one of fault.faults) this.sandboxFaults.delete(one);
        return this.tellSandbox();
      case 'poison':
        for (const poison of fault.records) await again(() => this.parts.poisoner.write(poison));
    }
  }

  private async kill(victim: string): Promise<void> {
    const { platform } = this.parts;
    const instance = instanceOf(victim);
    if (instance) await platform.services.kill(instance.service, instance.number);
    else await platform.stack.parts[victim as PartName]!.kill();
  }

  /** As a supervisor does: again and again, since what it needs may be down too. */
  private start(victim: string): Promise<void> {
    const { platform } = this.parts;
    const instance = instanceOf(victim);
    return again(() =>
      instance
        ? platform.services.killAndRestart(instance.service, instance.number)
        : platform.stack.parts[victim as PartName]!.start(),
    );
  }

  /** PostgreSQL is many processes, and only all of them together stand still. */
  private pidsOf(victim: string): number[] {
    const { platform } = this.parts;
    const instance = instanceOf(victim);
    const pid = instance
      ? platform.services.pid(instance.service, instance.number)
      : platform.stack.parts[victim as PartName]!.pid;
    return pid === undefined ? [] : [pid, ...childrenOf(pid)];
  }

  /** One after the other, so that the last word is the newest. */
  private tellSandbox(): Promise<void> {
    const { vendors, seed } = this.parts;
    this.telling = this.telling.then(() =>
      again(() => vendors.setFaults(this.sandboxFaults.size === 0 ? null : { seed, faults: [...this.sandboxFaults] })),
    );
    return this.telling;
  }
}

async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await sleep(AGAIN_MS);
    }
  }
}

function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child!);
}

function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone meanwhile, as PostgreSQL's children come and go.
    }
  }
}
