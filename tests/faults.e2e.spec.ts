import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TimelineEntry } from './faults/run.js';

const suite = fileURLToPath(new URL('../scripts/faults.mjs', import.meta.url));
const SEED = 4711;
const MINUTES = 2;
const LIMIT_MS = 600_000;

interface Line {
  ok: boolean;
  seed: number;
  deals: number;
  faults: number;
  timeline: TimelineEntry[];
  problems: string[];
}

it(
  'loses nothing, doubles nothing and keeps the order while everything is killed, paused, cut off, misled and poisoned',
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'throughline-faults-'));
    const child = spawn(process.execPath, [suite, '--seed', String(SEED), '--minutes', String(MINUTES), '--json'], {
      env: { ...process.env, NODE_OPTIONS: '', THROUGHLINE_HOME: home, THROUGHLINE_PARENT_PID: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const line = JSON.parse(stdout.trim()) as Line;
    expect(line).toMatchObject({ ok: true, seed: SEED, problems: [] });
    expect(line.deals).toBeGreaterThanOrEqual(5 * line.faults);
    expect(new Set(line.timeline.map(({ what }) => what.split(' ')[0]))).toEqual(
      new Set(['kill', 'pause', 'network', 'webhooks', 'vendors', 'poison']),
    );
    expect(Math.min(...line.timeline.map(({ inFlight }) => inFlight))).toBeGreaterThanOrEqual(5);
    const other = Math.floor(Math.random() * 2 ** 32);
    process.stderr.write(`Another seed: npm run test:faults -- --seed ${other} --minutes ${MINUTES}\n`);
    rmSync(home, { recursive: true, force: true });
  },
  LIMIT_MS,
);
