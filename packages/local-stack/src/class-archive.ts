import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Java } from './java.js';
import { startTimeOf } from './process-identity.js';
import type { SupervisedProcess } from './supervise.js';

/** A JVM's AppCDS archive of loaded classes: start-up in half the time. The first run of a part writes it when it ends. */
export interface ClassArchive {
  flags: string[];
  /** This run writes the archive while it ends, which takes some seconds more. */
  writes: boolean;
  /** Gives the archive its name once the run has ended in order; anything else is thrown away. */
  keepAfter(process: SupervisedProcess): void;
}

export function classArchive(partDirectory: string, java: Java): ClassArchive {
  const archive = join(partDirectory, `classes-${java.buildId}.jsa`);
  if (existsSync(archive)) {
    return { flags: [`-XX:SharedArchiveFile=${archive}`], writes: false, keepAfter: () => undefined };
  }
  removeAbandoned(partDirectory);
  const unfinished = join(partDirectory, `unfinished-${process.pid}-${Date.now()}.jsa`);
  return {
    flags: [`-XX:ArchiveClassesAtExit=${unfinished}`],
    writes: true,
    keepAfter(run) {
      void run.exited.then((exit) => {
        if (!existsSync(unfinished)) return;
        // 143: the JVM ran its shutdown to the end after SIGTERM. A killed one may have written half a file.
        if (exit.code === 143 || exit.code === 0) renameSync(unfinished, archive);
        else rmSync(unfinished, { force: true });
      });
    },
  };
}

function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /^unfinished-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && startTimeOf(Number(pid)) === undefined) rmSync(join(directory, name), { force: true });
  }
}
