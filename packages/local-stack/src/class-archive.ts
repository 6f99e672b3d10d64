import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stampFile } from './cache.js';
import type { Java } from './java.js';
import { startTimeOf } from './process-identity.js';
import type { SupervisedProcess } from './supervise.js';

/** A JVM's AppCDS archive of loaded classes: start-up in half the time. The first run of a part writes it when it ends. */
export interface ClassArchive {
  flags: string[];
  /** This run writes the archive while it ends: for people, why that takes some seconds more. */
  stopNote?: string;
  /** Gives the archive its name once the run has ended in order; anything else is thrown away. */
  keepAfter(process: SupervisedProcess): void;
}

export function classArchive(partDirectory: string, java: Java): ClassArchive {
  // Valid for exactly these jars and this JVM: a part that was fetched again has other file times.
  const installation = Math.floor(statSync(join(partDirectory, stampFile)).mtimeMs).toString(36);
  const archive = join(partDirectory, `classes-${java.buildId}-${installation}.jsa`);
  if (existsSync(archive)) {
    return { flags: [`-XX:SharedArchiveFile=${archive}`], keepAfter: () => undefined };
  }
  removeAbandoned(partDirectory, installation);
  const unfinished = join(partDirectory, `unfinished-${process.pid}-${Date.now()}.jsa`);
  return {
    flags: [`-XX:ArchiveClassesAtExit=${unfinished}`],
    stopNote: 'writes its start-up archive, once, so that the next start is twice as fast',
    keepAfter(run) {
      void run.exited.then((exit) => {
        if (!existsSync(unfinished)) return;
        // 143: the JVM ran its shutdown to the end after SIGTERM. A killed one may have written half a file.
        if ((exit.code === 143 || exit.code === 0) && !existsSync(archive)) renameSync(unfinished, archive);
        else rmSync(unfinished, { force: true });
      });
    },
  };
}

/** Halves that killed launchers left, and archives of earlier installations of the part. */
function removeAbandoned(directory: string, installation: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^unfinished-(\d+)-/.exec(name)?.[1];
    const isOutdated = /^classes-.*\.jsa$/.test(name) && !name.endsWith(`-${installation}.jsa`);
    if (isOutdated || (pid !== undefined && startTimeOf(Number(pid)) === undefined)) {
      rmSync(join(directory, name), { force: true });
    }
  }
}
