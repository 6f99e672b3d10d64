import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../apps/cli/dist/main.js', import.meta.url));
const LIMIT_MS = 420_000;
const DEALS = 36;

/** A stack of its own: this one loses its broker. */
const ADDRESSES = [
  'KAFKA_BROKERS',
  'POSTGRES_URL',
  'SCHEMA_REGISTRY_URL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'TRACE_VIEWER_URL',
  'NODE_OPTIONS',
];

function runDemo(home: string, seed: number): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ADDRESSES.includes(name)));
  const child = spawn(
    process.execPath,
    [cli, 'demo', '--deals', String(DEALS), '--kill', 'all', '--seed', String(seed), '--json'],
    {
      env: { ...env, THROUGHLINE_HOME: home, THROUGHLINE_PARENT_PID: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('demo --kill all', () => {
  it(
    'loses nothing and doubles nothing while every service, the sandbox and the broker is killed once',
    async () => {
      const home = mkdtempSync(join(tmpdir(), 'throughline-kill-'));
      const { code, stdout, stderr } = await runDemo(home, 4711);
      const lines = stdout.trim().split('\n');
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      expect(lines).toHaveLength(1);
      const line = JSON.parse(lines[0]!) as { kills: { target: string; inFlight: number }[] };
      expect(line).toMatchObject({
        deals: DEALS,
        completed: DEALS,
        orders: DEALS,
        invoices: DEALS,
        schedules: DEALS,
        writtenBack: DEALS,
        duplicates: 0,
        lost: 0,
        seed: 4711,
      });
      expect(line.kills.map(({ target }) => target).sort()).toEqual([
        'broker',
        'finance-adapter',
        'ops-adapter',
        'orchestrator',
        'revenue-adapter',
        'sandbox',
      ]);
      expect(Math.min(...line.kills.map(({ inFlight }) => inFlight))).toBeGreaterThanOrEqual(5);
      rmSync(home, { recursive: true, force: true });
    },
    LIMIT_MS,
  );
});
