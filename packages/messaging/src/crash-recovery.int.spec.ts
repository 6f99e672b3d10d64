import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { conversation, newKeys, seededRandom, type ChildProgram, type Conversation } from '@throughline/testing';

jest.setTimeout(180_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);
const KEYS = 20;
const PER_KEY = 30;
const KILLS = 6;

describe('crash-recovery: kill -9 at any moment loses nothing and repeats nothing', () => {
  let talk: Conversation;
  beforeAll(async () => {
    talk = await conversation(CHILD);
  });
  afterAll(() => talk.close());

  it('of either service, again and again, while messages flow', async () => {
    const keys = newKeys(KEYS);
    const random = seededRandom('crash-recovery');
    const services = { ops: talk.start('ops', 'ops-1'), ledger: talk.start('ledger', 'ledger-1') };
    await Promise.all([services.ops.said('ready'), services.ledger.said('ready')]);
    const writing = talk.write(keys, PER_KEY, 150);
    for (let kill = 0; kill < KILLS; kill++) {
      const role = kill % 2 === 0 ? 'ops' : 'ledger';
      const child: ChildProgram = services[role];
      await new Promise((resolve) => setTimeout(resolve, 200 + random() * 500));
      await child.kill();
      services[role] = talk.start(role, `${role}-1`);
      await services[role].said('ready');
    }
    await writing;
    const { vendor, ledger, deadLetters } = await talk.outcome(keys, PER_KEY, 60_000);
    const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(vendor.get(key)).toEqual(once);
      expect(ledger.get(key)).toEqual(once);
    }
    expect(deadLetters).toBe(0);
  });
});
