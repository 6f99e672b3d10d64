import type { parseConfig } from '../packages/service/src/config.js';

/** The variables of one program and their forms. */
export type ConfigShape = Parameters<typeof parseConfig>[1];

/** Every app that is a service of its own. */
export const SERVICES = ['revenue-adapter', 'ops-adapter', 'finance-adapter', 'orchestrator', 'sandbox'];

/** What each service says it reads from its environment. Loads Nest with it, so give the hook time. */
export async function loadConfigShapes(): Promise<Record<string, ConfigShape>> {
  const shapes = await Promise.all(
    SERVICES.map(async (app) => {
      const { configShape } = (await import(`../apps/${app}/src/config.js`)) as { configShape: ConfigShape };
      return [app, configShape] as const;
    }),
  );
  return Object.fromEntries(shapes);
}

/** How long loading them may take, in milliseconds. */
export const LOADING_MS = 60_000;
