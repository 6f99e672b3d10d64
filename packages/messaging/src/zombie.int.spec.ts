import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { conversation, newKeys, until, type Conversation } from '@throughline/testing';

jest.setTimeout(180_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);
const KEYS = 20;
const PER_KEY = 30;
/** So many for each key are written before anybody stands still; the rest comes afterwards, however slow the machine. */
const BEFORE = 15;
/** Longer than a session, a lease of the lead and a sign of life last in the child. */
const FROZEN_MS = 8_000;

describe('zombie: an instance that stood still until everything of its was taken over doubles nothing when it goes on', () => {
  let talk: Conversation;
  beforeAll(async () => {
    // A call that stood still before it was sent is sent in the end: only the vendor can tell it from its successor's.
    talk = await conversation(CHILD, {}, { vendorKeepsKeys: true });
  });
  afterAll(() => talk.close());

  it('SIGSTOP in the middle of everything, SIGCONT after its session, its leases and its lead are somebody else’s', async () => {
    const keys = newKeys(KEYS);
    const first = { ops: talk.start('ops', 'ops-1'), ledger: talk.start('ledger', 'ledger-1') };
    await Promise.all([first.ops.said('ready'), first.ledger.said('ready')]);
    const second = { ops: talk.start('ops', 'ops-2'), ledger: talk.start('ledger', 'ledger-2') };
    await Promise.all([second.ops.said('ready'), second.ledger.said('ready')]);

    const before = talk.write(keys, BEFORE, 400);
    await until('messages flow', async () => (await ledgerRows()) > KEYS);
    // Both first instances lead, lease and read; nobody tells the others that they stand still.
    first.ops.freeze();
    first.ledger.freeze();
    const after = before.then(() => talk.write(keys, PER_KEY, 800, BEFORE + 1));
    await sleep(FROZEN_MS);
    await until('the others went on alone', async () => (await ledgerRows()) > BEFORE * KEYS, { timeoutMs: 60_000 });
    first.ops.thaw();
    first.ledger.thaw();
    await after;

    const { vendor, ledger, deadLetters } = await talk.outcome(keys, PER_KEY, 60_000);
    const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
    for (const key of keys) {
      expect(vendor.get(key)).toEqual(once);
      expect(ledger.get(key)).toEqual(once);
    }
    expect(deadLetters).toBe(0);
    // Nothing of what the zombies still had in memory comes late.
    await sleep(1_500);
    expect(await ledgerRows()).toBe(KEYS * PER_KEY);
  });

  const ledgerRows = async (): Promise<number> =>
    (await talk.harness.rows<{ n: number }>('SELECT count(*)::int AS n FROM ledger'))[0]!.n;
});
