/**
 * The orchestrator's work without what brings it: batches of events through the process runner, each in a transaction of its own, and
 * due timers after each. Run as `node dist/batches.js`; the parent prepares a run, looks at the CPU, and lets it go over the IPC channel.
 */
import { canonicalId, catalog } from '@throughline/contracts';
import { Database, type Statement, type Tx } from '@throughline/postgres';
import { compileDefinition, parseDefinition, type ProcessEvent } from '@throughline/process';
import { ProcessRunner } from '@throughline/process/postgres';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { answersTo, startOf } from './process-events.js';

/** One run, in virtual time: `processes` new instances are started, and as many that are open already are brought to their end. */
export interface BatchRun {
  run: string;
  processes: number;
  /** Keys of the open ones; where there are fewer, fewer are brought to their ends. */
  open: string[];
  /** The clock goes from one to the other, by equal steps; due timers fire on the way. */
  from: string;
  to: string;
}

export interface BatchFigures {
  events: number;
  timers: number;
  batches: number;
  /** Statements of the batch that needed most, BEGIN and COMMIT apart. */
  statementsPerBatch: number;
  seconds: number;
}

/** Of each kind of event in a batch: five kinds make the 500 that the service takes at most. */
const OF_EACH = 100;
/** As shipped. */
const TIMER_BATCH = 500;

const database = await Database.connect({ url: process.env['DATABASE_URL']!, applicationName: 'bench-batches' });
const definition = parse(readFileSync(new URL('../processes/four-steps.yaml', import.meta.url), 'utf8')) as unknown;
const runner = new ProcessRunner(
  [
    compileDefinition(parseDefinition(definition), {
      messages: catalog,
      assignId: (correlationId, field) => canonicalId(correlationId, field),
    }),
  ],
  () => {
    throw new Error('the benchmark knows one definition');
  },
);
await runner.storeDefinitions(database);

let prepared: { batches: ProcessEvent[][]; run: BatchRun } | undefined;
process.on('message', (message: { prepare?: BatchRun; go?: true }) => {
  if (message.prepare) {
    prepared = { batches: batchesOf(message.prepare), run: message.prepare };
    // What the preparation left behind is not part of the run.
    globalThis.gc?.();
    process.send!('prepared');
  }
  if (message.go) void work(prepared!.batches, prepared!.run).then((figures) => process.send!(figures));
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');

/** Starts and first answers of new instances, the other answers of open ones: the kinds mixed, as they come over the bus. */
function batchesOf({ run, processes, open, from }: BatchRun): ProcessEvent[][] {
  const chunks = Math.ceil(processes / OF_EACH);
  const batches: ProcessEvent[][] = Array.from({ length: chunks + 1 }, () => []);
  for (let index = 0; index < processes; index += 1) {
    const batch = Math.floor(index / OF_EACH);
    const start = startOf(run, index, from);
    const [created] = answersTo(start);
    batches[batch]!.push(start);
    batches[batch + 1]!.push(created!);
    if (!open[index]) continue;
    const [, provisioned, issued, recorded] = answersTo(startOf(run, index, from, open[index]));
    batches[batch]!.push(provisioned!, issued!);
    batches[batch + 1]!.push(recorded!);
  }
  return batches;
}

async function work(batches: ProcessEvent[][], { from, to }: BatchRun): Promise<BatchFigures> {
  const figures = { events: 0, timers: 0, batches: batches.length, statementsPerBatch: 0 };
  const [startMs, endMs] = [Date.parse(from), Date.parse(to)];
  const begin = performance.now();
  for (const [index, events] of batches.entries()) {
    const now = new Date(startMs + ((endMs - startMs) * (index + 1)) / batches.length);
    let statements = 0;
    const counted = (tx: Tx): Tx => ({
      query: <R extends object>(statement: Statement, values?: unknown[]) => {
        statements += 1;
        return tx.query<R>(statement, values);
      },
    });
    const batch = await database.transaction((tx) => runner.runBatch(counted(tx), events, now, () => undefined));
    batch.committed();
    figures.events += events.length;
    figures.statementsPerBatch = Math.max(figures.statementsPerBatch, statements);
    let looked: number;
    do {
      const look = await database.transaction((tx) => runner.runDueTimers(tx, now, TIMER_BATCH, () => undefined));
      looked = look.looked;
      figures.timers += look.fired;
    } while (looked === TIMER_BATCH);
  }
  return { ...figures, seconds: (performance.now() - begin) / 1_000 };
}
