import { identityOf, isAlive, type ProcessIdentity } from '@throughline/local-stack';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout this command line belongs to. */
export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Generated once per installation; never printed, never committed. */
export interface Secrets {
  /** What each role's database password is derived from. */
  databaseSecret: string;
  hubspotAccessToken: string;
  hubspotClientSecret: string;
  stripeSecretKey: string;
  stripeWebhookSecret: string;
  medusaApiKey: string;
}

/** Where a running `throughline start` can be reached; read by the commands that talk to it. */
export interface Running extends ProcessIdentity {
  startedAt: string;
  services: Record<string, string[]>;
  viewerUrl: string;
  registryUrl: string;
  kafkaBrokers: string[];
}

/** One installation: a directory with the data, logs and secrets of one local stack. */
export class Installation {
  constructor(readonly directory: string = join(projectRoot, '.throughline')) {
    mkdirSync(directory, { recursive: true });
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  get secretsFile(): string {
    return this.path('secrets.json');
  }

  /** Reads the secrets, or generates them the first time; one that a newer release added is generated when it is first asked for. */
  secrets(): Secrets {
    const file = this.path('secrets.json');
    const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
    const secrets: Secrets = { ...generateSecrets(), ...known };
    if (Object.keys(known).length < Object.keys(secrets).length) writeAside(file, secrets);
    return secrets;
  }

  saveRunning(running: Omit<Running, keyof ProcessIdentity>): void {
    writeAside(this.path('running.json'), { ...identityOf(process.pid)!, ...running } satisfies Running);
  }

  clearRunning(): void {
    rmSync(this.path('running.json'), { force: true });
  }

  /** The running start, or `undefined`: a file left behind by a launcher that was killed does not count, whoever has its pid now. */
  running(): Running | undefined {
    const file = this.path('running.json');
    if (!existsSync(file)) return undefined;
    const running = JSON.parse(readFileSync(file, 'utf8')) as Running;
    return isAlive(running) ? running : undefined;
  }
}

function generateSecrets(): Secrets {
  return {
    databaseSecret: secret(),
    hubspotAccessToken: `pat-local-${secret()}`,
    hubspotClientSecret: secret(),
    stripeSecretKey: `sk_test_${secret()}`,
    stripeWebhookSecret: `whsec_${secret()}`,
    medusaApiKey: `sk_${secret()}`,
  };
}

function secret(): string {
  return randomBytes(24).toString('hex');
}

/** Written aside and renamed, so that a crash leaves the old file or the new one, never half of one. */
function writeAside(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
