import { choosePort } from '@throughline/local-stack';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testDatabase } from './database.js';

const MAIN = fileURLToPath(new URL('../../../apps/sandbox/dist/main.js', import.meta.url));
const READY_TIMEOUT_MS = 60_000;

/** What the sandbox and the service under test must agree on. */
const SECRETS = {
  HUBSPOT_ACCESS_TOKEN: 'pat-spec',
  HUBSPOT_CLIENT_SECRET: 'hubspot-spec-secret',
  STRIPE_SECRET_KEY: 'sk_test_spec',
  STRIPE_WEBHOOK_SECRET: 'whsec_spec',
  MEDUSA_API_KEY: 'sk_medusa_spec',
};

export interface RunningSandbox {
  url: string;
  secrets: typeof SECRETS;
  /** Calls the control API; the answer's JSON. */
  control<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Replaces all faults by these; none removes them. */
  faults(...faults: object[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The three vendors in miniature, as a process of their own with a database of their own, as `npm start` runs it. Needs the build.
 *
 * @param env more of its environment, for example `STRIPE_WEBHOOK_URLS`
 */
export async function startSandbox(env: Record<string, string> = {}): Promise<RunningSandbox> {
  const database = await testDatabase([]);
  const port = await choosePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = { ...SECRETS, PORT: String(port), DATABASE_URL: database.url, LOG_LEVEL: 'warn', ...env };
  await exitOf(run(settings, ['migrate']), 'migrate');
  const child = run(settings, []);
  await ready(child, url);

  const control = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} of the sandbox: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  return {
    url,
    secrets: SECRETS,
    control,
    faults: (...faults) => control('PUT', '/sandbox/faults', { seed: 1, faults }),
    async stop() {
      const ended = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await database.drop();
    },
  };
}

function run(env: Record<string, string>, args: string[]): ChildProcess {
  const { PATH } = process.env;
  return spawn(process.execPath, [MAIN, ...args], { env: { PATH, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function exitOf(child: ChildProcess, what: string): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The sandbox's ${what} ended with ${code}: run "npm run build" and look above.`);
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  const until = Date.now() + READY_TIMEOUT_MS;
  while (child.exitCode === null && Date.now() < until) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`The sandbox was not ready in time at ${url}: run "npm run build" and look above.`);
}
