import { describe, expect, it } from '@jest/globals';
import { mayHaveCommitted, ofConnection, postgresFailure } from './errors.js';

const cut = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const answer = (severity: string, code: string) => Object.assign(new Error('from the server'), { severity, code });

describe('what an answer of PostgreSQL says about the next try', () => {
  it.each([
    ['a database that takes no connections', answer('FATAL', '55000'), 'outage'],
    ['an object that is not in the state that a statement needs', answer('ERROR', '55000'), 'fault'],
    ['a server that stops', answer('FATAL', '57P01'), 'outage'],
    ['a transaction that stood still for too long', answer('FATAL', '25P03'), 'conflict'],
    ['more locks than there is room for', answer('ERROR', '53200'), 'conflict'],
    ['a full disk', answer('ERROR', '53100'), 'outage'],
    ['a deadlock', answer('ERROR', '40P01'), 'conflict'],
    ['a value that exists already', answer('ERROR', '23505'), 'fault'],
    ['fewer values than a statement has parameters', answer('ERROR', '08P01'), 'fault'],
    ['a client that does not keep to the protocol', answer('FATAL', '08P01'), 'outage'],
  ] as const)('%s', (_, error, failure) => {
    expect(postgresFailure(error)).toBe(failure);
  });
});

describe('whose failure it is', () => {
  it('a connection that is refused or cut is PostgreSQL away where it was one to PostgreSQL, and nothing of its business otherwise', () => {
    const wrapped = (cause: unknown): Error =>
      new Error('no answer', { cause: new TypeError('fetch failed', { cause }) });
    for (const message of ['read ECONNRESET', 'Connection terminated unexpectedly']) {
      const error = (): Error => Object.assign(cut(), { message });
      expect(postgresFailure(wrapped(ofConnection(error())))).toBe('outage');
      expect(postgresFailure(wrapped(error()))).toBeUndefined();
      expect(postgresFailure(error())).toBeUndefined();
    }
  });

  it.each([
    ['no file descriptor is left', Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' })],
    ['no port is left', Object.assign(new Error('connect EADDRNOTAVAIL'), { code: 'EADDRNOTAVAIL' })],
    ['its certificate is over', Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })],
    ['it asks for no password that we have', new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: nonce')],
  ])('a connection that fails, however it does, is PostgreSQL away: %s', (_, error) => {
    expect(postgresFailure(ofConnection(error))).toBe('outage');
  });

  it('a pool that was closed here is no outage: nobody waits for its end', () => {
    const closed = ofConnection(new Error('Cannot use a pool after calling end on the pool'));
    expect(postgresFailure(closed)).toBeUndefined();
  });

  it('an error of somebody else that has a severity of its own is not an answer of PostgreSQL', () => {
    expect(postgresFailure(answer('ERROR', 'TEMPORARILY_UNAVAILABLE'))).toBeUndefined();
    expect(postgresFailure(answer('FATAL', 'rate_limit'))).toBeUndefined();
  });

  it("an error that is its own cause has no end, and is nobody's", () => {
    const error = new Error('again');
    expect(postgresFailure(Object.assign(error, { cause: error }))).toBeUndefined();
  });
});

describe('whether a transaction that failed may have committed all the same', () => {
  it.each([
    ['the connection was cut', ofConnection(cut()), true],
    ['the server ended the session', answer('FATAL', '57P01'), true],
    ['the disk is full', answer('ERROR', '53100'), false],
    ['the server only reads', answer('ERROR', '25006'), false],
    ['the statement is at fault', answer('ERROR', '23505'), false],
  ] as const)('%s', (_, error, may) => {
    expect(mayHaveCommitted(error)).toBe(may);
  });
});
