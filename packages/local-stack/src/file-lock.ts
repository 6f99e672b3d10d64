import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.js';

export interface FileLock {
  release(): void;
}

/** Takes the lock, or says who holds it. A holder that is no longer alive is no holder. */
export function tryLock(file: string): FileLock | { heldBy: ProcessIdentity } {
  const own = identityOf(process.pid);
  if (!own) throw new Error('cannot read the start time of this process');
  mkdirSync(dirname(file), { recursive: true });
  const content = JSON.stringify({ ...own, nonce: Math.random() });
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(mine, content);
  try {
    for (;;) {
      try {
        // A link appears whole or not at all, and never replaces what is there.
        linkSync(mine, file);
        return { release: () => readText(file) === content && rmSync(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const held = readText(file);
      const holder = parseHolder(held);
      if (holder && isAlive(holder)) return { heldBy: holder };
      if (held !== undefined) takeAside(file, held);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Removes a dead holder's file; if another starter was faster and the file is already its own, puts it back. */
function takeAside(file: string, expected: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readText(aside) !== expected) linkSync(aside, file);
  } catch {
    // Somebody else took it aside: the next round sees what is there now.
  }
  rmSync(aside, { force: true });
}

function parseHolder(text: string | undefined): ProcessIdentity | undefined {
  try {
    return JSON.parse(text ?? '') as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
