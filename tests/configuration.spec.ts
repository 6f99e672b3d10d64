import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { httpConfigShape, serviceConfigShape } from '../packages/service/src/config.js';
import { PREFERRED_PORTS, type ServiceName } from '../apps/cli/src/topology.js';
import { LOADING_MS, loadConfigShapes, SERVICES, type ConfigShape } from './config-shapes.js';

const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');

/** The table rows below one heading: `HOST` -> `127.0.0.1`. */
function rowsOf(heading: string): Map<string, string> {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return new Map(
    [...section.matchAll(/^\| `([A-Z_]+)` *\| *(.+?) *\|/gm)].map((row) => [row[1]!, row[2]!.replaceAll('`', '')]),
  );
}

interface Form {
  safeParse(value: unknown): { success: boolean; data?: unknown };
}

/** What the code says: a default as the page writes it. */
function defaultsOf(shape: ConfigShape): Map<string, string> {
  return new Map(
    Object.entries(shape).map(([name, form]) => {
      const absent = (form as unknown as Form).safeParse(undefined);
      if (!absent.success) return [name, 'required'];
      const value = Array.isArray(absent.data) ? absent.data.join(',') : absent.data;
      return [name, value === undefined || value === '' ? 'none' : `${value as string | number}`];
    }),
  );
}

describe('docs/configuration.md', () => {
  let shapes: Record<string, ConfigShape>;
  beforeAll(async () => {
    shapes = await loadConfigShapes();
  }, LOADING_MS);

  it.each(SERVICES)('lists every variable of %s with its default, and no other', (service) => {
    const everyService = rowsOf('Every service');
    const onBus = Object.keys(serviceConfigShape).filter((name) => !(name in httpConfigShape));
    const own = rowsOf(service);
    const said = new Map([...everyService, ...own]);
    for (const name of everyService.keys()) {
      if (name.startsWith('OTEL_') || (service === 'sandbox' && onBus.includes(name))) said.delete(name);
    }
    const sorted = (rows: Map<string, string>) => Object.fromEntries([...rows].sort());
    expect(sorted(said)).toEqual(sorted(defaultsOf(shapes[service]!)));
  });

  it.each(SERVICES)('says of %s the port that `npm start` likes, too', (service) => {
    expect(rowsOf(service).get('PORT')).toBe(String(PREFERRED_PORTS[service as ServiceName]));
  });
});
