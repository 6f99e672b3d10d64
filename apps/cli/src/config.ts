import { namespaceFrom, type Namespace } from './namespace.js';

/** What the command line reads from its environment, once, at its start; docs/configuration.md explains it. */
export interface Config {
  /** Data, logs and secrets of the installation; `.throughline` in the checkout without it. */
  home: string | undefined;
  namespace: Namespace;
  /** Parts that already run, and are neither started nor stopped. */
  kafkaBrokers: string[] | undefined;
  postgresUrl: string | undefined;
  registryUrl: string | undefined;
  viewerUrl: string | undefined;
  orchestratorUrls: string[] | undefined;
  /** `service=url`, once per instance. */
  serviceUrls: string[] | undefined;
  /** Who acts. */
  actor: string | undefined;
  /** All of it: the local stack and the services take from it what is theirs. */
  env: NodeJS.ProcessEnv;
}

/** An empty variable counts as absent. @throws CommandError that names the variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return {
    home: text(env['THROUGHLINE_HOME']),
    namespace: namespaceFrom(text(env['THROUGHLINE_NAMESPACE']) ?? ''),
    kafkaBrokers: list(env['KAFKA_BROKERS']),
    postgresUrl: text(env['POSTGRES_URL']),
    registryUrl: text(env['SCHEMA_REGISTRY_URL']),
    viewerUrl: text(env['TRACE_VIEWER_URL']),
    orchestratorUrls: list(env['THROUGHLINE_ORCHESTRATOR_URL']),
    serviceUrls: list(env['THROUGHLINE_SERVICE_URLS']),
    actor: text(env['THROUGHLINE_ACTOR']),
    env,
  };
}

function text(value: string | undefined): string | undefined {
  return value || undefined;
}

function list(value: string | undefined): string[] | undefined {
  return text(value)?.split(',').filter(Boolean);
}
