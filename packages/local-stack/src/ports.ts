import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { StackError } from './errors.js';
import { tryLock } from './file-lock.js';

/** True when nothing listens on the port of 127.0.0.1 and a child may. */
function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Reserves a port for as long as this process lives. A child binds seconds after its port was chosen: without this, two starts at
 * the same moment choose the same one, and the slower is answered by the faster one's part.
 */
function reserve(port: number): boolean {
  try {
    const lock = tryLock(join(tmpdir(), `throughline-ports-${userInfo().uid}`, `${port}.lock`));
    return !('heldBy' in lock) || lock.heldBy.pid === process.pid;
  } catch {
    // No place for the reservation: then only what listens already counts.
    return true;
  }
}

async function isAvailable(port: number, taken: ReadonlySet<number>): Promise<boolean> {
  return !taken.has(port) && (await isPortFree(port)) && reserve(port);
}

/**
 * The preferred port when it is free, otherwise a random free one.
 * Random ports come from below the ephemeral range, where no outgoing connection can take them before the child binds.
 */
export async function choosePort(preferred: number | undefined, taken: ReadonlySet<number>): Promise<number> {
  if (preferred !== undefined && (await isAvailable(preferred, taken))) return preferred;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isAvailable(port, taken)) return port;
  }
  throw new StackError('STACK_PORT_UNAVAILABLE', 'No free port between 20000 and 32000 on 127.0.0.1.', {
    nextStep: 'see what holds them (ss -ltnp) and stop what is not needed.',
  });
}
