import { readFileSync } from 'node:fs';

export type StackErrorCode =
  | 'STACK_JAVA_MISSING'
  | 'STACK_JAVA_TOO_OLD'
  | 'STACK_MAVEN_MISSING'
  | 'STACK_DOWNLOAD_FAILED'
  | 'STACK_CHECKSUM_MISMATCH'
  | 'STACK_POSTGRES_BINARIES_MISSING'
  | 'STACK_POSTGRES_VERSION_MISMATCH'
  | 'STACK_NO_UNPRIVILEGED_USER'
  | 'STACK_ALREADY_RUNNING'
  | 'STACK_LOCK_TIMEOUT'
  | 'STACK_PORT_UNAVAILABLE'
  | 'STACK_PART_FAILED'
  | 'STACK_PART_NOT_READY'
  | 'STACK_EXTERNAL_MALFORMED'
  | 'STACK_EXTERNAL_UNREACHABLE'
  | 'STACK_LEFTOVER_PROCESS'
  | 'STACK_SPAWN_FAILED'
  | 'STACK_ABORTED';

/** A failure a person can act on: the message names what failed, the log file with its last lines, and the next step. */
export class StackError extends Error {
  readonly code: StackErrorCode;
  readonly logFile: string | undefined;

  constructor(
    code: StackErrorCode,
    what: string,
    details: { nextStep?: string; logFile?: string | undefined; cause?: unknown } = {},
  ) {
    const lines = [what];
    const tail = details.logFile ? lastLines(details.logFile) : [];
    if (details.logFile) lines.push(`Log file: ${details.logFile}`);
    if (tail.length > 0) lines.push('Its last lines:', ...tail.map((line) => `  | ${line}`));
    if (details.nextStep) lines.push(`Next step: ${details.nextStep}`);
    super(lines.join('\n'), { cause: details.cause });
    this.name = 'StackError';
    this.code = code;
    this.logFile = details.logFile;
  }
}

const colours = /\u001b\[[\d;]*m/g;

/** The last non-empty lines of a text file, long lines cut at 300 characters; empty when the file cannot be read. */
function lastLines(file: string, count = 12): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.replace(colours, ''))
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line));
  } catch {
    return [];
  }
}
