import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sha256 } from './cache.js';
import { type ClassArchive, classArchive } from './class-archive.js';
import { jvmEnvironment, jvmFlags } from './java.js';
import { checksumMismatch } from './kafka.js';
import { downloadArtifacts } from './maven.js';
import type { PartContext, PartSpec } from './part.js';
import { spawnService, type SupervisedProcess } from './supervise.js';
import { httpGet } from './wait-for.js';

const version = '3.6.1';
const digest = 'd8326e0ed4f43855dba81228f688554706e52578a7c782d9a90b73f8680654a1';

export interface ViewerPart extends PartSpec {
  ports: { http: number; otlp: number };
  /** The OTLP receiver in front: it is there at once and keeps spans until the viewer takes them. */
  launchReceiver(): Promise<SupervisedProcess>;
  askReceiver(signal: AbortSignal): Promise<unknown>;
}

/** Zipkin with its traces in memory, behind an OTLP receiver of our own. */
export function viewerPart(context: PartContext): ViewerPart {
  const ports = { http: 0, otlp: 0 };
  let part = '';
  let archive: ClassArchive | undefined;
  return {
    name: 'viewer',
    title: `Zipkin ${version}`,
    ports,
    readyTimeoutMs: 120_000,
    // The first run writes its class archive while it ends.
    stopGraceMs: 90_000,
    stopNote: () => archive?.stopNote,
    async install() {
      part = await context.ensurePart(`zipkin-${version}`, async (target, scratch, maven) => {
        const downloads = await downloadArtifacts(
          { name: 'viewer', title: 'Zipkin', artifact: `io.zipkin:zipkin-server:${version}:jar:exec` },
          scratch,
          maven,
        );
        const jar = join(downloads, readdirSync(downloads)[0] ?? '');
        const found = await sha256(jar);
        if (found !== digest) throw checksumMismatch('Zipkin', digest, found);
        // Jars inside of a jar are slow to load and cannot be archived.
        const { command } = await context.java();
        await promisify(execFile)(
          command,
          ['-Djarmode=tools', '-jar', jar, 'extract', '--destination', target, '--force'],
          { env: jvmEnvironment(context.env), timeout: 120_000 },
        );
      });
    },
    async launch() {
      const java = await context.java();
      const classes = (archive = classArchive(part, java));
      const zipkin = await spawnService({
        name: 'the trace viewer',
        command: java.command,
        args: [
          ...jvmFlags(320),
          ...classes.flags,
          '-Darmeria.ports[0].ip=127.0.0.1',
          `-Darmeria.ports[0].port=${ports.http}`,
          '-Darmeria.ports[0].protocols[0]=http',
          '-jar',
          join(part, `zipkin-server-${version}-exec.jar`),
        ],
        env: { ...jvmEnvironment(context.env), MEM_MAX_SPANS: '150000', QUERY_PORT: String(ports.http) },
        cwd: context.directory,
        logFile: join(context.logDirectory, 'viewer.log'),
        pidFile: join(context.pidDirectory, 'viewer.json'),
      });
      classes.keepAfter(zipkin);
      return zipkin;
    },
    launchReceiver: () =>
      spawnService({
        name: 'the OTLP receiver',
        command: process.execPath,
        args: [
          '--disable-warning=ExperimentalWarning',
          fileURLToPath(new URL(`./otlp-receiver${extname(import.meta.url)}`, import.meta.url)),
          String(ports.otlp),
          `http://127.0.0.1:${ports.http}`,
        ],
        env: { PATH: context.env.PATH },
        cwd: context.directory,
        logFile: join(context.logDirectory, 'otlp-receiver.log'),
        pidFile: join(context.pidDirectory, 'otlp-receiver.json'),
      }),
    askReceiver: (signal) => httpGet(`http://127.0.0.1:${ports.otlp}/health`, signal),
    ask: (signal) => httpGet(`http://127.0.0.1:${ports.http}/health`, signal),
  };
}
