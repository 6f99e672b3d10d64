import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { parse } from 'yaml';
import type { ConfigShape } from './config-shapes.js';

/** The parts of docker-compose.yml that the checks read. */
export interface Compose {
  services: Record<string, ComposeService>;
  volumes?: Record<string, unknown>;
}

interface ComposeService {
  image?: string;
  build?: { dockerfile?: string; target?: string; args?: Record<string, string> };
  command?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  restart?: string;
  healthcheck?: { test?: string[] };
  depends_on?: Record<string, { condition: string }>;
}

/** What docker-compose.yml is compared with, read from where the services say it themselves. */
export interface Facts {
  /** Targets of infra/Dockerfile. */
  targets: string[];
  /** `configShape` of each app that is a service. */
  shapes: Record<string, ConfigShape>;
  migrationShape: ConfigShape;
  /** Paths each service answers, as its controllers declare them: `/health/ready`. */
  paths: Record<string, string[]>;
  /** Variables of packages/telemetry, which every program of ours reads. */
  telemetry: string[];
  /** Variables that the command line reads. */
  cli: string[];
  /** .env.example, and in `filledIn` what a person puts where it is empty. */
  env: Record<string, string>;
  filledIn: Record<string, string>;
  /** infra/postgres/create-databases.sh. */
  databaseScript: string;
  parseConfig: (service: string, shape: ConfigShape, env: NodeJS.ProcessEnv) => unknown;
}

export function parseCompose(text: string): Compose {
  return parse(text, { merge: true }) as Compose;
}

/** What the compose specification's JSON Schema says against it. */
export function schemaProblems(compose: Compose, schema: object): string[] {
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  if (validate(compose)) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message}`);
}

/** What the services' own configuration says against it: variables, ports, probe paths, build targets, secrets, databases. */
export function configurationProblems(compose: Compose, facts: Facts): string[] {
  return [
    ...Object.entries(compose.services).flatMap(([name, service]) =>
      [
        ...checkBuild(service, facts),
        ...checkEnvironment(service, facts),
        ...checkPorts(service),
        ...checkProbe(service, facts),
        ...checkAddresses(service, compose, facts),
        ...checkSecrets(service),
        ...checkDependencies(service, compose),
      ].map((problem) => `${name}: ${problem}`),
    ),
    ...checkInterpolation(compose, facts),
    ...checkDatabases(compose, facts),
  ];
}

function checkBuild({ build }: ComposeService, { targets, shapes }: Facts): string[] {
  if (!build) return [];
  const app = build.args?.['SERVICE'];
  return [
    ...(targets.includes(build.target ?? '')
      ? []
      : [`infra/Dockerfile has no target "${build.target}"; it has ${targets.join(', ')}`]),
    ...(app === 'cli' || (app && app in shapes) ? [] : [`SERVICE is "${app}", and there is no apps/${app}`]),
  ];
}

/** Every variable exists, every required one is set, and the values are ones the service would start with. */
function checkEnvironment(service: ComposeService, facts: Facts): string[] {
  const app = appOf(service);
  if (!app) return [];
  if (app === 'cli') {
    const unknown = Object.keys(service.environment ?? {}).filter((key) => !facts.cli.includes(key));
    return unknown.map((key) => `${key} is set, and nothing in apps/cli/src reads it`);
  }
  const shape = service.command?.[0] === 'migrate' ? facts.migrationShape : facts.shapes[app];
  if (!shape) return [];
  const values = Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([key, value]) => [key, interpolate(String(value), facts)]),
  );
  const unknown = Object.keys(values).filter((key) => !(key in shape) && !facts.telemetry.includes(key));
  return [
    ...unknown.map((key) => `${key} is set, and apps/${app}/src/config.ts does not know it`),
    ...refusal(() => facts.parseConfig(app, shape, values)),
  ];
}

function refusal(parseIt: () => unknown): string[] {
  try {
    parseIt();
    return [];
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim());
  }
}

function checkPorts(service: ComposeService): string[] {
  const port = service.environment?.['PORT'];
  return (service.ports ?? []).flatMap((published) => [
    ...(published.startsWith('127.0.0.1:') ? [] : [`${published} is published beyond loopback`]),
    ...(!appOf(service) || published.endsWith(`:${port}`)
      ? []
      : [`${published} leads to a port where it does not listen; PORT is ${port}`]),
  ]);
}

function checkProbe(service: ComposeService, { paths }: Facts): string[] {
  const oneShot = service.restart?.startsWith('on-failure') ?? false;
  if (oneShot) return [];
  const app = appOf(service);
  const probe = service.healthcheck?.test?.join(' ') ?? '';
  const url = /https?:\/\/127\.0\.0\.1:(\d+)([\w/-]*)/.exec(probe);
  return [
    ...(probe ? [] : ['has no health check']),
    ...(service.restart ? [] : ['has no restart policy']),
    ...(app && !url ? ['its health check asks no path of the service'] : []),
    ...(app && url && url[1] !== String(service.environment?.['PORT'])
      ? [`its health check asks port ${url[1]}, and PORT is ${service.environment?.['PORT']}`]
      : []),
    ...(app && url && !paths[app]?.includes(url[2] ?? '')
      ? [`its health check asks ${url[2]}, and no controller answers that`]
      : []),
  ];
}

/** Addresses of one container in the environment of another: the container, its port and the path exist. */
function checkAddresses(service: ComposeService, compose: Compose, facts: Facts): string[] {
  const { paths } = facts;
  return Object.entries(service.environment ?? {}).flatMap(([key, raw]) => {
    const addresses = [...interpolate(String(raw), facts).matchAll(/https?:\/\/([\w-]+):(\d+)(\/[\w/-]*)?/g)];
    return addresses.flatMap(([address, host, port, path]) => {
      const target = compose.services[host ?? ''];
      if (!target) return [`${key} is ${address}, and there is no service "${host}"`];
      const app = appOf(target);
      if (!app) return [];
      return [
        ...(String(target.environment?.['PORT']) === port
          ? []
          : [`${key} is ${address}, and ${host} listens on ${target.environment?.['PORT']}`]),
        ...(!path || paths[app]?.includes(path)
          ? []
          : [`${key} is ${address}, and no controller of ${app} answers ${path}`]),
      ];
    });
  });
}

/** A secret comes from the environment: `${NAME:?...}` or, where it may be missing, `${NAME:-}`. */
function checkSecrets(service: ComposeService): string[] {
  return Object.entries(service.environment ?? {}).flatMap(([key, value]) => {
    const secret = /(PASSWORD|SECRET|TOKEN|API_KEY|SECRET_KEY)$/.test(key)
      ? String(value)
      : /^\w+:\/\/[^:/]+:(.*)@/.exec(String(value))?.[1];
    return secret === undefined || /^\$\{\w+:(\?[^}]+|-)\}$/.test(secret)
      ? []
      : [`${key} holds a secret; write \${${key}:?...} and document it in .env.example`];
  });
}

function checkDependencies(service: ComposeService, { services, volumes = {} }: Compose): string[] {
  const missing = (service.volumes ?? [])
    .map((mount) => mount.split(':')[0]!)
    .filter((source) => /^\w/.test(source) && !(source in volumes));
  return [
    ...missing.map((volume) => `volume ${volume} is not declared`),
    ...Object.entries(service.depends_on ?? {}).flatMap(([name, { condition }]) => {
      const other = services[name];
      if (!other) return [`depends on ${name}, which is not there`];
      if (condition === 'service_healthy' && !other.healthcheck)
        return [`waits until ${name} is healthy, which has no health check`];
      return [];
    }),
  ];
}

/** .env.example documents exactly the variables the file reads. */
function checkInterpolation(compose: Compose, { env }: Facts): string[] {
  const read = new Set([...JSON.stringify(compose).matchAll(/\$\{(\w+)/g)].map((match) => match[1]!));
  return [
    ...[...read].filter((name) => !(name in env)).map((name) => `.env.example does not say what ${name} is`),
    ...Object.keys(env)
      .filter((name) => name !== 'COMPOSE_PROFILES' && !read.has(name))
      .map((name) => `.env.example has ${name}, and nothing reads it`),
  ];
}

/** Every database that is addressed is created, for a role of the same name, with the password that postgres was given. */
function checkDatabases(compose: Compose, { databaseScript }: Facts): string[] {
  const created = /for service in (.+); do/.exec(databaseScript)?.[1]?.split(' ') ?? [];
  const urls = Object.values(compose.services).flatMap(({ environment = {} }) =>
    Object.values(environment)
      .map(String)
      .filter((value) => value.startsWith('postgres://')),
  );
  return [...new Set(urls)].flatMap((url) => {
    const [, role, password, database] = /^postgres:\/\/(\w+):\$\{(\w+).*\}@postgres:5432\/(\w+)$/.exec(url) ?? [];
    const service = database?.replace(/^throughline_/, '') ?? '';
    return [
      ...(created.includes(service) ? [] : [`infra/postgres/create-databases.sh does not create ${database}`]),
      ...(role === database
        ? []
        : [`${database} is addressed by the role ${role}, and each service has a role of its own`]),
      ...(password && compose.services['postgres']?.environment?.[password]
        ? []
        : [`postgres is not given ${password}`]),
    ];
  });
}

function appOf({ build }: ComposeService): string | undefined {
  return build?.args?.['SERVICE'];
}

/** As compose does it; a required variable without a value in .env.example gets what a person might fill in. */
function interpolate(text: string, { env, filledIn }: Facts): string {
  return text.replace(
    /\$\{(\w+)(?::([?-])([^}]*))?\}/g,
    (_, name: string, operator?: string, rest = '') =>
      env[name] || filledIn[name] || (operator === '-' ? rest : `example-${name.toLowerCase()}`),
  );
}

/** Reads {@link Facts} except for what is code or a person's choice. */
export function readFacts(root: string): Omit<Facts, 'filledIn' | 'shapes' | 'migrationShape' | 'parseConfig'> {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const health = pathsOf(join(root, 'packages/service/src'));
  return {
    targets: [...read('infra/Dockerfile').matchAll(/^FROM .+ AS (\w+)$/gm)].map((match) => match[1]!),
    paths: Object.fromEntries(
      readdirSync(join(root, 'apps')).map((app) => [app, [...health, ...pathsOf(join(root, 'apps', app, 'src'))]]),
    ),
    telemetry: variablesOf(join(root, 'packages/telemetry/src')),
    env: Object.fromEntries(
      [...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]),
    ),
    cli: variablesOf(join(root, 'apps/cli/src')),
    databaseScript: read('infra/postgres/create-databases.sh'),
  };
}

/** The variables that the code below a folder reads: `env['NAME']`. */
function variablesOf(directory: string): string[] {
  const text = sourcesOf(directory).map(({ text }) => text);
  return [...new Set(text.join('\n').matchAll(/env\['([A-Z_]+)'\]/g))].map((match) => match[1]!);
}

function sourcesOf(directory: string): { file: string; text: string }[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => ({ file, text: readFileSync(join(directory, file), 'utf8') }));
}

/** The paths that the controllers below a folder declare with @Controller, @Get and @Post. */
function pathsOf(directory: string): string[] {
  return sourcesOf(directory).flatMap(({ file, text }) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    return source.statements.filter(ts.isClassDeclaration).flatMap((declaration) => {
      const prefix = decoration(declaration, ['Controller']);
      if (prefix === undefined) return [];
      return declaration.members.flatMap((member) => {
        const path = decoration(member, ['Get', 'Post', 'Put', 'Patch', 'Delete']);
        return path === undefined ? [] : [`/${[prefix, path].filter(Boolean).join('/')}`];
      });
    });
  });
}

/** The path in the first decorator of one of these names: '' for `@Get()`, undefined without one. */
function decoration(node: ts.Node, names: string[]): string | undefined {
  for (const { expression } of ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : []) {
    if (!ts.isCallExpression(expression) || !names.includes(expression.expression.getText())) continue;
    const [argument] = expression.arguments;
    return argument && ts.isStringLiteralLike(argument) ? argument.text : '';
  }
  return undefined;
}
