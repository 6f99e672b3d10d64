import type { StackAddresses } from '@throughline/local-stack';
import type { Secrets } from './installation.js';

/** The processes of ours, in the order in which they start. */
export const SERVICES = ['sandbox', 'revenue-adapter', 'ops-adapter', 'finance-adapter', 'orchestrator'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Ports `npm start` likes; another is taken where one is busy. */
export const PREFERRED_PORTS: Record<ServiceName, number> = {
  orchestrator: 4100,
  'revenue-adapter': 4101,
  'ops-adapter': 4102,
  'finance-adapter': 4103,
  sandbox: 4104,
};

/** The account names the sandbox and the connectors agree on locally. */
export const TENANTS = { hubspotPortal: '4711', stripeAccount: 'acct_sandbox', medusaStore: 'store_sandbox' } as const;

export interface Instance {
  service: ServiceName;
  /** From 1. */
  number: number;
  port: number;
}

export interface TopologyInput {
  addresses: StackAddresses;
  secrets: Secrets;
  instances: Instance[];
  databaseUrls: Record<ServiceName, string>;
  /** Before the name of every topic and consumer group. */
  kafkaPrefix: string;
  /** Share of traces recorded; locally everything, so that every deal can be looked at. */
  samplingRatio: number;
}

/** The environment of one instance: everything it is told, nothing it has to find out. */
export function instanceEnvironment(
  instance: Instance,
  input: TopologyInput,
  overrides: NodeJS.ProcessEnv = {},
): Record<string, string> {
  const { addresses } = input;
  const common = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(instance.port),
    DATABASE_URL: input.databaseUrls[instance.service],
    OTEL_SERVICE_NAME: instance.service,
    OTEL_EXPORTER_OTLP_ENDPOINT: addresses.otlpEndpoint,
    OTEL_TRACES_SAMPLER_ARG: String(input.samplingRatio),
  };
  const bus = {
    KAFKA_BROKERS: addresses.kafkaBrokers.join(','),
    KAFKA_PREFIX: input.kafkaPrefix,
    SCHEMA_REGISTRY_URL: addresses.registryUrl,
    TRACE_VIEWER_URL: addresses.viewerUrl,
    INSTANCE_ID: `${instance.service}-${instance.number}`,
  };
  const passedThrough = Object.fromEntries(
    Object.entries(overrides).filter(([name, value]) => PASSED_THROUGH.test(name) && value !== undefined),
  ) as Record<string, string>;
  return {
    ...common,
    ...(instance.service === 'sandbox' ? {} : bus),
    ...vendorEnvironment(instance.service, input),
    ...passedThrough,
  };
}

/** Variables of the person's own environment that reach the services: vendors' addresses and keys, and levels. */
const PASSED_THROUGH =
  /^(HUBSPOT_|STRIPE_|MEDUSA_|LOG_LEVEL$|OTEL_EXPORTER_OTLP_(PROTOCOL|HEADERS)$|OTEL_TRACES_SAMPLER_ARG$)/;

function vendorEnvironment(service: ServiceName, { secrets, instances }: TopologyInput): Record<string, string> {
  const urlsOf = (name: ServiceName): string[] =>
    instances.filter((instance) => instance.service === name).map((instance) => `http://127.0.0.1:${instance.port}`);
  const sandbox = urlsOf('sandbox')[0] ?? '';
  const hubspot = {
    HUBSPOT_ACCESS_TOKEN: secrets.hubspotAccessToken,
    HUBSPOT_CLIENT_SECRET: secrets.hubspotClientSecret,
    HUBSPOT_PORTAL_ID: TENANTS.hubspotPortal,
  };
  const stripe = { STRIPE_SECRET_KEY: secrets.stripeSecretKey, STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret };
  const medusa = { MEDUSA_API_KEY: secrets.medusaApiKey };
  switch (service) {
    case 'sandbox':
      return {
        ...hubspot,
        ...stripe,
        ...medusa,
        HUBSPOT_WEBHOOK_URLS: urlsOf('revenue-adapter')
          .map((url) => `${url}/webhooks/hubspot`)
          .join(','),
        STRIPE_WEBHOOK_URLS: urlsOf('finance-adapter')
          .map((url) => `${url}/webhooks/stripe`)
          .join(','),
      };
    case 'revenue-adapter':
      return {
        ...hubspot,
        HUBSPOT_BASE_URL: sandbox,
        HUBSPOT_SWEEP_INTERVAL_MS: '3000',
        HUBSPOT_RECHECK_INTERVAL_MS: '10000',
      };
    case 'finance-adapter':
      return { ...stripe, STRIPE_BASE_URL: sandbox, STRIPE_ACCOUNT_ID: TENANTS.stripeAccount };
    case 'ops-adapter':
      return { ...medusa, MEDUSA_BASE_URL: sandbox, MEDUSA_STORE_ID: TENANTS.medusaStore };
    case 'orchestrator':
      return {};
  }
}
