import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Generated once per installation (a stack's directory), readable by its owner alone. */
export interface Secrets {
  postgresPassword: string;
  registryPassword: string;
  /** Tells two installations apart where they share a server. */
  installationId: string;
}

export function loadSecrets(directory: string): Secrets {
  const file = join(directory, 'secrets.json');
  if (!existsSync(file)) {
    const secrets: Secrets = {
      postgresPassword: randomBytes(24).toString('hex'),
      registryPassword: randomBytes(24).toString('hex'),
      installationId: randomBytes(4).toString('hex'),
    };
    const unfinished = `${file}.${process.pid}`;
    writeFileSync(unfinished, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    try {
      linkSync(unfinished, file);
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
}
