import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { directoryDigest } from './cache.js';
import { type ClassArchive, classArchive } from './class-archive.js';
import { StackError } from './errors.js';
import { jvmEnvironment, jvmFlags } from './java.js';
import { askKafkaMetadata } from './kafka-metadata.js';
import { downloadArtifacts } from './maven.js';
import type { PartContext, PartSpec } from './part.js';
import { spawnService } from './supervise.js';

const version = '4.3.1';
const dependencies = [
  `org.apache.kafka:kafka_2.13:${version}`,
  'org.apache.logging.log4j:log4j-slf4j-impl:2.26.1',
  'org.apache.logging.log4j:log4j-core:2.26.1',
];
const digest = 'b4b0b75a46aa8b467105d50b7f98aed6f5c15ef86f95d97efa4fa5225d38b77e';

/** One more way in to the broker, told to its clients under another port: that of a proxy. */
export interface KafkaListener {
  /** Upper case letters, digits and underscores; `BROKER` and `CONTROLLER` are taken. */
  name: string;
  port: number;
  /** What the broker tells whoever comes in here to call; a client that came through a proxy stays behind it. */
  advertisedPort: number;
}

/** Apache Kafka: one KRaft node, broker and controller in one process. */
export function kafkaPart(
  context: PartContext,
  {
    listeners = [],
    optimised = false,
  }: { listeners?: KafkaListener[] | undefined; optimised?: boolean | undefined } = {},
): PartSpec & { ports: { broker: number; controller: number } } {
  const ports = { broker: 0, controller: 0 };
  const home = join(context.directory, 'kafka');
  let part = '';
  let archive: ClassArchive | undefined;
  return {
    name: 'kafka',
    title: `Apache Kafka ${version}`,
    ports,
    readyTimeoutMs: 90_000,
    // The first run writes its class archive while it ends.
    stopGraceMs: 90_000,
    stopNote: () => archive?.stopNote,
    async install() {
      part = await context.ensurePart(`kafka-${version}`, async (target, scratch, maven) => {
        const jars = await downloadArtifacts({ name: 'kafka', title: 'Apache Kafka', dependencies }, scratch, maven);
        const found = await directoryDigest(jars);
        if (found !== digest) throw checksumMismatch('Apache Kafka', digest, found);
        renameSync(jars, join(target, 'lib'));
        await formatTemplate((await context.java()).command, target, scratch, context.env);
      });
    },
    async launch() {
      const java = await context.java();
      createDataDirectory(join(part, 'formatted'), join(home, 'data'));
      writeFileSync(join(home, 'log4j2.properties'), log4jConfig);
      const config = join(home, 'server.properties');
      writeFileSync(config, serverProperties({ ...ports, listeners, dataDirectory: join(home, 'data') }));
      const classes = (archive = classArchive(part, java));
      const broker = await spawnService({
        name: 'Kafka',
        command: java.command,
        args: [
          ...jvmFlags(512, optimised),
          ...classes.flags,
          `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
          '-cp',
          classPath(part),
          'kafka.Kafka',
          config,
        ],
        env: jvmEnvironment(context.env),
        cwd: home,
        logFile: join(context.logDirectory, 'kafka.log'),
        pidFile: join(context.pidDirectory, 'kafka.json'),
      });
      classes.keepAfter(broker);
      return broker;
    },
    ask: (signal) => askKafkaMetadata(`127.0.0.1:${ports.broker}`, signal),
  };
}

/** The broker's whole configuration. Sizes are for one node on one machine; durability is Kafka's default. */
export function serverProperties(options: {
  broker: number;
  controller: number;
  dataDirectory: string;
  listeners?: KafkaListener[];
}): string {
  const { listeners = [] } = options;
  const entries = (port: (listener: KafkaListener) => number | string): string =>
    listeners.map((listener) => `,${listener.name}:${port(listener)}`).join('');
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    // Static voters: the address is read from here at every start, so the port may change between two starts.
    'controller.quorum.voters': `1@127.0.0.1:${options.controller}`,
    listeners: `BROKER://127.0.0.1:${options.broker},CONTROLLER://127.0.0.1:${options.controller}${entries(({ port }) => `//127.0.0.1:${port}`)}`,
    'advertised.listeners': `BROKER://127.0.0.1:${options.broker}${entries(({ advertisedPort }) => `//127.0.0.1:${advertisedPort}`)}`,
    'listener.security.protocol.map': `BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT${entries(() => 'PLAINTEXT')}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'BROKER',
    'log.dirs': options.dataDirectory,
    // Topics are data (infra/topics.yaml): a misspelt name must fail, not create one.
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 1048577,
    'log.index.size.max.bytes': 1048576,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

export function checksumMismatch(what: string, expected: string, found: string): StackError {
  return new StackError(
    'STACK_CHECKSUM_MISMATCH',
    `${what} as downloaded is not what was expected: SHA-256 ${found} instead of ${expected}.`,
    {
      nextStep:
        "remove it from Maven's local repository (~/.m2/repository) and start again; if it stays so, do not trust that mirror.",
    },
  );
}

/** Explicit and sorted: a class archive is valid for exactly one class path. */
function classPath(part: string): string {
  return readdirSync(join(part, 'lib'))
    .sort()
    .map((jar) => join(part, 'lib', jar))
    .join(':');
}

/** Kafka's own format tool, once per version: all that it writes besides ids is the same for every installation. */
async function formatTemplate(java: string, part: string, scratch: string, env: NodeJS.ProcessEnv): Promise<void> {
  const config = join(scratch, 'format.properties');
  writeFileSync(
    config,
    serverProperties({ broker: 9092, controller: 9093, dataDirectory: join(scratch, 'formatted') }),
  );
  await promisify(execFile)(
    java,
    [...jvmFlags(256), '-cp', classPath(part), 'kafka.tools.StorageTool', 'format', '-t', kafkaId(), '-c', config],
    { env: jvmEnvironment(env), timeout: 60_000, maxBuffer: 10 * 1024 * 1024 },
  );
  mkdirSync(join(part, 'formatted'));
  copyFileSync(join(scratch, 'formatted', 'bootstrap.checkpoint'), join(part, 'formatted', 'bootstrap.checkpoint'));
}

/** A formatted data directory with ids of its own; an existing one is left alone. */
function createDataDirectory(template: string, data: string): void {
  if (existsSync(join(data, 'meta.properties'))) return;
  const unfinished = `${data}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  copyFileSync(join(template, 'bootstrap.checkpoint'), join(unfinished, 'bootstrap.checkpoint'));
  writeFileSync(
    join(unfinished, 'meta.properties'),
    `version=1\nnode.id=1\ncluster.id=${kafkaId()}\ndirectory.id=${kafkaId()}\n`,
  );
  renameSync(unfinished, data);
}

/** A random UUID the way Kafka writes it: 22 characters of base64url, not beginning with a dash. */
export function kafkaId(uuid: () => string = randomUUID): string {
  for (;;) {
    const id = Buffer.from(uuid().replaceAll('-', ''), 'hex').toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

const log4jConfig = `rootLogger.level=warn
rootLogger.appenderRefs=stdout
rootLogger.appenderRef.stdout.ref=STDOUT
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d{ISO8601} %-5p %c{1} %m%n
`;
