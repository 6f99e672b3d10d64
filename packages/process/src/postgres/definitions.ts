import type { Queryable } from '@throughline/postgres';
import { ProcessError } from '../errors.js';
import type { Process } from '../process.js';
import { START } from '../waits.js';

/** Turns a definition as it was written into one that can run; throws where this build does not understand it. */
export type Compile = (data: unknown) => Process;

const insert = {
  name: 'process-insert-definitions',
  text: `
    INSERT INTO process_definition (process, version, definition)
    SELECT process, version, definition::jsonb
    FROM unnest($1::text[], $2::int[], $3::text[]) AS shipped(process, version, definition)
    ON CONFLICT DO NOTHING`,
};

const selectChanged = {
  name: 'process-select-changed-definitions',
  text: `
    SELECT stored.process, stored.version
    FROM unnest($1::text[], $2::int[], $3::text[]) AS shipped(process, version, definition)
    JOIN process_definition stored USING (process, version)
    WHERE stored.definition <> shipped.definition::jsonb`,
};

const selectAll = {
  name: 'process-select-definitions',
  text: `SELECT process, version FROM process_definition WHERE process = ANY($1::text[])`,
};

const selectOne = {
  name: 'process-select-definition',
  text: `SELECT definition FROM process_definition WHERE process = $1 AND version = $2`,
};

/**
 * The definitions a runner may meet: those it was started with, and older or newer versions from the database, because other
 * releases of the service have pinned instances to them.
 */
export class Definitions {
  private readonly active = new Map<string, Process>();
  private readonly known = new Map<string, Process>();

  constructor(
    shipped: Process[],
    private readonly compile: Compile,
  ) {
    for (const process of shipped) {
      this.known.set(keyOf(process.name, process.version), process);
      const newest = this.active.get(process.name);
      if (!newest || newest.version < process.version) this.active.set(process.name, process);
    }
  }

  /** The newest shipped version of each process: what new instances start on. */
  get processes(): Process[] {
    return [...this.active.values()];
  }

  /** Every known version of every process. */
  get all(): Process[] {
    return [...this.known.values()];
  }

  /** Event types that any known version of the process takes: an old instance still gets what only it waits for. */
  takes(name: string, eventType: string): boolean {
    return [...this.known.values()].some((process) => process.name === name && process.events.has(eventType));
  }

  /** Steps that somebody answers for in any known version, and the start of processes that are theirs. */
  stepsOf(owner: string): string[] {
    const steps = [...this.known.values()].flatMap((process) => [
      ...(process.owner === owner ? [START] : []),
      ...process.steps.filter((step) => step.owner === owner).map(({ name }) => name),
    ]);
    return [...new Set(steps)];
  }

  activeOf(name: string): Process {
    return this.active.get(name)!;
  }

  /**
   * Makes the shipped definitions known to the database, and the stored ones to this runner.
   * Throws `PROCESS_DEFINITION_CHANGED` when one of them was edited without a new version: its instances would change under way.
   */
  async store(database: Queryable): Promise<void> {
    const shipped = [...this.known.values()];
    const columns = [
      shipped.map(({ name }) => name),
      shipped.map(({ version }) => version),
      shipped.map(({ source }) => JSON.stringify(source)),
    ];
    await database.query(insert, columns);
    const [changed] = await database.query<{ process: string; version: number }>(selectChanged, columns);
    if (changed) {
      throw new ProcessError(
        'PROCESS_DEFINITION_CHANGED',
        `Process ${changed.process} version ${changed.version} differs from the one instances were started on; give the change version ${changed.version + 1}.`,
      );
    }
    const stored = await database.query<{ process: string; version: number }>(selectAll, [[...this.active.keys()]]);
    const older = stored.filter(({ process, version }) => version < this.activeOf(process).version);
    for (const { process, version } of older) await this.load(database, process, version);
  }

  async load(database: Queryable, name: string, version: number): Promise<Process> {
    const known = this.known.get(keyOf(name, version));
    if (known) return known;
    const [row] = await database.query<{ definition: unknown }>(selectOne, [name, version]);
    try {
      if (!row) throw new Error('the database holds no such version');
      const process = this.compile(row.definition);
      this.known.set(keyOf(name, version), process);
      return process;
    } catch (cause) {
      // Another release of the service wrote it; it can wait for one that understands it.
      throw new ProcessError(
        'PROCESS_VERSION_UNKNOWN',
        `An instance runs on ${name} version ${version}, which this release cannot run: ${(cause as Error).message}. Upgrade this instance of the service.`,
        { retry: 'later', cause },
      );
    }
  }
}

const keyOf = (name: string, version: number): string => `${name}/${version}`;
