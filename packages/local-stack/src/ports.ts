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
 * Reserves a port for as long as this process lives, and says whose it is now: `own` when this process had reserved it before.
 * A child binds seconds after its port was chosen: without this, two starts at the same moment (or two choices of one start) get the
 * same port, and the slower finds it taken or is answered by the faster one's part.
 */
function reserve(port: number): 'new' | 'own' | 'others' {
  try {
    const lock = tryLock(join(tmpdir(), `throughline-ports-${userInfo().uid}`, `${port}.lock`));
    if (!('heldBy' in lock)) return 'new';
    return lock.heldBy.pid === process.pid ? 'own' : 'others';
  } catch {
    // No place for the reservation: then only what listens already counts.
    return 'new';
  }
}

/**
 * The preferred port when it is free, otherwise a random free one that this process has not chosen before.
 * Random ports come from below the ephemeral range, where no outgoing connection can take them before the child binds.
 */
export async function choosePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred)) && reserve(preferred) !== 'others') return preferred;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isPortFree(port)) && reserve(port) === 'new') return port;
  }
  throw new StackError('STACK_PORT_UNAVAILABLE', 'No free port between 20000 and 32000 on 127.0.0.1.', {
    nextStep: 'see what holds them (ss -ltnp) and stop what is not needed.',
  });
}
