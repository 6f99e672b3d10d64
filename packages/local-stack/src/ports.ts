import { createServer } from 'node:net';
import { StackError } from './errors.js';

/** True when nothing listens on the port of 127.0.0.1 and a child may. */
function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * The preferred port when it is free, otherwise a random free one.
 * Random ports come from below the ephemeral range, where no outgoing connection can take them before the child binds.
 */
export async function choosePort(preferred: number | undefined, taken: ReadonlySet<number>): Promise<number> {
  if (preferred !== undefined && !taken.has(preferred) && (await isPortFree(preferred))) return preferred;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new StackError('STACK_PORT_UNAVAILABLE', 'No free port between 20000 and 32000 on 127.0.0.1.', {
    nextStep: 'see what holds them (ss -ltnp) and stop what is not needed.',
  });
}
