import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StackError } from './errors.js';
import { identityOf, type ProcessIdentity, signalProcess } from './process-identity.js';

export interface ServiceOptions {
  /** Shown to people, and the name in errors. */
  name: string;
  command: string;
  args: string[];
  /** The whole environment of the child; nothing is inherited. */
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Standard output and error; the previous run's file is kept as `<logFile>.previous`. */
  logFile: string;
  /** Written at start, removed at exit: lets the next start find and end what a killed machine or launcher left. */
  pidFile?: string;
  uid?: number | undefined;
  gid?: number | undefined;
  /** The polite way to end it. Default SIGTERM. */
  stopSignal?: NodeJS.Signals;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process that cannot outlive its launcher: the reaper ends it when the launcher is gone, whatever the reason. */
export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly logFile: string;
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  /** The stop signal (default SIGTERM), then SIGKILL after `graceMs` (default 10 s). Resolves when it is gone. */
  stop(graceMs?: number): Promise<Exit>;
  /** Default SIGKILL. Resolves when it is gone, so only for signals that end it. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

/** What a pid file holds. */
export interface PidRecord extends ProcessIdentity {
  name: string;
  command: string;
  stopSignal: NodeJS.Signals;
}

/** Starts a supervised child process. Rejects with STACK_SPAWN_FAILED when the program cannot be started. */
export async function spawnService(options: ServiceOptions): Promise<SupervisedProcess> {
  const { name, logFile, pidFile, stopSignal = 'SIGTERM' } = options;
  const log = openLog(logFile);
  let child: ChildProcess;
  try {
    // A process group of its own: Ctrl-C reaches the launcher alone, which then ends its children in order.
    child = spawn(options.command, options.args, {
      env: options.env,
      cwd: options.cwd,
      uid: options.uid,
      gid: options.gid,
      stdio: ['ignore', log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
  const { pid } = child;
  const identity = pid === undefined ? undefined : identityOf(pid);
  if (identity) watch(identity, stopSignal);
  if (identity && pidFile) {
    mkdirSync(dirname(pidFile), { recursive: true });
    const record: PidRecord = { ...identity, name, command: options.command, stopSignal };
    writeFileSync(pidFile, `${JSON.stringify(record)}\n`);
  }

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      if (pid !== undefined) unwatch(pid);
      if (pidFile) rmSync(pidFile, { force: true });
      resolve(exit);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new StackError('STACK_SPAWN_FAILED', `Cannot start ${name}: ${cause.message}`, { cause })),
    );
  });

  const send = (signal: NodeJS.Signals) => void (exit === undefined && child.kill(signal));
  return {
    name,
    pid: pid ?? 0,
    startedAt: new Date(),
    logFile,
    get exit() {
      return exit;
    },
    exited,
    async stop(graceMs = 10_000) {
      send(stopSignal);
      const timer = setTimeout(() => killGroup(identity), graceMs);
      try {
        return await exited;
      } finally {
        clearTimeout(timer);
      }
    },
    async kill(signal = 'SIGKILL') {
      send(signal);
      return exited;
    },
  };
}

/** SIGKILL to everything that this process has started, at once: for a person who does not want to wait for an orderly end. */
export function killSupervised(): void {
  for (const { identity } of supervised.values()) killGroup(identity);
}

/** SIGKILL to the whole process group, for a child that did not end politely and may have children of its own. */
function killGroup(identity: ProcessIdentity | undefined): void {
  if (!identity) return;
  try {
    process.kill(-identity.pid, 'SIGKILL');
  } catch {
    signalProcess(identity, 'SIGKILL');
  }
}

function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) renameSync(file, `${file}.previous`);
  return openSync(file, 'a', 0o640);
}

const reaperGraceMs = 10_000;
const supervised = new Map<number, { identity: ProcessIdentity; stopSignal: NodeJS.Signals }>();
let reaper: ChildProcess | undefined;

function watch(identity: ProcessIdentity, stopSignal: NodeJS.Signals): void {
  supervised.set(identity.pid, { identity, stopSignal });
  if (reaper === undefined) startReaper();
  else tellReaper(`+${identity.pid} ${identity.startTime} ${stopSignal}`);
}

function unwatch(pid: number): void {
  supervised.delete(pid);
  tellReaper(`-${pid}`);
}

function tellReaper(line: string): void {
  if (reaper?.stdin?.writable) reaper.stdin.write(`${line}\n`);
}

/** One per launcher, started with its first child; one that somebody killed is replaced and told everything again. */
function startReaper(): void {
  const script = fileURLToPath(new URL(`./reaper${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, String(reaperGraceMs)], {
    env: { PATH: process.env.PATH },
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  reaper = child;
  // Its children keep a launcher alive, the reaper and the pipe to it never do.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  child.stdin.on('error', () => undefined);
  const replace = () => {
    if (reaper === child) reaper = undefined;
    if (reaper === undefined && supervised.size > 0) startReaper();
  };
  child.once('exit', replace);
  for (const { identity, stopSignal } of supervised.values()) {
    tellReaper(`+${identity.pid} ${identity.startTime} ${stopSignal}`);
  }
}
