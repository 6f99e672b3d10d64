import type { Writable } from 'node:stream';
import pg from 'pg';
import type { Statement } from './database.js';
import { encodeTurn } from './encode-turn.js';
import { ofConnection } from './errors.js';
import { rowReader, type Column, type ReadRow } from './read-rows.js';

export interface Answer {
  rows: object[];
  /** What was done: `SELECT`, `INSERT`, `COMMIT`. */
  command: string;
}

/** A statement of a turn, and whoever waits for its answer. */
export interface Asked {
  statement: Statement;
  values: unknown[];
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

/** SQLSTATE in_failed_sql_transaction: what follows a failure says only so. */
const IN_FAILED_TRANSACTION = '25P02';
/** SQLSTATE invalid_sql_statement_name: it was to be parsed behind a failure. */
const NOT_PARSED = '26000';

/** Whether an error may only say that an earlier statement failed. */
export function mayFollowFailure(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === IN_FAILED_TRANSACTION || code === NOT_PARSED;
}

/** What of a connection of pg its types do not show. */
interface Connection {
  stream: Writable;
  parsedStatements: Record<string, string | undefined>;
  submittedNamedStatements: Record<string, string | undefined>;
}

/** What a row of each statement looks like, by its name: the server says so once. A connection's statements end with it. */
const described = new WeakMap<Connection, Map<string, ReadRow>>();
const noRows: ReadRow = () => ({});

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
  private answer: Answer = { rows: [], command: '' };
  private readers = new Map<string, ReadRow>();
  private described: ReadRow | undefined;
  /** Why its rows cannot be read. */
  private unreadable: Error | undefined;
  /** Why nothing of it was sent. */
  unsent: Error | undefined;

  /**
   * @param ownTransaction one statement without BEGIN and COMMIT: its rows come before it commits, at the Sync. A server that is told to
   *   stop in between sends them and commits nothing, so the answer is held back until the server is ready for the next.
   */
  constructor(
    private readonly asked: Asked[],
    private readonly ownTransaction = false,
  ) {
    super('');
    this.next();
  }

  /** Sends all of it, or returns why nothing of it can be sent. */
  override submit = (to: unknown): Error | null => {
    const connection = to as Connection;
    const known = described.get(connection);
    if (known) this.readers = known;
    else described.set(connection, this.readers);
    const toParse = new Map<string, Statement>();
    try {
      const bytes = encodeTurn(
        this.asked.map(({ statement, values }) => {
          const { name, text } = statement;
          const sent = toParse.get(name)?.text ?? textOf(connection, name);
          if ((sent ?? text) !== text) throw twoTexts(name);
          if (sent === undefined) toParse.set(name, statement);
          return { statement, values, toParse: sent === undefined, toDescribe: !this.readers.has(name) };
        }),
      );
      for (const { name, text } of toParse.values()) connection.submittedNamedStatements[name] = text;
      if (connection.stream.writable) connection.stream.write(bytes);
      return null;
    } catch (error) {
      return (this.unsent = error as Error);
    }
  };

  handleRowDescription({ fields }: { fields: Column[] }): void {
    this.described = rowReader(fields);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const readRow = this.described ?? this.readers.get(this.name) ?? noRows;
    try {
      this.answer.rows.push(readRow(fields));
    } catch (error) {
      this.unreadable ??= error as Error; // thrown here it would end the process
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    if (this.described || !this.readers.has(this.name)) this.readers.set(this.name, this.described ?? noRows);
    this.answer.command = text.split(' ', 1)[0]!;
    if (!this.ownTransaction) this.tell();
  }

  handleError(error: Error, to: unknown): void {
    if (error !== this.unsent) ofConnection(error);
    const { submittedNamedStatements } = to as Connection;
    const unanswered = this.asked.slice(this.answered);
    for (const { statement } of unanswered) delete submittedNamedStatements[statement.name];
    const [failed, ...skipped] = unanswered;
    failed?.reject(error);
    for (const { reject } of skipped) reject(skippedAfter(error));
    this.callback(error);
  }

  handleReadyForQuery(): void {
    if (this.ownTransaction && this.answered < this.asked.length) this.tell();
    this.callback();
  }

  private tell(): void {
    const { resolve, reject } = this.asked[this.answered]!;
    if (this.unreadable) reject(this.unreadable);
    else resolve(this.answer);
    this.answered++;
    this.answer = { rows: [], command: '' };
    this.unreadable = undefined;
    this.next();
  }

  private next(): void {
    const { name, text } = this.asked[this.answered]?.statement ?? { name: '', text: '' };
    this.name = name;
    this.text = text;
    this.described = undefined;
  }
}

function textOf({ parsedStatements, submittedNamedStatements }: Connection, name: string): string | undefined {
  return parsedStatements[name] ?? submittedNamedStatements[name];
}

function twoTexts(name: string): Error {
  return new Error(`Two statements are named "${name}": a name stands for one text.`);
}

function skippedAfter(cause: Error): Error {
  return Object.assign(new Error(`Skipped, because an earlier statement failed: ${cause.message}`, { cause }), {
    code: IN_FAILED_TRANSACTION,
  });
}
