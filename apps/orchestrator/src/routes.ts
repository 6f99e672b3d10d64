import type { MessageType } from '@throughline/contracts';
import { defineRoutes, state, type Routes } from '@throughline/messaging';
import type { ServerClock } from '@throughline/postgres';
import type { ProcessRunner } from '@throughline/process/postgres';
import { takeEvents } from './take-events.js';

/**
 * Every lifecycle event goes the same way: into the instances it belongs to, whose definitions (`processes/*.yaml`) decide what
 * follows; so the definitions say which events are taken, and which commands sent. There is no vendor call here, so nothing can be slow or refused: a message that fails waits, or is
 * a dead letter, and what follows it in its instance waits behind it; other instances go on.
 */
export function orchestratorRoutes(runner: ProcessRunner, clock: ServerClock): Routes {
  // One route object: a batch of mixed events is then one call, one query and one write.
  const intoInstance = state(takeEvents(runner, clock), { ahead: true });
  return defineRoutes({
    group: 'orchestrator',
    // An instance is fed by three topics: what waits for one of its events is the instance, and no other.
    orderBy: 'correlationId',
    routes: Object.fromEntries(runner.events.map((type) => [type, intoInstance])),
    emits: runner.commands as MessageType[],
  });
}
