import { z } from 'zod';

/** A list in one variable: `a,b , c`. At least one entry. */
export const commaSeparated = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .refine((list) => list.length > 0, 'needs at least one entry');

/** What every process of ours that answers HTTP reads from the environment. */
export const httpConfigShape = {
  /** Address to bind. */
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535),
  /** This service's own database, with its own role. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Connections of this process to its database. */
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(100).default(8),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** How long a graceful shutdown may take, in milliseconds; afterwards the process ends anyway (a crash is safe). */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
} as const;

/** What every service on the message bus reads. */
export const serviceConfigShape = {
  ...httpConfigShape,
  KAFKA_BROKERS: commaSeparated,
  /** Before the name of every topic and consumer group, where several environments share a Kafka. */
  KAFKA_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{0,100}$/, 'may have letters, digits, dots, hyphens and underscores')
    .default(''),
  /** Base address of a Confluent-compatible registry API. */
  SCHEMA_REGISTRY_URL: z.url(),
  /**
   * Name of this instance, kept over restarts and unlike that of any other of the service: what it held when it was killed it takes
   * back at once. Without one the others release that after a while.
   */
  INSTANCE_ID: z.string().min(1).max(200).optional(),
  /** What this build is called, for example the image's tag or the commit; kept with every dead letter. Default: the package's version. */
  SERVICE_VERSION: z.string().min(1).max(200).optional(),
  /** The page that shows traces, for links to them. */
  TRACE_VIEWER_URL: z.url().optional(),
} as const;

/** All that `migrate` needs. */
export const migrationConfigShape = {
  DATABASE_URL: httpConfigShape.DATABASE_URL,
  DATABASE_POOL_SIZE: httpConfigShape.DATABASE_POOL_SIZE,
  LOG_LEVEL: httpConfigShape.LOG_LEVEL,
} as const;

export type ServiceConfig = z.infer<z.ZodObject<typeof serviceConfigShape>>;

/** Raised when the environment does not fit; the message lists every variable at fault. */
export class ConfigError extends Error {
  readonly code = 'SERVICE_CONFIG_INVALID';

  constructor(service: string, problems: string[]) {
    super(
      `${service} cannot start with this environment:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nSet the variables and start again; docs/configuration.md lists them all.`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * Parses the environment once. An empty variable counts as absent, so that compose files may pass variables through.
 * @throws {@link ConfigError} naming every variable that is missing or wrong (never its value: it may be a secret).
 */
export function parseConfig<S extends z.ZodRawShape>(
  service: string,
  shape: S,
  env: NodeJS.ProcessEnv,
): z.infer<z.ZodObject<S>> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const result = z.object(shape).safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(
    service,
    result.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return name in present ? `${name}: ${issue.message}` : `${name}: is not set`;
    }),
  );
}
