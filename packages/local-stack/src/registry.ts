import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from './cache.js';
import { type ClassArchive, classArchive } from './class-archive.js';
import { jvmEnvironment, jvmFlags } from './java.js';
import { checksumMismatch } from './kafka.js';
import { downloadArtifacts } from './maven.js';
import type { PartContext, PartSpec } from './part.js';
import type { RegistryDatabase } from './registry-database.js';
import { spawnService } from './supervise.js';
import { httpGet } from './wait-for.js';

// The newest that runs on Java 17: 3.1 and later are compiled for 21.
const version = '3.0.9';
const digest = '2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43';

export const confluentApi = '/apis/ccompat/v7';

/** Apicurio Registry with its schemas in PostgreSQL, so that ids outlive restarts: Kafka keeps bytes that name them. */
export function registryPart(
  context: PartContext,
  database: () => Promise<RegistryDatabase>,
): PartSpec & { ports: { http: number } } {
  const ports = { http: 0 };
  let part = '';
  let archive: ClassArchive | undefined;
  return {
    name: 'registry',
    title: `Apicurio Registry ${version}`,
    ports,
    readyTimeoutMs: 90_000,
    // The first run writes its class archive while it ends.
    stopGraceMs: 90_000,
    stopNote: () => archive?.stopNote,
    async install() {
      part = await context.ensurePart(`apicurio-registry-${version}`, async (target, scratch, maven) => {
        const downloads = await downloadArtifacts(
          {
            name: 'registry',
            title: 'Apicurio Registry',
            artifact: `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`,
          },
          scratch,
          maven,
        );
        const archive = join(downloads, readdirSync(downloads)[0] ?? '');
        const found = await sha256(archive);
        if (found !== digest) throw checksumMismatch('Apicurio Registry', digest, found);
        await promisify(execFile)('tar', ['-xzf', archive, '-C', target, '--no-same-owner'], { timeout: 120_000 });
      });
    },
    async launch() {
      const java = await context.java();
      const classes = (archive = classArchive(part, java));
      const { jdbcUrl, user, password } = await database();
      const registry = await spawnService({
        name: 'the schema registry',
        command: java.command,
        args: [
          ...jvmFlags(256),
          ...classes.flags,
          '-Dquarkus.http.host=127.0.0.1',
          `-Dquarkus.http.port=${ports.http}`,
          '-Dquarkus.management.host=127.0.0.1',
          '-Dquarkus.http.access-log.enabled=false',
          '-jar',
          join(part, `apicurio-registry-app-${version}-runner.jar`),
        ],
        env: {
          ...jvmEnvironment(context.env),
          APICURIO_STORAGE_KIND: 'sql',
          APICURIO_STORAGE_SQL_KIND: 'postgresql',
          APICURIO_DATASOURCE_URL: jdbcUrl,
          APICURIO_DATASOURCE_USERNAME: user,
          APICURIO_DATASOURCE_PASSWORD: password,
          // How many connections it holds of the ones PostgreSQL has.
          APICURIO_DATASOURCE_JDBC_INITIAL_SIZE: '2',
          APICURIO_DATASOURCE_JDBC_MIN_SIZE: '2',
          APICURIO_DATASOURCE_JDBC_MAX_SIZE: '10',
        },
        cwd: context.directory,
        logFile: join(context.logDirectory, 'registry.log'),
        pidFile: join(context.pidDirectory, 'registry.json'),
      });
      classes.keepAfter(registry);
      return registry;
    },
    ask: (signal) => httpGet(`http://127.0.0.1:${ports.http}${confluentApi}/subjects`, signal),
  };
}
