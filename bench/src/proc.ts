import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds used so far by processes and by all their present and past children, from /proc (Linux only). */
export function cpuSeconds(pids: readonly number[]): number {
  const children = childrenByParent();
  let ticks = 0;
  const visit = (pid: number): void => {
    const stat = readStat(pid);
    if (!stat) return;
    ticks += stat.ticks;
    for (const child of children.get(pid) ?? []) visit(child);
  };
  for (const pid of pids) visit(pid);
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds by who used them. */
export interface CpuParts {
  services: number;
  postgres: number;
  broker: number;
}

export function cpuOf(pids: { services: number[]; postgres: number; broker: number }): CpuParts {
  return {
    services: cpuSeconds(pids.services),
    postgres: cpuSeconds([pids.postgres]),
    broker: cpuSeconds([pids.broker]),
  };
}

export function difference(after: CpuParts, before: CpuParts): CpuParts {
  return {
    services: after.services - before.services,
    postgres: after.postgres - before.postgres,
    broker: after.broker - before.broker,
  };
}

export function per1000({ services, postgres, broker }: CpuParts, processes: number): CpuParts {
  const scale = (seconds: number): number => (seconds * 1_000) / processes;
  return { services: scale(services), postgres: scale(postgres), broker: scale(broker) };
}

export function total({ services, postgres, broker }: CpuParts): number {
  return services + postgres + broker;
}

/** USER_HZ: 100 on every Linux that Node runs on (man 5 proc). */
const TICKS_PER_SECOND = 100;

/** utime + stime + those of children already waited for. */
function readStat(pid: number): { parent: number; ticks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [parent, utime, stime, cutime, cstime] = [1, 11, 12, 13, 14].map((index) => Number(fields[index])) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { parent, ticks: utime + stime + cutime + cstime };
  } catch {
    return undefined;
  }
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = readStat(Number(name))?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}

/** Memory of a process that is in RAM, in megabytes. */
export function rssMegabytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)![1]) / 1_024;
}
