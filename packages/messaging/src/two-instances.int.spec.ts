import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { conversation, newKeys, type Conversation } from '@throughline/testing';

jest.setTimeout(180_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);
const PER_KEY = 40;

describe('two-instances: share the work, also while partitions move', () => {
  let talk: Conversation;
  beforeAll(async () => {
    talk = await conversation(CHILD);
  });
  afterAll(() => talk.close());

  it('joining, leaving and dying in the middle of batches changes neither count nor order', async () => {
    const keys = newKeys(20);
    const ledger = [talk.start('ledger', 'ledger-1'), talk.start('ledger', 'ledger-2')];
    const ops = [talk.start('ops', 'ops-1')];
    await Promise.all([...ledger, ...ops].map((child) => child.said('ready')));
    const writing = talk.write(keys, PER_KEY, 100);
    const second = talk.start('ops', 'ops-2'); // joins: partitions move while they are read
    await second.said('ready');
    await ops[0]!.kill(); // dies as the relay's leader and owner of partitions and leases
    await ledger[0]!.kill();
    const third = talk.start('ops', 'ops-3');
    await third.said('ready');
    await writing;
    const outcome = await talk.outcome(keys, PER_KEY, 90_000);
    const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(outcome.vendor.get(key)).toEqual(once);
      expect(outcome.ledger.get(key)).toEqual(once);
    }
    expect(outcome.deadLetters).toBe(0);
  });
});
