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
