import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.js';
import { endProcess, isAlive } from './process-identity.js';
import type { PidRecord } from './supervise.js';

export interface Leftover {
  /** Its pid file. */
  file: string;
  name: string;
  pid: number;
}

/**
 * Ends what an earlier run left behind, by pid and start time: a pid that another program has by now is not touched. Only for who
 * holds the lock of that directory. Returns what was ended.
 */
export async function endLeftovers(pidDirectory: string): Promise<Leftover[]> {
  const ended = await Promise.all(
    pidFiles(pidDirectory).map(async (file) => {
      const record = readRecord(file);
      if (record && isAlive(record)) {
        if (!(await endProcess(record, record.stopSignal, 15_000))) {
          throw new StackError(
            'STACK_LEFTOVER_PROCESS',
            `${record.name} of an earlier run (pid ${record.pid}) does not end.`,
            {
              nextStep: `see why (ps -fp ${record.pid}), end it and start again.`,
            },
          );
        }
        rmSync(file, { force: true });
        return { file, name: record.name, pid: record.pid };
      }
      rmSync(file, { force: true });
      return undefined;
    }),
  );
  return ended.filter((leftover) => leftover !== undefined);
}

function pidFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function readRecord(file: string): PidRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PidRecord;
  } catch {
    return undefined;
  }
}
