import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { choosePort, removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { messagingHarness, orderCancelled, until, type MessagingHarness } from '@throughline/testing';
import { Kafka, logLevel } from 'kafkajs';
import { defineRoutes, state, type Message, type Messaging } from './index.js';

jest.setTimeout(240_000);

/** A second broker beside the one of a stack, which knows how a broker is started. */
class SecondBroker {
  private child: ChildProcess | undefined;
  private constructor(
    private readonly command: string,
    private readonly args: string[],
    private readonly home: string,
  ) {}

  static async beside(stack: Stack, directory: string): Promise<SecondBroker> {
    const [command, ...args] = readFileSync(`/proc/${stack.parts.kafka!.pid!}/cmdline`, 'utf8').split('\0');
    const first = join(directory, 'kafka');
    const home = join(directory, 'kafka-2');
    mkdirSync(join(home, 'data'), { recursive: true });
    const meta = readFileSync(join(first, 'data', 'meta.properties'), 'utf8');
    const ofSecond = meta.replace('node.id=1', 'node.id=2').replace(/^directory\.id=.*\n/m, '');
    writeFileSync(join(home, 'data', 'meta.properties'), ofSecond);
    const port = await choosePort();
    const changed: Record<string, string> = {
      'process.roles': 'broker',
      'node.id': '2',
      listeners: `BROKER://127.0.0.1:${port}`,
      'advertised.listeners': `BROKER://127.0.0.1:${port}`,
      'log.dirs': join(home, 'data'),
    };
    const config = readFileSync(join(first, 'server.properties'), 'utf8').replace(
      /^([^=]+)=.*$/gm,
      (line, name: string) => (changed[name] === undefined ? line : `${name}=${changed[name]}`),
    );
    writeFileSync(join(home, 'server.properties'), config);
    const own = args.filter((arg) => arg !== '' && !/Archive/.test(arg));
    return new SecondBroker(command!, [...own.slice(0, -1), join(home, 'server.properties')], home);
  }

  start(): void {
    this.child = spawn(this.command, this.args, { cwd: this.home, stdio: 'ignore' });
  }

  async kill(): Promise<void> {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('broker-away: a broker that is away with the only copy of a partition keeps no other partition waiting', () => {
  let directory: string;
  let stack: Stack;
  let second: SecondBroker;
  let harness: MessagingHarness;
  let consumer: Messaging;
  let writer: Messaging;
  const handled: string[] = [];
  /** By the node that leads the partition that they go to. */
  const keys: Record<number, string> = {};

  const kafka = (): Kafka =>
    new Kafka({ brokers: stack.addresses.kafkaBrokers, clientId: 'spec', logLevel: logLevel.NOTHING });
  async function ofAdmin<T>(ask: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = kafka().admin();
    await admin.connect();
    return ask(admin).finally(() => admin.disconnect());
  }

  beforeAll(async () => {
    const { PATH, HOME, JAVA_HOME } = process.env;
    directory = mkdtempSync(join(tmpdir(), 'throughline-away-'));
    // A stack of its own, whatever the environment names: one of its brokers is killed.
    stack = await startStack({ directory, env: { PATH, HOME, JAVA_HOME }, parts: ['kafka', 'postgres'] });
    process.env['POSTGRES_URL'] = stack.addresses.postgresAdminUrl;
    process.env['KAFKA_BROKERS'] = stack.addresses.kafkaBrokers.join(',');
    // So that groups are coordinated by the broker that stays.
    await until('the topic of groups is there', () =>
      ofAdmin((admin) => admin.describeGroups(['any'])).then(() => true, () => false),
    ); // prettier-ignore
    second = await SecondBroker.beside(stack, directory);
    second.start();
    await until('there are two brokers', async () => (await ofAdmin((admin) => admin.describeCluster())).brokers.length === 2); // prettier-ignore
  }, 240_000);
  afterAll(async () => {
    await harness?.close();
    await second?.kill();
    await stack?.stop();
    removePostgresData(directory);
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  async function leaders(): Promise<number[]> {
    const topic = harness.topics.nameOf('OrderCancelled');
    const { topics } = await ofAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics[0]!.partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
  }
  async function members(): Promise<string[]> {
    const group = `${harness.topics.kafka.topicPrefix!}${harness.topics.group}`;
    const { groups } = await ofAdmin((admin) => admin.describeGroups([group]));
    return groups[0]!.members.map(({ memberId }) => memberId);
  }
  const write = (key: string, name: string): Promise<void> =>
    writer.transaction(async (tx) => tx.emit([orderCancelled(key, { opportunityId: name })]));
  const has = (name: string) => () => handled.includes(name);
  const place = (leader: number) =>
    consumer.health().partitions.find(({ partition }) => partition === partitionOf[leader])!;
  const partitionOf: Record<number, number> = {};

  it('the others go on, what is not known is told, and all follows once it is back', async () => {
    harness = await messagingHarness(['OrderCancelled'], { partitions: 2 });
    const ledBy = await leaders();
    expect(ledBy.toSorted()).toEqual([1, 2]);
    for (const [partition, node] of ledBy.entries()) partitionOf[node] = partition;
    const routes = (group: string) =>
      defineRoutes({
        group,
        emits: ['OrderCancelled'],
        routes: {
          OrderCancelled: state(async (messages: Message<'OrderCancelled'>[], tx) => {
            tx.onCommit(() => handled.push(...messages.map(({ payload }) => payload.opportunityId)));
          }),
        },
      });
    consumer = await harness.service(routes(harness.topics.group));
    writer = await harness.service(
      defineRoutes({ group: `${harness.topics.group}-writer`, emits: ['OrderCancelled'] }),
      { service: 'writer', database: await harness.otherDatabase() },
    );
    while (!(keys[1] && keys[2])) {
      const [key, before] = [randomUUID(), await harness.topics.ends()];
      await write(key, 'first');
      const grown = async (): Promise<string | undefined> => {
        const after = await harness.topics.ends();
        return Object.keys(after).find((id) => after[id] !== before[id]);
      };
      const id = await until('it is published', grown);
      keys[ledBy[Number(id.split(' ')[1])]!] ??= key;
    }
    await write(keys[1], 'one'); // what is committed by the group tells where it begins
    await write(keys[2], 'two');
    await until('both are handled', () => has('one')() && has('two')());
    await until('all is known', () => consumer.health().partitions.every(({ unknown }) => unknown === undefined));

    const known = await members();
    await second.kill();
    await write(keys[1], 'at once');
    await until('the other partition goes on', has('at once'));
    await until('its leader is gone', async () => (await leaders())[partitionOf[2]!] === -1);
    await until('it is told', () => place(2).unknown === true && consumer.health().waits.length > 0);
    expect(await members()).toEqual(known); // the group is not disturbed
    await write(keys[1], 'later');
    await until('the other partition goes on', has('later'));
    expect(place(1)).not.toHaveProperty('unknown');

    // Also of one that joins now, and has committed nothing.
    const late = await harness.service(routes(`${harness.topics.group}-late`), {
      service: 'late',
      database: await harness.otherDatabase(),
    });
    const before = handled.length;
    await until('it reads what can be read', () => handled.slice(before).includes('later'));
    expect(late.health().partitions.find(({ partition }) => partition === partitionOf[2])!.unknown).toBe(true);

    await write(keys[2], 'waits');
    second.start();
    await until('it follows, and all is known', () => {
      const { partitions, waits } = consumer.health();
      return has('waits')() && waits.length === 0 && partitions.every(({ lagMessages }) => lagMessages === 0);
    });
  });
});
