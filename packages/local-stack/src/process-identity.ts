import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Who a pid was at a moment: pids are reused, a pid together with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Opaque, without spaces; compared for equality only. */
  startTime: string;
}

/** Start time of a live process; undefined when it is gone or is a zombie that only waits to be collected. */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), bootId());
    } catch {
      return undefined;
    }
  }
  try {
    const [state, ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return state && !state.startsWith('Z') && started.length > 0 ? started.join('-') : undefined;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/<pid>/stat (clock ticks since boot) with the boot it counts from. The command in field 2 may hold anything. */
export function parseProcStat(stat: string, boot: string): string | undefined {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  const [state, ticks] = [fields[0], fields[19]];
  return ticks === undefined || state === 'Z' || state === 'X' ? undefined : `${boot}:${ticks}`;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Sends a signal if, and only if, the pid is still that process. True when it was sent. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Polite signal first, SIGKILL after `graceMs`; resolves true once the process is gone. */
export async function endProcess(identity: ProcessIdentity, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  signalProcess(identity, signal);
  if (await gone(identity, graceMs)) return true;
  signalProcess(identity, 'SIGKILL');
  return gone(identity, 5_000);
}

async function gone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return true;
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8);
  return boot;
}
