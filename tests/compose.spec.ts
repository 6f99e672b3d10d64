import { beforeAll, describe, expect, it } from '@jest/globals';
import { migrationConfigShape, parseConfig } from '../packages/service/src/config.js';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LOADING_MS, loadConfigShapes, SERVICES } from './config-shapes.js';
import { configurationProblems, parseCompose, readFacts, schemaProblems, type Compose, type Facts } from './compose.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const schema = JSON.parse(read('infra/compose/compose-spec.json')) as object;
const text = read('docker-compose.yml');

/** What a person fills in where the value has a form of its own. */
const FILLED_IN = { STRIPE_SECRET_KEY: 'sk_test_example', STRIPE_WEBHOOK_SECRET: 'whsec_example' };

let facts: Facts;
beforeAll(async () => {
  facts = {
    ...readFacts(root),
    filledIn: FILLED_IN,
    shapes: await loadConfigShapes(),
    migrationShape: migrationConfigShape,
    parseConfig,
  };
}, LOADING_MS);

/** Where the service listens by itself, without a container around it. */
const portOf = (app: string) => String(parseConfig(app, { PORT: facts.shapes[app]!['PORT']! }, {})['PORT']);

describe('docker-compose.yml', () => {
  it('is what the compose specification allows', () => {
    expect(schemaProblems(parseCompose(text), schema)).toEqual([]);
  });

  it('says nothing that the services do not know, and everything they need', () => {
    expect(configurationProblems(parseCompose(text), facts)).toEqual([]);
  });

  it('runs every service where it is elsewhere, too, and waits for the deployment', () => {
    const { services } = parseCompose(text);
    for (const app of SERVICES) expect(services[app]?.build?.args?.['SERVICE']).toBe(app);
    for (const app of SERVICES) expect(services[app]?.ports?.[0]).toContain(`:-${portOf(app)}}:`);
    for (const app of SERVICES.filter((name) => name !== 'sandbox'))
      expect(services[app]?.depends_on?.['deploy']).toEqual({ condition: 'service_completed_successfully' });
  });
});

/** Each is a mistake somebody will make; the copy is broken here, the check has to say so. */
describe('the check of docker-compose.yml notices', () => {
  it.each<[string, (compose: Compose) => void]>([
    [
      'a key that the specification does not know',
      ({ services }) => Object.assign(services['kafka']!, { enviroment: {} }),
    ],
    [
      'a condition that does not exist',
      ({ services }) => (services['orchestrator']!.depends_on!['kafka']!.condition = 'healthy'),
    ],
    ['a volume that is a number', ({ services }) => (services['kafka']!.volumes = 7 as never)],
  ])('against the schema: %s', (_mistake, mutate) => {
    const compose = parseCompose(text);
    mutate(compose);
    expect(schemaProblems(compose, schema)).not.toEqual([]);
  });

  it.each<[string, RegExp, (services: Compose['services']) => void]>([
    [
      'a misspelt variable',
      /KAFKA_BROKER is set, and .* does not know it/,
      (s) => (s['orchestrator']!.environment!['KAFKA_BROKER'] = 'kafka:9092'),
    ],
    [
      'a required variable that is missing',
      /HUBSPOT_ACCESS_TOKEN: is not set/,
      (s) => delete s['revenue-adapter']!.environment!['HUBSPOT_ACCESS_TOKEN'],
    ],
    [
      'a variable that the command line does not read',
      /deploy: REGISTRY is set/,
      (s) => (s['deploy']!.environment!['REGISTRY'] = 'x'),
    ],
    ['a value that the service refuses', /LOG_LEVEL: /, (s) => (s['orchestrator']!.environment!['LOG_LEVEL'] = 'loud')],
    [
      'a migration without its database',
      /migrate-ops-adapter: DATABASE_URL: is not set/,
      (s) => delete s['migrate-ops-adapter']!.environment!['DATABASE_URL'],
    ],
    [
      'a port where nobody listens',
      /leads to a port where it does not listen/,
      (s) => (s['orchestrator']!.ports = ['127.0.0.1:4100:3000']),
    ],
    ['a port open to the world', /beyond loopback/, (s) => (s['postgres']!.ports = ['5432:5432'])],
    [
      'a probe path that nobody answers',
      /no controller answers that/,
      (s) => (s['orchestrator']!.healthcheck = { test: ['CMD', 'curl', 'http://127.0.0.1:8080/healthz'] }),
    ],
    [
      'a probe on another port',
      /asks port 3000/,
      (s) => (s['orchestrator']!.healthcheck = { test: ['CMD', 'curl', 'http://127.0.0.1:3000/health/live'] }),
    ],
    ['a service without a health check', /kafka: has no health check/, (s) => delete s['kafka']!.healthcheck],
    [
      'a webhook path that nobody answers',
      /no controller of revenue-adapter answers/,
      (s) => (s['sandbox']!.environment!['HUBSPOT_WEBHOOK_URLS'] = 'http://revenue-adapter:8080/hooks'),
    ],
    [
      'an address of a container that is not there',
      /there is no service "schema-registry"/,
      (s) => (s['orchestrator']!.environment!['SCHEMA_REGISTRY_URL'] = 'http://schema-registry:8081'),
    ],
    [
      'a build target that does not exist',
      /has no target "servce"/,
      (s) => (s['orchestrator']!.build!.target = 'servce'),
    ],
    [
      'an app that does not exist',
      /there is no apps\/billing/,
      (s) => (s['orchestrator']!.build!.args!['SERVICE'] = 'billing'),
    ],
    [
      'a secret in the file',
      /STRIPE_SECRET_KEY holds a secret/,
      (s) => (s['finance-adapter']!.environment!['STRIPE_SECRET_KEY'] = 'sk_live_1'),
    ],
    [
      'a password in a URL',
      /DATABASE_URL holds a secret/,
      (s) =>
        (s['orchestrator']!.environment!['DATABASE_URL'] =
          'postgres://throughline_orchestrator:secret@postgres:5432/throughline_orchestrator'),
    ],
    [
      'a variable that .env.example does not explain',
      /does not say what NEW_THING is/,
      (s) => (s['kafka']!.environment!['KAFKA_X'] = '${NEW_THING:-1}'),
    ],
    [
      'a database that nobody creates',
      /does not create throughline_billing/,
      (s) =>
        (s['orchestrator']!.environment!['DATABASE_URL'] =
          'postgres://throughline_billing:${ORCHESTRATOR_DB_PASSWORD:?x}@postgres:5432/throughline_billing'),
    ],
    [
      'a service that uses the role of another',
      /each service has a role of its own/,
      (s) =>
        (s['orchestrator']!.environment!['DATABASE_URL'] =
          'postgres://throughline_sandbox:${ORCHESTRATOR_DB_PASSWORD:?x}@postgres:5432/throughline_orchestrator'),
    ],
    [
      'a dependency that is not there',
      /depends on zookeeper/,
      (s) => (s['kafka']!.depends_on = { zookeeper: { condition: 'service_started' } }),
    ],
    [
      'a volume that is not declared',
      /volume lost-data is not declared/,
      (s) => (s['kafka']!.volumes = ['lost-data:/var/lib/kafka/data']),
    ],
  ])('against the configuration: %s', (_mistake, message, mutate) => {
    const compose = parseCompose(text);
    mutate(compose.services);
    expect(configurationProblems(compose, facts)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });
});
