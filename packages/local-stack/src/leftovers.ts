import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { StackError } from './errors.js';
import type { PartName } from './part.js';
import { endProcess, isAlive } from './process-identity.js';
import type { PidRecord } from './supervise.js';

export interface Leftover {
  part: PartName;
  name: string;
  pid: number;
}

/**
 * Ends what an earlier run left behind, by pid and start time: a pid that another program has by now is not touched.
 * Returns what was ended.
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
        return { part: partOf(file), name: record.name, pid: record.pid };
      }
      rmSync(file, { force: true });
      return undefined;
    }),
  );
  return ended.filter((leftover) => leftover !== undefined);
}

/** A part's pid file bears its name; the viewer has a second process in front. */
function partOf(file: string): PartName {
  const name = basename(file, '.json');
  return name === 'otlp-receiver' ? 'viewer' : (name as PartName);
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
