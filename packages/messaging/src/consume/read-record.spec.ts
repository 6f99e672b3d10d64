import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Codec, ThroughlineError, toHeaders } from '@throughline/contracts';
import { BATCH_UNREADABLE } from '../errors.js';
import { fromRawHeaders, toRawHeaders } from '../raw-headers.js';
import { defineRoutes, effect } from '../routes.js';
import { readRecord, type Intake, type KafkaRecord } from './read-record.js';

const routes = defineRoutes({ group: 'spec', routes: { CancelOrder: effect(async () => {}, { dependency: 'x' }) } });
const headers = toHeaders({
  id: randomUUID(),
  type: 'CancelOrder',
  source: 'spec',
  subject: 'k',
  time: '2026-11-22T10:00:00.000Z',
  sequence: 1,
  correlationId: randomUUID(),
});
const record: KafkaRecord = {
  topic: 't',
  partition: 0,
  offset: '1',
  key: Buffer.from('k'),
  value: Buffer.from([0, 0, 0, 0, 7, 1]),
  headers,
};
/** Reads with a codec whose look-up of the writer's schema fails. */
const read = async (error: Error): Promise<Intake> =>
  readRecord(record, routes, new Codec({ idOf: () => Promise.reject(error), schemaOf: () => Promise.reject(error) }));

describe('readRecord', () => {
  it.each([
    [
      'our own database ends the session',
      Object.assign(new Error('terminating'), { code: '57P01', severity: 'FATAL' }),
    ],
    ['the connection to it is gone', new Error('Connection terminated unexpectedly')],
    ['the registry is away', new ThroughlineError('away', { code: 'CONTRACT_REGISTRY_UNREACHABLE', retry: 'pause' })],
  ])('gives up no message because the schema cannot be looked up: %s', async (_, error) => {
    await expect(read(error)).rejects.toBe(error);
  });

  it('gives up a message whose schema nobody has', async () => {
    const error = new ThroughlineError('unknown', { code: 'CONTRACT_SCHEMA_UNKNOWN', retry: 'never' });
    expect(await read(error)).toEqual({ kind: 'unreadable', record, error });
  });

  it('gives up what is no message at once', () => {
    const codec = new Codec({ idOf: () => Promise.resolve(1), schemaOf: () => Promise.resolve('{}') });
    for (const bad of [
      { ...record, headers: {} },
      { ...record, key: null },
      { ...record, key: Buffer.alloc(501, 'k') },
      { ...record, value: null },
    ]) {
      expect(readRecord(bad, routes, codec)).toMatchObject({ kind: 'unreadable' });
    }
  });

  it('gives up, with its bytes, what stands for a batch that cannot be read, now and when it is read again', () => {
    const codec = new Codec({ idOf: () => Promise.resolve(1), schemaOf: () => Promise.resolve('{}') });
    const why = Buffer.from('offsets 5 to 9: The checksum is wrong');
    const batch = { ...record, key: null, headers: { [BATCH_UNREADABLE]: why } };
    const again = { ...batch, headers: fromRawHeaders(toRawHeaders(batch.headers)) };
    for (const each of [batch, again]) {
      expect(readRecord(each, routes, codec)).toMatchObject({
        kind: 'unreadable',
        record: { value: record.value },
        error: { code: BATCH_UNREADABLE, retry: 'never', message: expect.stringContaining(String(why)) },
      });
    }
  });
});
