import type { Statement } from './database.js';
import { MessageWriter } from './message-writer.js';
import { arrayParameters, writeParameter, type ArrayParameters } from './parameters.js';

/** A statement on its way to a connection. */
export interface Bound {
  statement: Statement;
  values: unknown[];
  /** The connection has not parsed it yet. */
  toParse: boolean;
  /** The columns of its rows are not known yet. */
  toDescribe: boolean;
}

/** Message types of the extended query protocol, version 3 (PostgreSQL's manual, chapter Message Formats). */
const PARSE = code('P');
const BIND = code('B');
const DESCRIBE = code('D');
const EXECUTE = code('E');
const SYNC = code('S');
const PORTAL = code('P');
const UNNAMED = '';
const AS_TEXT = 0;
const ALL_ROWS = 0;

const writer = new MessageWriter();
const arraysOf = new WeakMap<Statement, ArrayParameters>();

/**
 * What a connection is sent for these statements: Parse where it is new there, Bind, Describe where its columns are not known, Execute;
 * and one Sync behind the last. Arrays whose cast says of what (`$1::text[]`) go in binary: as text each element is escaped here and
 * read character by character there, and bytes take twice their size.
 *
 * @throws where a value cannot be written; then nothing is sent
 */
export function encodeTurn(turn: Bound[]): Buffer {
  writer.position = 0;
  for (const { statement, values, toParse, toDescribe } of turn) {
    if (toParse) writeParse(statement);
    writeBind(statement, values);
    if (toDescribe) writeDescribe();
    writeExecute();
  }
  writer.begin(SYNC);
  writer.end();
  return writer.take();
}

function writeParse({ name, text }: Statement): void {
  writer.begin(PARSE);
  writer.cString(name);
  writer.cString(text);
  writer.int16(0); // the server finds the types of all parameters
  writer.end();
}

function writeBind(statement: Statement, values: unknown[]): void {
  let arrays = arraysOf.get(statement);
  if (!arrays) arraysOf.set(statement, (arrays = arrayParameters(statement.text)));
  writer.begin(BIND);
  writer.cString(UNNAMED);
  writer.cString(statement.name);
  writer.int16(values.length);
  const formats = writer.position;
  for (let n = 0; n < values.length; n++) writer.int16(AS_TEXT);
  writer.int16(values.length);
  for (const [index, value] of values.entries()) {
    writer.int16At(formats + index * 2, writeParameter(writer, value, index + 1, arrays));
  }
  writer.int16(1); // one format for all columns
  writer.int16(AS_TEXT);
  writer.end();
}

function writeDescribe(): void {
  writer.begin(DESCRIBE);
  writer.int8(PORTAL);
  writer.cString(UNNAMED);
  writer.end();
}

function writeExecute(): void {
  writer.begin(EXECUTE);
  writer.cString(UNNAMED);
  writer.int32(ALL_ROWS);
  writer.end();
}

function code(letter: string): number {
  return letter.charCodeAt(0);
}
