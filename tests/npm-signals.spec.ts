import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Nobody answers there: a start with these asks for some seconds, and starts nothing of its own. */
const NOWHERE = {
  KAFKA_BROKERS: '127.0.0.1:1',
  POSTGRES_URL: 'postgres://ada:lovelace@127.0.0.1:1/postgres',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:2',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:2',
};

it('a SIGINT that reaches npm alone ends npm start', async () => {
  const home = mkdtempSync(join(tmpdir(), 'throughline-signals-'));
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, THROUGHLINE_HOME: home, ...NOWHERE };
  const npm = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let said = '';
    npm.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes('Local stack')) await once(npm.stderr, 'data');
    npm.kill('SIGINT');
    await once(npm, 'close');
    expect(said).toContain('error interrupted');
    expect(said).not.toContain('no answer');
  } finally {
    npm.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
});
