import { createRequire } from 'node:module';
import { askBroker, type Broker, type ResponseReader } from './broker.js';
import { encodeProduce, type ProduceTerms } from './encode-produce.js';

interface Producing extends Broker {
  produce(terms: ProduceTerms): Promise<unknown>;
}

const PATCHED = Symbol.for('throughline.kafkajs.produce-patch');
/** Kafka's protocol: the key of Produce, and the version that kafkajs knows best. */
const PRODUCE = 0;
const VERSION = 7;

/**
 * kafkajs 2.2.4 writes a Produce request into some ten growing buffers a record and copies each into the next: with our headers 24 µs for
 * a record, which was the dearest thing a service did with Kafka. This writes the same bytes at once. What is not of the plain kind
 * goes to the original, and so do brokers that do not know the version. Idempotent.
 */
export function patchKafkaProduce(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: Producing & { [PATCHED]?: true } };
  if (prototype[PATCHED]) return;
  const original = Object.getOwnPropertyDescriptor(prototype, 'produce')?.value as Producing['produce'] | undefined;
  const reader = require('kafkajs/src/protocol/requests/produce/v7/response.js') as Partial<ResponseReader>;
  if (typeof original !== 'function' || typeof reader.decode !== 'function' || typeof reader.parse !== 'function') {
    throw new Error('kafkajs has changed: check whether produce-patch.ts is still needed, and remove or adapt it.');
  }
  prototype.produce = function produce(this: Producing, terms: ProduceTerms): Promise<unknown> {
    const isKnown = (this.versions?.[PRODUCE]?.maxVersion ?? 0) >= VERSION;
    const body = isKnown ? encodeProduce(terms, Date.now()) : undefined;
    if (!body) return original.call(this, terms);
    const request = { apiKey: PRODUCE, apiVersion: VERSION, apiName: 'Produce', body };
    return askBroker(this, request, reader as ResponseReader);
  };
  prototype[PATCHED] = true;
}
