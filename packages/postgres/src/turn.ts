import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import pg from 'pg';
import type { Statement } from './database.js';

/** A statement of a turn, and whoever waits for its answer. */
export interface Asked {
  statement: Statement;
  values: unknown[];
  resolve: (result: pg.QueryResult) => void;
  reject: (error: Error) => void;
}

/** SQLSTATE in_failed_sql_transaction: what follows a failure says only so. */
export const IN_FAILED_TRANSACTION = '25P02';

/** What of a connection of pg its types do not show. */
interface Connection {
  stream: Writable;
  parsedStatements: Record<string, string | undefined>;
  submittedNamedStatements: Record<string, string | undefined>;
  parse(query: { name: string; text: string }): void;
  bind(config: { statement: string; values: unknown[] }): void;
  describe(message: { type: 'P'; name: '' }): void;
  execute(config: { portal: '' }): void;
  sync(): void;
}

interface Result extends pg.QueryResult {
  addFields(fields: unknown[]): void;
  parseRow(fields: unknown[]): object;
  addRow(row: object): void;
  addCommandComplete(message: unknown): void;
}

const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  prepareValue: (value: unknown) => unknown;
};
const ResultOf = (pg as unknown as { Result: new () => Result }).Result;

/**
 * The statements of one turn of the event loop, sent in one write with one Sync behind the last: the server answers all of them at
 * once, and where one fails it skips the rest. So BEGIN may lead and COMMIT may end them: neither can fail alone. A write, a wake-up of
 * the server and an answer each cost more than most statements do.
 */
export class Turn extends pg.Query {
  /** Of the statement that is being answered; pg notes by them what has been parsed. */
  declare name: string;
  declare text: string;
  /** Called once with the end of all; pg adds its time limit here. */
  callback: (error?: Error) => void = () => undefined;
  private answered = 0;
  private result: Result;

  /**
   * @param ownTransaction one statement without BEGIN and COMMIT: its rows come before it commits, at the Sync. A server that is told to
   *   stop in between sends them and commits nothing, so the answer is held back until the server is ready for the next.
   */
  constructor(
    private readonly asked: Asked[],
    private readonly ownTransaction = false,
  ) {
    super('');
    this.result = new ResultOf();
    this.next();
  }

  /** Sends all of it, or returns why nothing of it can be sent. */
  override submit = (to: unknown): Error | null => {
    const connection = to as Connection;
    try {
      const bound = this.asked.map(({ statement, values }) => {
        assertOneText(connection, statement);
        return { statement, values: values.map(prepareValue) };
      });
      connection.stream.cork();
      for (const { statement, values } of bound) send(connection, statement, values);
      connection.sync();
      connection.stream.uncork();
      return null;
    } catch (error) {
      return error as Error;
    }
  };

  handleRowDescription({ fields }: { fields: unknown[] }): void {
    this.result.addFields(fields);
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    this.result.addRow(this.result.parseRow(fields));
  }

  handleCommandComplete(message: unknown): void {
    this.result.addCommandComplete(message);
    if (!this.ownTransaction) this.answer();
  }

  handleError(error: Error, to: unknown): void {
    const { submittedNamedStatements } = to as Connection;
    const unanswered = this.asked.slice(this.answered);
    for (const { statement } of unanswered) delete submittedNamedStatements[statement.name];
    const [failed, ...skipped] = unanswered;
    failed?.reject(error);
    for (const { reject } of skipped) reject(skippedAfter(error));
    this.callback(error);
  }

  handleReadyForQuery(): void {
    if (this.ownTransaction && this.answered < this.asked.length) this.answer();
    this.callback();
  }

  private answer(): void {
    this.asked[this.answered]!.resolve(this.result);
    this.answered++;
    this.result = new ResultOf();
    this.next();
  }

  private next(): void {
    const { name, text } = this.asked[this.answered]?.statement ?? { name: '', text: '' };
    this.name = name;
    this.text = text;
  }
}

function send(connection: Connection, { name, text }: Statement, values: unknown[]): void {
  if (textOf(connection, name) === undefined) {
    connection.parse({ name, text });
    connection.submittedNamedStatements[name] = text;
  }
  connection.bind({ statement: name, values });
  connection.describe({ type: 'P', name: '' });
  connection.execute({ portal: '' });
}

function assertOneText(connection: Connection, { name, text }: Statement): void {
  if ((textOf(connection, name) ?? text) !== text) {
    throw new Error(`Two statements are named "${name}": a name stands for one text.`);
  }
}

function textOf({ parsedStatements, submittedNamedStatements }: Connection, name: string): string | undefined {
  return parsedStatements[name] ?? submittedNamedStatements[name];
}

function skippedAfter(cause: Error): Error {
  return Object.assign(new Error(`Skipped, because an earlier statement failed: ${cause.message}`, { cause }), {
    code: IN_FAILED_TRANSACTION,
  });
}
