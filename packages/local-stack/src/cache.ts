import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StackError } from './errors.js';
import { tryLock } from './file-lock.js';
import { startTimeOf } from './process-identity.js';

/**
 * Where downloaded parts live, shared by all clones of this user. Root's is outside of /root, because PostgreSQL runs as
 * another user and has to get there. THROUGHLINE_CACHE_DIR overrides.
 */
export function cacheRoot(env: NodeJS.ProcessEnv, isRoot = process.getuid?.() === 0): string {
  if (env.THROUGHLINE_CACHE_DIR) return resolve(env.THROUGHLINE_CACHE_DIR);
  if (isRoot) return '/var/cache/throughline';
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'throughline');
}

export interface PartRecipe {
  /** Name and version: the directory in the cache. */
  id: string;
  /** Puts the complete part into `target`, which exists and is empty. `scratch` is thrown away afterwards. */
  prepare(target: string, scratch: string): Promise<void>;
}

interface PartStamp {
  id: string;
  /** Size of every file, by its path: a start checks them without reading the contents again. */
  files: Record<string, number>;
}

/** Written last into a complete part. */
export const stampFile = 'throughline-part.json';

/**
 * The directory of a complete part. What is missing is built aside and appears under its name by one rename, so a part is
 * there whole or not at all; a lock keeps two starters from doing the same work twice.
 */
export async function ensurePart(
  recipe: PartRecipe,
  context: { root: string; onWaiting: (holderPid: number) => void; signal?: AbortSignal | undefined },
): Promise<string> {
  const directory = join(context.root, recipe.id);
  if (isComplete(directory, recipe.id)) return directory;
  const lock = await takeInstallLock(context);
  try {
    if (isComplete(directory, recipe.id)) return directory;
    removeAbandoned(context.root);
    const staging = join(context.root, `.staging-${process.pid}-${recipe.id}`);
    const target = join(staging, 'part');
    try {
      makeTraversable(target);
      mkdirSync(join(staging, 'scratch'), { recursive: true });
      await recipe.prepare(target, join(staging, 'scratch'));
      const stamp: PartStamp = { id: recipe.id, files: fileSizes(target) };
      writeFileSync(join(target, stampFile), JSON.stringify(stamp));
      rmSync(directory, { recursive: true, force: true });
      renameSync(target, directory);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return directory;
  } finally {
    lock.release();
  }
}

/** mkdir -p with 0755 whatever the umask: another user has to pass through. */
export function makeTraversable(directory: string): void {
  if (existsSync(directory)) return;
  makeTraversable(dirname(directory));
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}

/** SHA-256 of one file, in hex. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** One digest for a whole directory: of the lines `<sha256>  <name>`, sorted by name, as `sha256sum *` prints them. */
export async function directoryDigest(directory: string): Promise<string> {
  const lines: string[] = [];
  for (const name of readdirSync(directory).sort()) lines.push(`${await sha256(join(directory, name))}  ${name}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function isComplete(directory: string, id: string): boolean {
  try {
    const stamp = JSON.parse(readFileSync(join(directory, stampFile), 'utf8')) as PartStamp;
    return (
      stamp.id === id &&
      Object.entries(stamp.files).every(([path, size]) => statSync(join(directory, path)).size === size)
    );
  } catch {
    return false;
  }
}

function fileSizes(directory: string): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sizes[relative(directory, path)] = statSync(path).size;
  }
  return sizes;
}

/** What starters left that were killed in the middle of their work. */
function removeAbandoned(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = /^\.staging-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && (Number(pid) === process.pid || startTimeOf(Number(pid)) === undefined)) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }
}

const installTimeoutMs = 15 * 60_000;

async function takeInstallLock(context: {
  root: string;
  onWaiting: (pid: number) => void;
  signal?: AbortSignal | undefined;
}) {
  makeTraversable(context.root);
  const deadline = Date.now() + installTimeoutMs;
  for (;;) {
    const lock = tryLock(join(context.root, 'install.lock'));
    if ('release' in lock) return lock;
    if (context.signal?.aborted) throw new StackError('STACK_ABORTED', 'Start-up was interrupted.');
    if (Date.now() > deadline) {
      throw new StackError(
        'STACK_LOCK_TIMEOUT',
        `Process ${lock.heldBy.pid} has been preparing parts for 15 minutes.`,
        {
          nextStep: `see what it does (ps -p ${lock.heldBy.pid}), end it and start again.`,
        },
      );
    }
    context.onWaiting(lock.heldBy.pid);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
