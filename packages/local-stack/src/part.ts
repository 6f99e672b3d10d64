import type { Java } from './java.js';
import type { MavenContext } from './maven.js';
import type { SupervisedProcess } from './supervise.js';

export type PartName = 'kafka' | 'postgres' | 'registry' | 'viewer';

/** What a part is told about the installation it belongs to. */
export interface PartContext {
  /** Data, logs and pid files of this stack. */
  directory: string;
  logDirectory: string;
  pidDirectory: string;
  env: NodeJS.ProcessEnv;
  cacheRoot: string;
  /** Found once, and only when a part needs it. */
  java: () => Promise<Java>;
  /** Downloads, one at a time: Maven's local repository does not stand several. */
  ensurePart: (
    id: string,
    prepare: (target: string, scratch: string, maven: MavenContext) => Promise<void>,
  ) => Promise<string>;
}

/** One program of the stack: how it is obtained, started and asked whether it is ready. */
export interface PartSpec {
  name: PartName;
  /** For people: `Apache Kafka 4.3.1`. */
  title: string;
  /** Ports by purpose; chosen by the stack before `launch`, and again when one was taken in between. */
  ports: Record<string, number>;
  install(): Promise<void>;
  launch(): Promise<SupervisedProcess>;
  /** A real question; throws while there is no answer. */
  ask(signal: AbortSignal): Promise<unknown>;
  readyTimeoutMs: number;
  stopGraceMs: number;
  /** For people: why ending it takes long this time. */
  stopNote?(): string | undefined;
}
