// What has to be there before anything of ours can run: an exact installation, a new enough Node, and a current build.
// Plain Node >= 20 without dependencies, because it runs in a bare clone. Standard output stays clean: it belongs to results.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A failure a person can act on. */
export class BootstrapError extends Error {
  constructor(what, { logFile, nextStep } = {}) {
    const tail = logFile ? lastLines(logFile) : [];
    super(
      [
        what,
        ...(logFile ? [`Log file: ${logFile}`] : []),
        ...(tail.length > 0 ? ['Its last lines:', ...tail.map((line) => `  | ${line}`)] : []),
        ...(nextStep ? [`Next step: ${nextStep}`] : []),
      ].join('\n'),
    );
  }
}

const lockFile = join(root, '.throughline', 'bootstrap.lock');
/** Who installs or builds for the holder of the lock: it may outlive a holder that is killed. */
const workerFile = `${lockFile}.worker`;

/**
 * Installs and builds where needed; resolves to the Node program that everything runs on.
 * @param before called before minutes of work: what would be missing afterwards is better known now
 */
export async function prepare({ build = true, before } = {}) {
  const node = () => (isInstalled() ? chooseNode() : undefined);
  const ready = node();
  if (ready && (!build || isBuilt())) return ready;
  before?.();
  const release = await takeLock(lockFile);
  try {
    await endWorkerOfDeadHolder();
    if (!isInstalled()) await install();
    const chosen = chooseNode();
    if (build && !isBuilt()) await buildAll(chosen);
    return chosen;
  } finally {
    release();
  }
}

// --- installation ----------------------------------------------------------------------------------------------------

const installStamp = join(root, 'node_modules', '.throughline-install');

/** The stamp is written last, so a half-finished installation has none; one made by hand with npm is compared entry by entry. */
function isInstalled() {
  const wanted = hash(readFileSync(join(root, 'package-lock.json')));
  if (readText(installStamp) === wanted) return true;
  if (!isExactInstallation()) return false;
  writeFileSync(installStamp, wanted);
  return true;
}

/** npm writes node_modules/.package-lock.json when everything else is done: what it lists is what is there. */
function isExactInstallation() {
  const present = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  if (!present || !wanted) return false;
  const packages = Object.entries(wanted).filter(([path]) => path.startsWith('node_modules/'));
  return packages.every(([path, entry]) => {
    const found = present[path];
    if (!found) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return entry.link === true ? found.link === true : found.version === entry.version;
  });
}

async function install() {
  const logFile = logPath('install');
  rmSync(installStamp, { force: true });
  await step('installing dependencies (npm ci)', logFile, npmCommand(), ['ci', '--no-audit', '--no-fund'], {
    nextStep: 'check the network and the registry of npm (npm config get registry), then start again.',
  });
  writeFileSync(installStamp, hash(readFileSync(join(root, 'package-lock.json'))));
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

// --- Node ------------------------------------------------------------------------------------------------------------

/** OpenTelemetry's hooks for ES modules need 22.22.3 or 24.11.1. */
export function isNewEnough(version) {
  const [major, minor, patch] = version.replace(/^v/, '').split('.').map(Number);
  const atLeast = (wantedMinor, wantedPatch) => minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch);
  return major > 24 || (major === 24 && atLeast(11, 1)) || (major === 22 && atLeast(22, 3));
}

/** The host's Node where it is new enough, otherwise the one among the dependencies. */
function chooseNode() {
  if (isNewEnough(process.version)) return process.execPath;
  const bundled = join(root, 'node_modules', '.bin', 'node');
  const result = spawnSync(bundled, ['--version'], { encoding: 'utf8' });
  if (result.status === 0 && isNewEnough(result.stdout.trim())) return bundled;
  throw new BootstrapError(
    `Node ${process.version} is too old, and there is none among the dependencies for ${process.platform}-${process.arch}.`,
    { nextStep: 'install Node 24 (https://nodejs.org), or run `npm ci` with optional dependencies on.' },
  );
}

/** The local Kafka and registry run on Java: without it, and without others to use instead, nothing else needs to be tried. */
export function requireJava(env = process.env) {
  if (env.KAFKA_BROKERS && env.SCHEMA_REGISTRY_URL) return;
  const fromHome = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : '';
  const { status, stderr } = spawnSync(existsSync(fromHome) ? fromHome : 'java', ['-version'], { encoding: 'utf8' });
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(stderr ?? '') ?? [];
  const major = Number(first === '1' ? second : first);
  if (status === 0 && !(major < 17)) return;
  throw new BootstrapError(
    `Kafka and the schema registry need Java >= 17, and ${status === 0 ? `it is ${major}` : 'there is none'}.`,
    {
      nextStep:
        'either install a JDK >= 17 and Maven (Debian: apt install openjdk-17-jdk-headless maven; macOS: brew install openjdk maven), ' +
        'or use what you already run: set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to it (traces then need OTEL_EXPORTER_OTLP_ENDPOINT).',
    },
  );
}

/** The environment of everything that we run: the chosen Node and the dependencies' programs come first. */
export function environmentFor(node) {
  const bin = join(root, 'node_modules', '.bin');
  return {
    ...process.env,
    PATH: [dirname(node), bin, process.env.PATH ?? '']
      .filter((path, at, all) => all.indexOf(path) === at)
      .join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    THROUGHLINE_PARENT_PID: String(process.pid),
  };
}

// --- build -----------------------------------------------------------------------------------------------------------

const buildStamp = join(root, 'node_modules', '.throughline-build');

function isBuilt() {
  return readText(buildStamp) === sourceFingerprint() && workspaces().every(({ dist }) => existsSync(dist));
}

/** Path, size and time of every source file: milliseconds for some hundred files. turbo compares contents afterwards. */
function sourceFingerprint() {
  const lines = [];
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    lines.push(`${relative(root, path)} ${size} ${mtimeMs}`);
  };
  for (const name of ['.swcrc', 'turbo.json', 'package-lock.json']) add(join(root, name));
  for (const { directory } of workspaces()) {
    add(join(directory, 'package.json'));
    for (const entry of readdirSync(join(directory, 'src'), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) add(join(entry.parentPath ?? entry.path, entry.name));
    }
  }
  return hash(lines.sort().join('\n'));
}

/** Every workspace that has something to build. */
function workspaces() {
  const within = (folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => join(root, folder, name)) : [];
  return [...within('packages'), ...within('apps'), join(root, 'bench')]
    .filter((directory) => existsSync(join(directory, 'src')) && existsSync(join(directory, 'package.json')))
    .map((directory) => ({ directory, dist: join(directory, 'dist') }));
}

async function buildAll(node) {
  const before = sourceFingerprint();
  // Stale output of a source that was renamed or removed would still be found.
  rmSync(buildStamp, { force: true });
  await step(
    'building',
    logPath('build'),
    node,
    [join(root, 'node_modules', 'turbo', 'bin', 'turbo'), 'run', 'build', '--output-logs=errors-only', '--ui=stream'],
    { env: environmentFor(node), nextStep: 'correct what the log names, then start again.' },
  );
  writeFileSync(buildStamp, before);
}

// --- running things --------------------------------------------------------------------------------------------------

/** Runs one program with its output in a log file, and shows that it is at work. */
async function step(title, logFile, command, args, { env = process.env, nextStep }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  progress(`${title} …`);
  const ticker = setInterval(() => progress(`${title} … ${seconds()}`), 10_000);
  try {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', log, log], detached: true });
    if (child.pid) writeFileSync(workerFile, `${child.pid} ${startTime(child.pid)}`);
    const { code, signal } = await ended(child, title, () => endGroup(child));
    if (interruptedBy) throw new BootstrapError(`${title}: interrupted; the next start takes it up again.`);
    if (code !== 0) {
      throw new BootstrapError(`${title} failed (${signal ? `ended by ${signal}` : `exit code ${code}`}).`, {
        logFile,
        nextStep,
      });
    }
    progress(`${title}: done in ${seconds()}`);
  } finally {
    rmSync(workerFile, { force: true });
    clearInterval(ticker);
    closeSync(log);
  }
}

/** Runs a program of ours to its end with our own input and output; resolves to its exit code. */
export async function runProgram(node, script, args) {
  const child = spawn(node, [join(root, script), ...args], {
    cwd: process.cwd(),
    env: environmentFor(node),
    stdio: 'inherit',
    // A process group of its own: a terminal's Ctrl-C would reach it twice, once directly and once through us.
    detached: true,
  });
  const { code, signal } = await ended(child, script);
  return signal ? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0) : code;
}

let interruptedBy;

/**
 * Awaits a child; meanwhile our signals are its signals, unless `interrupt` says otherwise, and it is told when npm, which
 * started us, is gone.
 */
async function ended(child, name, interrupt = (signal) => child.kill(signal)) {
  let last = 0;
  const forward = (signal) => {
    // npm passes on what the terminal has sent us already.
    if (Date.now() - last < 500) return;
    last = Date.now();
    interruptedBy = signal;
    interrupt(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  const starters = startedBy();
  const watch = process.env.npm_lifecycle_event
    ? setInterval(() => {
        if (startedBy() === starters) return;
        // Once: a second signal would mean "at once", and what runs would not end in order.
        clearInterval(watch);
        forward('SIGTERM');
      }, 1_000)
    : undefined;
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new BootstrapError(`Cannot start ${name}: ${error.message}`)));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  } finally {
    clearInterval(watch);
    for (const signal of signals) process.removeListener(signal, forward);
  }
}

/**
 * Who must stay. Our root scripts take the place of npm's shell (`exec`): npm is our parent, and a signal to npm alone reaches us.
 * npx keeps a shell in between, which stays when npx is killed: there the parent's parent counts as well.
 */
function startedBy() {
  if (process.env.npm_lifecycle_event !== 'npx') return String(process.ppid);
  const stat = readText(`/proc/${process.ppid}/stat`);
  return `${process.ppid} ${stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`;
}

/** An installation or a build has nothing to finish: it and all that it started ends now. */
function endGroup(child) {
  const send = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It is gone.
    }
  };
  send('SIGTERM');
  setTimeout(() => child.exitCode === null && child.signalCode === null && send('SIGKILL'), 3_000).unref();
}

/** `npm test` beside `npm start` in a fresh clone: one installs and builds, the other waits. */
async function takeLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const content = `${process.pid} ${startTime(process.pid)}`;
  const mine = `${file}.${process.pid}`;
  const deadline = Date.now() + 15 * 60_000;
  writeFileSync(mine, content);
  try {
    for (let announced = false; ;) {
      try {
        linkSync(mine, file);
        return () => readText(file) === content && rmSync(file, { force: true });
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const held = readText(file);
      const [pid, since] = (held ?? '').split(' ');
      if (!pid || startTime(pid) !== since) {
        if (held !== undefined) takeAside(file, held);
        continue;
      }
      if (Date.now() > deadline) {
        throw new BootstrapError(`Process ${pid} has been installing or building for 15 minutes.`, {
          nextStep: `see what it does (ps -p ${pid}), end it and start again.`,
        });
      }
      if (!announced) progress(`waiting for process ${pid}, which is installing or building`);
      announced = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Two installations in one node_modules would spoil it: what a killed holder had started ends before anything begins. */
async function endWorkerOfDeadHolder() {
  const [pid, since] = (readText(workerFile) ?? '').split(' ');
  const lives = () => Boolean(pid) && startTime(pid) === since;
  if (lives()) progress(`ending process ${pid}, which an installation or build that was killed left behind`);
  for (const [signal, limitMs] of [
    ['SIGTERM', 1_000],
    ['SIGKILL', 10_000],
  ]) {
    if (!lives()) break;
    try {
      process.kill(-Number(pid), signal);
    } catch {
      // It is gone.
    }
    for (const end = Date.now() + limitMs; lives() && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  if (lives())
    throw new BootstrapError(`Process ${pid} does not end.`, {
      nextStep: `see why (ps -fp ${pid}), end it and start again.`,
    });
  rmSync(workerFile, { force: true });
}

/** Removes the lock of a dead holder; one that somebody else took meanwhile is put back. */
function takeAside(file, expected) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readText(aside) !== expected) linkSync(aside, file);
  } catch {
    // Somebody else was faster: the next round sees what is there now.
  }
  rmSync(aside, { force: true });
}

/** Tells a process from another one that has its pid later; '' when it does not run. */
function startTime(pid) {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : fields[19];
  }
  if (process.platform === 'linux') return '';
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .replaceAll(' ', '-');
}

export function progress(text) {
  process.stderr.write(`${text}\n`);
}

function logPath(name) {
  return join(root, '.throughline', 'logs', `${name}.log`);
}

function hash(content) {
  return createHash('sha256').update(content).digest('hex');
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function lastLines(file, count = 15) {
  return (readText(file) ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
