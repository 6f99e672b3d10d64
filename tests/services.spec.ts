import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { LOADING_MS } from './config-shapes.js';

interface Services {
  services: Record<string, { handles: Record<string, string[]>; emits: string[] }>;
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
    expect(Object.keys(handles).toSorted()).toEqual(Object.keys(routes).toSorted());
    expect(emits.toSorted()).toEqual(emitted.toSorted());
  });

  it.each(Object.entries(services))(
    'names of every command of %s the success and the refusal that answer it',
    (_, service) => {
      for (const [command, answers] of Object.entries(service.handles)) {
        const refusals = answers.filter((type) => type.endsWith('Rejected'));
        expect([command, refusals.length, answers.length > 1]).toEqual([command, 1, true]);
        expect(service.emits).toEqual(expect.arrayContaining(answers));
      }
    },
  );
});
