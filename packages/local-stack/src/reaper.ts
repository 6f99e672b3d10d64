/**
 * The reaper: a small process of its own session that outlives its launcher, and only for as long as it takes to end what
 * the launcher had started. Its standard input is a pipe from the launcher; the kernel closes it whatever the launcher
 * died of. Lines: `+<pid> <start time> <polite signal>` and `-<pid>`.
 */
import { createInterface } from 'node:readline';
import type * as Identity from './process-identity.js';

// Runs as reaper.js from dist and as reaper.ts from src: a static import could only name one of the two.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const { endProcess } = (await import(
  new URL(`./process-identity.${extension}`, import.meta.url).href
)) as typeof Identity;

const graceMs = Number(process.argv[2] ?? 10_000);
const children = new Map<number, { startTime: string; signal: NodeJS.Signals }>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const [pid = '', startTime = '', signal = 'SIGTERM'] = line.slice(1).split(' ');
  if (line.startsWith('+')) children.set(Number(pid), { startTime, signal: signal as NodeJS.Signals });
  else children.delete(Number(pid));
}

await Promise.all([...children].map(([pid, { startTime, signal }]) => endProcess({ pid, startTime }, signal, graceMs)));
