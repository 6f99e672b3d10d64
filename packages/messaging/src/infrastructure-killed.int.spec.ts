import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { removePostgresData, startStack, type Stack } from '@throughline/local-stack';
import { conversation, newKeys, seededRandom, type Conversation } from '@throughline/testing';

jest.setTimeout(240_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);
const KEYS = 20;
const PER_KEY = 25;

describe('infrastructure-killed: kill -9 of PostgreSQL and of the broker loses nothing and repeats nothing', () => {
  let directory: string;
  let stack: Stack;
  let talk: Conversation;

  beforeAll(async () => {
    const { PATH, HOME, JAVA_HOME } = process.env;
    directory = mkdtempSync(join(tmpdir(), 'throughline-killed-'));
    // A stack of its own, whatever the environment names: it loses its parts.
    stack = await startStack({ directory, env: { PATH, HOME, JAVA_HOME }, parts: ['kafka', 'postgres'] });
    process.env['POSTGRES_URL'] = stack.addresses.postgresAdminUrl;
    process.env['KAFKA_BROKERS'] = stack.addresses.kafkaBrokers.join(',');
    talk = await conversation(CHILD);
  });
  afterAll(async () => {
    await talk?.close();
    await stack?.stop();
    removePostgresData(directory);
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('one after the other and both at once, while messages flow', async () => {
    const keys = newKeys(KEYS);
    const random = seededRandom('infrastructure-killed');
    const services = [talk.start('ops', 'ops-1'), talk.start('ledger', 'ledger-1')];
    await Promise.all(services.map((service) => service.said('ready')));
    const writing = talk.write(keys, PER_KEY, 100);
    for (const parts of [['postgres'], ['kafka'], ['postgres', 'kafka']] as const) {
      await sleep(300 + random() * 700);
      await Promise.all(parts.map((part) => stack.parts[part]!.kill('SIGKILL')));
      await Promise.all(parts.map((part) => stack.parts[part]!.start()));
    }
    await writing;
    const { vendor, ledger, deadLetters } = await talk.outcome(keys, PER_KEY, 90_000);
    const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(vendor.get(key)).toEqual(once);
      expect(ledger.get(key)).toEqual(once);
    }
    expect(deadLetters).toBe(0);
  });
});
