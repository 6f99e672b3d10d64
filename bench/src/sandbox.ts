import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface SandboxMeasurement {
  deals: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

const DEALS = 200;
const LIMIT_MS = 300_000;

/** The whole product, vendors' HTTP included: the demo without faults, deals closed as fast as the CRM takes them. */
export async function measureSandbox(signal: AbortSignal): Promise<SandboxMeasurement> {
  const cli = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [cli, 'demo', '--deals', String(DEALS), '--per-second', '1000', '--no-faults', '--json'],
    {
      // What started the benchmark is not the demo's parent.
      env: { ...process.env, THROUGHLINE_PARENT_PID: String(process.pid) },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const timer = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearTimeout(timer);
  if (code !== 0)
    throw new Error(`the demo against the sandbox ended with code ${String(code)}; what it said stands above`);
  const { deals, perSecond, p50Ms, p99Ms } = JSON.parse(output) as SandboxMeasurement;
  return { deals, perSecond, p50Ms, p99Ms };
}
