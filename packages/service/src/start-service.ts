import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Module, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Codec, registrySchemaIds } from '@throughline/contracts';
import { Messaging, schemaIdStore, type Routes } from '@throughline/messaging';
import { Database, migrate, type MigrationClass } from '@throughline/postgres';
import { logger as createLogger, type Logger } from '@throughline/telemetry';
import { stopTelemetry } from '@throughline/telemetry/sdk';
import { raw, type NextFunction, type Request, type Response } from 'express';
import type { z } from 'zod';
import { ConfigError, migrationConfigShape, parseConfig, type ServiceConfig } from './config.js';
import { ConsumerController } from './consumer.controller.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { HealthController } from './health.controller.js';
import { Lifecycle } from './lifecycle.js';
import { NestLogger } from './nest-logger.js';
import { ReplaysController } from './replays/replays.controller.js';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from './tokens.js';
import { MessagingTransport } from './transport.js';
import { UncodedErrorFilter } from './uncoded-error.filter.js';

export interface ServiceOptions {
  /** Also `ce_source` of its messages, the consumer group, and the telemetry service name. */
  name: string;
  /** One sentence for the API page. */
  description: string;
  /** Built on {@link serviceConfigShape}, or on {@link httpConfigShape} where `messaging` is false. */
  configShape: z.ZodRawShape;
  /** The service's one Nest module; provides {@link ROUTES}. */
  module: Type<unknown>;
  migrations: MigrationClass[];
  /** TypeORM entities of the cold paths. */
  entities?: Type<unknown>[];
  /** False for a process that is not on the message bus. Default true. */
  messaging?: boolean;
}

type DatabaseConfig = Pick<ServiceConfig, 'DATABASE_URL' | 'DATABASE_POOL_SIZE'>;

/** What comes in here is signed: nothing of it is parsed before its signature over the raw body is verified. */
const WEBHOOKS = '/webhooks';

/** Limit of one HTTP request body. */
const BODY_LIMIT = '1mb';
const HTTP_REQUEST_TIMEOUT_MS = 30_000;
/** Exit codes of sysexits.h: EX_CONFIG and EX_UNAVAILABLE. */
const EXIT_CONFIG = 78;
const EXIT_UNAVAILABLE = 69;

/**
 * Runs one service until SIGTERM or SIGINT: configuration, database, HTTP, message bus, in this order, and back in reverse.
 * `node dist/main.js migrate` brings the database up to date and exits instead: migrations are never a side effect of a start.
 */
export async function startService(options: ServiceOptions): Promise<void> {
  const env = process.env;
  let logger = createLogger(options.name);
  try {
    if (process.argv[2] === 'migrate') {
      const config = parseConfig(options.name, migrationConfigShape, env);
      logger = createLogger(options.name, { level: config.LOG_LEVEL });
      await runMigrations(options, config, logger);
    } else {
      const config = parseConfig(options.name, options.configShape, env) as unknown as ServiceConfig;
      logger = createLogger(options.name, { level: config.LOG_LEVEL });
      await run(options, config, logger);
    }
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(EXIT_CONFIG);
    }
    logger.fatal({ err: error }, `${options.name} could not start: ${(error as Error).message}`);
    await stopTelemetry();
    process.exit(EXIT_UNAVAILABLE);
  }
}

async function runMigrations(options: ServiceOptions, config: DatabaseConfig, logger: Logger): Promise<void> {
  const database = await connect(options, config);
  const ran = await migrate(database, options.migrations);
  logger.info({ ran }, ran.length > 0 ? `${ran.length} migrations applied` : 'database is up to date');
  await database.close();
  await stopTelemetry();
}

async function run(options: ServiceOptions, config: ServiceConfig, logger: Logger): Promise<void> {
  const lifecycle = new Lifecycle();
  const database = await connect(options, config);
  const app = await NestFactory.create<NestExpressApplication>(
    rootModule(options, config, database, lifecycle, logger),
    {
      rawBody: true,
      bodyParser: false,
      logger: new NestLogger(logger),
      abortOnError: false,
    },
  );
  app.use(WEBHOOKS, raw({ type: () => true, limit: BODY_LIMIT }), keepRawBody);
  app.useBodyParser('json', { limit: BODY_LIMIT });
  app.useBodyParser('urlencoded', { limit: BODY_LIMIT, extended: true });
  app.useGlobalFilters(new UncodedErrorFilter(app.get(HttpAdapterHost).httpAdapter));
  describeApi(app, options);
  if (options.messaging !== false) {
    app.connectMicroservice({
      strategy: new MessagingTransport(app.get<Messaging>(MESSAGING), config.SHUTDOWN_GRACE_MS),
    });
  }

  stopOnSignal(app, { options, config, database, lifecycle, logger });
  await app.listen(config.PORT, config.HOST);
  app.getHttpServer().requestTimeout = HTTP_REQUEST_TIMEOUT_MS;
  if (options.messaging !== false) await app.startAllMicroservices();
  lifecycle.started = true;
  // Not ready yet: that is when messaging has joined, and /health/ready says so.
  logger.info({ url: await app.getUrl() }, `${options.name} is listening`);
}

function connect(options: ServiceOptions, config: DatabaseConfig): Promise<Database> {
  return Database.connect({
    url: config.DATABASE_URL,
    applicationName: options.name,
    poolSize: config.DATABASE_POOL_SIZE,
    ...(options.entities && { entities: options.entities }),
  });
}

@Module({})
class ServiceModule {}

function rootModule(
  options: ServiceOptions,
  config: ServiceConfig,
  database: Database,
  lifecycle: Lifecycle,
  logger: Logger,
): DynamicModule {
  const messaging = {
    provide: MESSAGING,
    inject: [ROUTES],
    useFactory: (routes: Routes) =>
      new Messaging({
        service: options.name,
        ...(config.INSTANCE_ID && { instanceId: config.INSTANCE_ID }),
        version: config.SERVICE_VERSION ?? packageVersion(),
        database,
        routes,
        codec: new Codec(registrySchemaIds({ url: config.SCHEMA_REGISTRY_URL, store: schemaIdStore(database) })),
        kafka: { brokers: config.KAFKA_BROKERS, clientId: options.name, topicPrefix: config.KAFKA_PREFIX },
        log: logger,
      }),
  };
  const onBus = options.messaging !== false;
  return {
    module: ServiceModule,
    global: true,
    // The service's module is global so that the message bus can be given its routes.
    imports: [{ module: options.module, global: true, exports: onBus ? [ROUTES] : [] }],
    controllers: [HealthController, ...(onBus ? [ConsumerController, DeadLettersController, ReplaysController] : [])],
    providers: [
      { provide: DATABASE, useValue: database },
      { provide: CONFIG, useValue: config },
      { provide: Lifecycle, useValue: lifecycle },
      ...(onBus ? [messaging] : []),
    ],
    exports: [DATABASE, CONFIG, ...(onBus ? [MESSAGING] : [])],
  };
}

/** All packages of a release have the same. */
function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function keepRawBody(request: Request & { rawBody?: Buffer }, _response: Response, next: NextFunction): void {
  request.rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  next();
}

function describeApi(app: INestApplication, options: ServiceOptions): void {
  const document = new DocumentBuilder()
    .setTitle(`Throughline ${options.name}`)
    .setDescription(options.description)
    .setVersion('1')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, document), { jsonDocumentUrl: 'docs-json' });
}

interface Running {
  options: ServiceOptions;
  config: ServiceConfig;
  database: Database;
  lifecycle: Lifecycle;
  logger: Logger;
}

/** Drains within SHUTDOWN_GRACE_MS; whatever is not done by then is taken up again by another instance or the next start. */
function stopOnSignal(app: INestApplication, { options, config, database, lifecycle, logger }: Running): void {
  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (lifecycle.stopping) return;
    lifecycle.stopping = true;
    setTimeout(() => process.exit(exitCode || 1), config.SHUTDOWN_GRACE_MS + 5_000).unref();
    logger.info({ reason }, `${options.name} is stopping`);
    try {
      await app.close();
      await database.close();
    } catch (error) {
      logger.error({ err: error }, 'the shutdown was not clean; a crash is safe, so nothing is lost');
    }
    await stopTelemetry();
    process.exit(exitCode);
  };
  process.on('SIGTERM', () => void stop('SIGTERM', 0));
  process.on('SIGINT', () => void stop('SIGINT', 0));
  const crash = (error: unknown): void => {
    logger.fatal({ err: error }, 'unexpected error; this instance ends so that a fresh one can take over');
    void stop('unexpected error', 1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}
