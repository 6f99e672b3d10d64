import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { LOADING_MS } from './config-shapes.js';

interface Services {
  services: Record<string, { handles: string[]; emits: string[] }>;
}
const { services } = parse(readFileSync(new URL('../infra/services.yaml', import.meta.url), 'utf8')) as Services;

describe('infra/services.yaml', () => {
  const routesOf: Record<string, { routes: object; emits: string[] }> = {};
  beforeAll(async () => {
    const nothing = {} as never;
    const [revenue, ops, finance] = await Promise.all([
      import('../apps/revenue-adapter/src/routes.js'),
      import('../apps/ops-adapter/src/routes.js'),
      import('../apps/finance-adapter/src/routes.js'),
    ]);
    routesOf['revenue-adapter'] = revenue.routes(nothing, nothing, nothing);
    routesOf['ops-adapter'] = ops.opsRoutes(nothing);
    routesOf['finance-adapter'] = finance.financeRoutes({ tenant: { accountId: 'acct_spec' } } as never);
  }, LOADING_MS);

  it.each(Object.entries(services))('says what %s does', (name, { handles, emits }) => {
    const { routes, emits: emitted } = routesOf[name]!;
    expect(handles.toSorted()).toEqual(Object.keys(routes).toSorted());
    expect(emits.toSorted()).toEqual(emitted.toSorted());
  });
});
