import { describe, expect, it } from '@jest/globals';
import { postgresFailure } from './errors.js';
import { Turn, type Answer } from './turn.js';

/** One statement on its way, and what whoever waits for it is told. */
function ask(ownTransaction: boolean) {
  const told: unknown[] = [];
  const turn = new Turn(
    [
      {
        statement: { name: 'one', text: 'INSERT ...' },
        values: [],
        resolve: ({ command }: Answer) => void told.push(command),
        reject: ({ message }: Error) => void told.push(message),
      },
    ],
    ownTransaction,
  );
  const connection = { submittedNamedStatements: {}, parsedStatements: {} };
  return { turn, told, fail: (message: string) => turn.handleError(new Error(message), connection) };
}
const complete = { text: 'INSERT 0 1' };

describe('a statement that is a transaction of its own', () => {
  it('is answered when the server is ready again, because it commits after its rows', () => {
    const { turn, told } = ask(true);
    turn.handleCommandComplete(complete);
    expect(told).toEqual([]);
    turn.handleReadyForQuery();
    expect(told).toEqual(['INSERT']);
  });

  it('has failed when the server stops in between, although its rows have come', () => {
    const { turn, told, fail } = ask(true);
    turn.handleCommandComplete(complete);
    fail('terminating connection due to administrator command');
    expect(told).toEqual(['terminating connection due to administrator command']);
  });
});

it('a statement within a transaction is answered at once: its COMMIT comes later', () => {
  const { turn, told } = ask(false);
  turn.handleCommandComplete(complete);
  expect(told).toEqual(['INSERT']);
});

it('a statement whose rows cannot be read is refused, and the next is answered', () => {
  const told: unknown[] = [];
  const asked = (name: string) => ({
    statement: { name, text: name },
    values: [],
    resolve: ({ rows }: Answer) => void told.push(rows),
    reject: (error: Error) => void told.push(error.name),
  });
  const turn = new Turn([asked('one'), asked('two')]);
  for (const text of ['{', '{}']) {
    turn.handleRowDescription({ fields: [{ name: 'json', dataTypeID: 114 }] });
    turn.handleDataRow({ fields: [text] });
    turn.handleCommandComplete(complete);
  }
  expect(told).toEqual(['SyntaxError', [{ json: {} }]]);
});

it('what cannot be sent is at fault itself, and no connection', () => {
  const connection = {
    submittedNamedStatements: { one: 'SELECT 1' },
    parsedStatements: {},
    stream: { writable: false },
  };
  const told: unknown[] = [];
  const turn = new Turn([
    { statement: { name: 'one', text: 'SELECT 2' }, values: [], resolve: () => undefined, reject: (e) => told.push(e) },
  ]);
  turn.handleError(turn.submit(connection)!, connection);
  expect(told).toEqual([new Error('Two statements are named "one": a name stands for one text.')]);
  expect(postgresFailure(told[0])).toBeUndefined();
});
