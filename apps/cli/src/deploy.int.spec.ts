import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { runNamespace, stackAddress } from '@throughline/testing';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

jest.setTimeout(60_000);

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = join(PACKAGE, 'dist/main.js');
const home = mkdtempSync(join(tmpdir(), 'throughline-deploy-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('throughline deploy --json', () => {
  it('says on standard output what it created, in one line, and nothing else', async () => {
    const parts = {
      KAFKA_BROKERS: stackAddress('kafkaBrokers').join(','),
      SCHEMA_REGISTRY_URL: stackAddress('schemaRegistryUrl'),
    };
    const first = await deploy(parts);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^\{"databases":0,"schemas":\d+,"createdTopics":\[.*\}\n$/);
    expect(JSON.parse((await deploy(parts)).stdout)).toMatchObject({ createdTopics: [], differences: [] });
  });

  it('touches nothing where a part does not answer, and names the variable and the next step', async () => {
    const refused = await deploy({
      KAFKA_BROKERS: '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: stackAddress('schemaRegistryUrl'),
    });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^error KAFKA_BROKERS=127\.0\.0\.1:1: no answer within 10 s \(.*ECONNREFUSED/);
    expect(refused.stderr).toMatch(/Next step: start it or correct the address/);
    expect(refused.stderr).not.toMatch(/ {4}at /);
  });

  it('leaves to standard error what the Kafka client has to say', async () => {
    const program = `import { ensureTopics } from '@throughline/messaging';
      await ensureTopics({ brokers: ['127.0.0.1:1'], clientId: 'spec' }, []);`;
    const said = await run(['--input-type=module', '--eval', program], { PATH: process.env['PATH'] });
    expect(said).toMatchObject({ code: 1, stdout: '' });
    expect(said.stderr).toMatch(/kafka Connection: .*ECONNREFUSED/);
  });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function deploy(parts: Record<string, string>): Promise<Ended> {
  const env = { PATH: process.env['PATH'], THROUGHLINE_HOME: home, THROUGHLINE_NAMESPACE: runNamespace, ...parts };
  return run([PROGRAM, 'deploy', '--json'], env);
}

function run(args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: PACKAGE, env, timeout: 40_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
