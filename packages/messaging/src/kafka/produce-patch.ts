import { createRequire } from 'node:module';
import { encodeProduce, type ProduceTerms } from './encode-produce.js';

interface ProduceRequest {
  apiVersion: number;
  encode(): Promise<object>;
}

type MakeRequest = (terms: ProduceTerms) => ProduceRequest;

const MODULE = 'kafkajs/src/protocol/requests/produce/v7/request.js';

/**
 * kafkajs 2.2.4 writes a Produce request into some ten growing buffers a record and copies each into the next: with our headers 24 µs for
 * a record, which was the dearest thing a service did with Kafka. This writes the same bytes at once. What is not of the plain kind
 * goes to the original, and so do brokers that do not know the version. Idempotent; call it before anything is produced.
 */
export function patchKafkaProduce(): void {
  const require = createRequire(import.meta.url);
  const original = require(MODULE) as MakeRequest & { patched?: true };
  if (original.patched) return;
  if (typeof original !== 'function' || original.length !== 1) {
    throw new Error('kafkajs has changed: check whether produce-patch.ts is still needed, and remove or adapt it.');
  }
  const { prototype } = require('kafkajs/src/protocol/encoder.js') as { prototype: object };
  const makeRequest: MakeRequest = (terms) => {
    const request = original(terms);
    const encode = (): Promise<object> => {
      const bytes = encodeProduce(terms, Date.now());
      if (!bytes) return request.encode();
      return Promise.resolve(Object.assign(Object.create(prototype) as object, { buf: bytes, offset: bytes.length }));
    };
    return { ...request, encode };
  };
  require.cache[require.resolve(MODULE)]!.exports = Object.assign(makeRequest, { patched: true });
}
