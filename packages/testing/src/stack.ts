/** Where the specs' real parts listen, as `npm test` sets it. */
export interface StackAddresses {
  /** Administrator's address of PostgreSQL; specs make databases of their own in it. */
  postgresUrl: string;
  kafkaBrokers: string[];
  schemaRegistryUrl: string;
}

/** What this run puts into the name of everything it makes on a shared Kafka or PostgreSQL, so that it can remove all of it. */
export const runNamespace = process.env['THROUGHLINE_NAMESPACE'] ?? 'spec';

const VARIABLES = {
  postgresUrl: 'POSTGRES_URL',
  kafkaBrokers: 'KAFKA_BROKERS',
  schemaRegistryUrl: 'SCHEMA_REGISTRY_URL',
} as const;

/** One address of the stack. @throws with the way to get one where the environment has none. */
export function stackAddress(name: 'postgresUrl' | 'schemaRegistryUrl'): string;
export function stackAddress(name: 'kafkaBrokers'): string[];
export function stackAddress(name: keyof StackAddresses): string | string[] {
  const value = process.env[VARIABLES[name]];
  if (!value) {
    throw new Error(
      `${VARIABLES[name]} is not set: run this spec with "npm test", which starts the stack, or set it to parts you run yourself.`,
    );
  }
  return name === 'kafkaBrokers' ? value.split(',') : value;
}
