import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startStack, type Stack } from '@throughline/local-stack';
import { conversation, newKeys, until, type Conversation } from '@throughline/testing';

jest.setTimeout(240_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);
const KEYS = 20;
const PER_KEY = 25;
const DISK_MB = 320;
const FULL_MS = 4_000;

const directory = mkdtempSync(join(tmpdir(), 'throughline-disk-'));
const hasDisk = mount(directory);

describe('disk-full: PostgreSQL without space makes everything wait, and nothing is lost or repeated', () => {
  let stack: Stack | undefined;
  let talk: Conversation | undefined;

  beforeAll(async () => {
    if (!hasDisk) return;
    const { PATH, HOME } = process.env;
    stack = await startStack({
      directory,
      env: { PATH, HOME },
      parts: ['postgres'],
      // PostgreSQL itself may fall over when its log cannot grow; whoever supervises it starts it again until there is space.
      onPartExit: ({ restart }) => void startAgain(restart),
    });
    process.env['POSTGRES_URL'] = stack.addresses.postgresAdminUrl;
    talk = await conversation(CHILD);
  });
  afterAll(async () => {
    await talk?.close();
    await stack?.stop();
    if (hasDisk) execFileSync('umount', ['--lazy', directory]);
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  (hasDisk ? it : it.skip)(
    hasDisk
      ? 'and goes on by itself when there is space again'
      : 'not tested here: to mount a disk takes root on Linux',
    async () => {
      const keys = newKeys(KEYS);
      // All commands wait in Kafka before anybody works on them, so that there is work to do without space.
      await talk!.start('ledger', 'ledger-1').said('ready');
      await talk!.write(keys, PER_KEY, 0);
      await talk!.start('ops', 'ops-1').said('ready');
      await until('messages flow', async () => (await ledgerRows()) > KEYS, { everyMs: 5 });
      const ballast = join(directory, 'ballast');
      fill(ballast);
      await until('PostgreSQL finds no space', async () => {
        const growing = talk!.harness.rows(
          `CREATE TABLE grows AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)`,
        );
        const code: unknown = await growing.then(
          () => undefined,
          (error: { code?: unknown }) => error.code,
        );
        if (code === undefined) await talk!.harness.rows('DROP TABLE grows');
        return code !== undefined;
      });
      const before = await ledgerRows().catch(() => -1);
      await sleep(FULL_MS);
      rmSync(ballast);
      const { vendor, ledger, deadLetters } = await talk!.outcome(keys, PER_KEY, 90_000);
      const once = Array.from({ length: PER_KEY }, (_, i) => i + 1);
      for (const key of keys) {
        expect(vendor.get(key)).toEqual(once);
        expect(ledger.get(key)).toEqual(once);
      }
      expect(deadLetters).toBe(0);
      expect(before).toBeLessThan(KEYS * PER_KEY);
    },
  );

  const ledgerRows = async (): Promise<number> =>
    (await talk!.harness.rows<{ n: number }>('SELECT count(*)::int AS n FROM ledger'))[0]!.n;
});

/** A small disk of its own, in memory. False where this user or this system cannot. */
function mount(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=755`, 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Takes all the space there is. */
function fill(file: string): void {
  for (let piece = Buffer.alloc(1 << 20); piece.length > 0; piece = piece.subarray(0, piece.length >> 1)) {
    try {
      for (;;) appendFileSync(file, piece);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }
}

async function startAgain(restart: () => Promise<void>): Promise<void> {
  while (
    !(await restart().then(
      () => true,
      () => false,
    ))
  )
    await sleep(500);
}
