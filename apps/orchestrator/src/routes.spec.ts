import { expect, it } from '@jest/globals';
import { ServerClock } from '@throughline/postgres';
import { ProcessRunner } from '@throughline/process/postgres';
import { loadRules } from './load-rules.js';
import { orchestratorRoutes } from './routes.js';

it('the routes take every event and send every command that a process names, all in one batch', () => {
  const { processes, compile } = loadRules();
  const routes = orchestratorRoutes(new ProcessRunner(processes, compile), new ServerClock());
  const events = new Set(processes.flatMap((process) => [...process.events]));
  const commands = new Set(
    processes.flatMap(({ steps }) => steps.flatMap(({ command, compensation }) => [command?.type, compensation?.type])),
  );
  expect(Object.keys(routes.routes).toSorted()).toEqual([...events].toSorted());
  expect(routes.emits.toSorted()).toEqual([...commands].filter((type) => type !== undefined).toSorted());
  expect(new Set(Object.values(routes.routes)).size).toBe(1);
});
