import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.js';
import { requireMaven } from './java.js';
import { spawnService } from './supervise.js';

/**
 * 2.8 fetches an artifact without reading its POM's parents, which not every mirror has; 3.x is for a Maven too new for 2.8.
 */
const pluginVersions = ['2.8', '3.8.1'];
const timeoutMs = 10 * 60_000;

export interface MavenContext {
  env: NodeJS.ProcessEnv;
  /** Where Maven's own output goes. */
  logDirectory: string;
  onProgress: (detail: string) => void;
  signal?: AbortSignal | undefined;
}

/** `artifact` alone, or `dependencies` with everything they need at run time; as `group:artifact:version[:type[:classifier]]`. */
export type Download = { name: string; title: string } & ({ artifact: string } | { dependencies: string[] });

/**
 * Copies artifacts into `scratch`/download and returns that directory. Maven resolves them from Maven Central or the mirror
 * of the user's settings, and checks the repository's checksums.
 */
export async function downloadArtifacts(what: Download, scratch: string, context: MavenContext): Promise<string> {
  await requireMaven(context.env);
  const target = join(scratch, 'download');
  mkdirSync(target, { recursive: true });
  const pom = join(scratch, 'pom.xml');
  writeFileSync(pom, pomFor('dependencies' in what ? what.dependencies : []));
  for (const version of pluginVersions) {
    const exitCode = await runMaven(what, pom, goals(what, version, target), context);
    if (exitCode === 0) return target;
  }
  throw new StackError('STACK_DOWNLOAD_FAILED', `The download of ${what.title} with Maven failed.`, {
    logFile: logFileOf(what, context),
    nextStep:
      "check the network and the mirror in Maven's settings.xml, then start again (what is complete is kept); " +
      'or set KAFKA_BROKERS, SCHEMA_REGISTRY_URL and OTEL_EXPORTER_OTLP_ENDPOINT to existing ones.',
  });
}

function goals(what: Download, version: string, target: string): string[] {
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${version}`;
  return [
    ...('artifact' in what
      ? [`${plugin}:copy`, `-Dartifact=${what.artifact}`]
      : [`${plugin}:copy-dependencies`, '-DincludeScope=runtime']),
    `-DoutputDirectory=${target}`,
  ];
}

function logFileOf(what: Download, context: MavenContext): string {
  return join(context.logDirectory, `download-${what.name}.log`);
}

async function runMaven(what: Download, pom: string, goal: string[], context: MavenContext): Promise<number | null> {
  throwIfAborted(what, context);
  const logFile = logFileOf(what, context);
  const maven = await spawnService({
    name: `the download of ${what.title}`,
    command: 'mvn',
    args: ['--batch-mode', '--strict-checksums', '--file', pom, ...goal],
    env: { ...context.env, MAVEN_OPTS: `${context.env.MAVEN_OPTS ?? ''} -XX:TieredStopAtLevel=1`.trim() },
    logFile,
  });
  const stop = () => void maven.stop(2_000);
  if (context.signal?.aborted) stop();
  context.signal?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(stop, timeoutMs);
  let reported = '';
  const reporter = setInterval(() => {
    const detail = downloadProgress(readFileSync(logFile, 'utf8'));
    if (detail !== reported) context.onProgress((reported = detail));
  }, 1_000);
  try {
    const exit = await maven.exited;
    throwIfAborted(what, context);
    return exit.code;
  } finally {
    clearTimeout(timer);
    clearInterval(reporter);
    context.signal?.removeEventListener('abort', stop);
  }
}

function throwIfAborted(what: Download, context: MavenContext): void {
  if (context.signal?.aborted) throw new StackError('STACK_ABORTED', `The download of ${what.title} was interrupted.`);
}

/** The last thing Maven said it fetched, and how many files it has. */
export function downloadProgress(log: string): string {
  const done = log.match(/^\[INFO\] Downloaded from /gm)?.length ?? 0;
  const last = [...log.matchAll(/^\[INFO\] Download(?:ing|ed) from [^:]+: \S*\/([^/\s]+)/gm)].at(-1)?.[1];
  return last === undefined ? 'asking Maven' : `${last} (${done} files fetched)`;
}

export function pomFor(coordinates: string[]): string {
  const dependencies = coordinates.map((coordinate) => {
    const [groupId, artifactId, version] = coordinate.split(':');
    return (
      `    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId>` +
      `<version>${version}</version></dependency>`
    );
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>throughline</groupId><artifactId>part</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}
