import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.js';
import type { PartName } from './part.js';

export interface Java {
  command: string;
  major: number;
  /** Changes with the JVM build: class archives of one build are of no use to another. */
  buildId: string;
}

const minimumMajor = 17;
/** Both are complete: without Java and with these addresses everything starts but the local trace viewer. */
const waysOut =
  'either install a JDK >= 17 and Maven (Debian: apt install openjdk-17-jdk-headless maven; macOS: brew install openjdk maven), ' +
  'or use what you already run: set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to it (traces then need OTEL_EXPORTER_OTLP_ENDPOINT).';

/** For people: the parts that run on a JVM. */
const titles = { kafka: 'Kafka', registry: 'the schema registry', viewer: 'the trace viewer', postgres: 'PostgreSQL' };

/**
 * The JVM of JAVA_HOME, otherwise the one in PATH. Throws with both ways out when there is none or it is older than 17.
 * @param parts what needs it; the message names them
 */
export async function findJava(
  env: NodeJS.ProcessEnv,
  parts: PartName[] = ['kafka', 'registry', 'viewer'],
): Promise<Java> {
  const need = needs(parts.map((part) => titles[part]));
  const fromHome = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined;
  const command = fromHome && existsSync(fromHome) ? fromHome : 'java';
  let text: string;
  try {
    text = await versionText(command, ['-version'], env);
  } catch (cause) {
    throw new StackError('STACK_JAVA_MISSING', `${need} Java >= ${minimumMajor}, and there is none.`, {
      nextStep: waysOut,
      cause,
    });
  }
  const major = javaMajor(text);
  if (major === undefined || major < minimumMajor) {
    throw new StackError(
      'STACK_JAVA_TOO_OLD',
      `${need} Java >= ${minimumMajor}; ${command} is ${major ?? 'unknown'}.`,
      { nextStep: `${waysOut} If a newer one is installed, set JAVA_HOME to it.` },
    );
  }
  return { command, major, buildId: createHash('sha256').update(text).digest('hex').slice(0, 10) };
}

/** `Kafka and the schema registry need`. */
function needs(names: string[]): string {
  const list = names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : `${names[0]}`;
  return `${list.charAt(0).toUpperCase()}${list.slice(1)} ${names.length > 1 ? 'need' : 'needs'}`;
}

/** Throws with both ways out when there is no `mvn`. Only downloads need it. */
export async function requireMaven(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await versionText('mvn', ['--version'], env);
  } catch (cause) {
    throw new StackError(
      'STACK_MAVEN_MISSING',
      'Maven (mvn) downloads Kafka, the schema registry and the trace viewer, and there is none.',
      {
        nextStep: waysOut,
        cause,
      },
    );
  }
}

/** `openjdk version "17.0.15"` gives 17, `java version "1.8.0_392"` gives 8. */
export function javaMajor(versionOutput: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(versionOutput) ?? [];
  return first === undefined ? undefined : Number(first === '1' && second !== undefined ? second : first);
}

function versionText(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${command}: ${error.message}`)) : resolve(stdout + stderr),
    );
  });
}

/**
 * Small heaps and quick compilation: start-up time and a laptop's memory matter more here than peak throughput.
 * @param optimised with the second compiler as well, as a JVM is in production: dearer for minutes, cheaper for good
 */
export function jvmFlags(heapMb: number, optimised = false): string[] {
  return [
    '-XX:+UseSerialGC',
    ...(optimised ? [] : ['-XX:TieredStopAtLevel=1']),
    `-Xmx${heapMb}m`,
    '-XX:-UsePerfData',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.net.preferIPv4Stack=true',
    '-Djava.awt.headless=true',
  ];
}

/** What a JVM child gets of our environment: these programs read far too many variables to be handed all of ours. */
export function jvmEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME, JAVA_HOME, LANG, TMPDIR } = env;
  return Object.fromEntries(
    Object.entries({ PATH, HOME, JAVA_HOME, LANG, TMPDIR }).filter(([, value]) => value !== undefined),
  );
}
