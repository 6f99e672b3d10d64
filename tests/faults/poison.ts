import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { canonicalId, catalog } from '@throughline/contracts';
import { Kafka, logLevel, type Message } from 'kafkajs';
import type { Poison } from './schedule.js';

/** A record that somebody must find among the dead letters, and nothing else. */
export interface PoisonRecord {
  poison: Poison;
  /** The one service that reads the topic. */
  consumer: string;
  topic: string;
  partition: number;
  offset: string;
}

/** No registry has given out so many ids. */
const UNKNOWN_SCHEMA_ID = 2_000_000_000;

/** Writes records that no service can handle, as a foreign producer does that got hold of the topics. */
export class Poisoner {
  private readonly kafka: Kafka;
  private readonly registry: SchemaRegistry;
  private count = 0;

  constructor(
    addresses: { kafkaBrokers: string[]; registryUrl: string },
    private readonly seed: number,
  ) {
    this.kafka = new Kafka({ brokers: addresses.kafkaBrokers, clientId: 'foreigner', logLevel: logLevel.NOTHING });
    this.registry = new SchemaRegistry({ host: addresses.registryUrl });
  }

  /** One record of each kind. Whoever repeats this after a failure may have written some of them: their places tell. */
  async write(kinds: readonly Poison[]): Promise<PoisonRecord[]> {
    const made = await Promise.all(kinds.map((poison) => this.make(poison)));
    const producer = this.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    try {
      const written: PoisonRecord[] = [];
      for (const { poison, topic, consumer, message } of made) {
        const [sent] = await producer.send({ topic, acks: -1, messages: [message] });
        written.push({ poison, consumer, topic, partition: sent!.partition, offset: sent!.baseOffset! });
      }
      return written;
    } finally {
      await producer.disconnect();
    }
  }

  private async make(
    poison: Poison,
  ): Promise<{ poison: Poison; topic: string; consumer: string; message: Message & { key: string } }> {
    this.count += 1;
    const id = (what: string): string => canonicalId('faults', String(this.seed), what, String(this.count));
    const key = id('key');
    const event = this.count % 2 === 0;
    const type = event ? 'InvoiceVoidRejected' : 'RecordRevenueSchedule';
    const { topic, subject } = catalog[type];
    const headers = {
      ce_specversion: '1.0',
      ce_id: id('message'),
      ce_type: subject,
      ce_source: 'foreigner',
      ce_subject: key,
      ce_time: '2026-11-25T00:00:00.000Z',
      ce_sequence: '1',
      ce_correlationid: id('closing'),
      'content-type': 'application/avro',
    };
    const good = { topic, consumer: event ? 'orchestrator' : 'finance-adapter', poison };
    const body = (text: string): Promise<Buffer> =>
      this.encode(
        subject,
        event
          ? { ...ids(id, 'invoiceId'), reason: 'poison', field: null, message: text }
          : {
              ...ids(id, 'scheduleId'),
              invoiceId: id('invoiceId'),
              currency: 'EUR',
              totalAmount: Buffer.from([1, 0]),
              serviceStart: 20_000,
              serviceEnd: 20_000,
            },
      );
    switch (poison) {
      case 'undecodable':
        return { ...good, message: { key, headers, value: Buffer.from([9, 9, 9, 255]) } };
      case 'unknown-schema': {
        const value = await body('of an unknown schema');
        value.writeUInt32BE(UNKNOWN_SCHEMA_ID, 1);
        return { ...good, message: { key, headers, value } };
      }
      case 'unknown-type': {
        const value = await body('of an unknown type');
        return { ...good, message: { key, headers: { ...headers, ce_type: 'throughline.finance.v9.Unheard' }, value } };
      }
      case 'no-headers':
        return { ...good, message: { key, value: await body('without headers') } };
      case 'failing-handler': {
        // Well-formed for every decoder, and impossible to store: PostgreSQL has no NUL, and this closing's id is no UUID.
        const value = await body('a \0 in the middle');
        const impossible = event ? headers : { ...headers, ce_correlationid: 'no-uuid' };
        return { ...good, message: { key, headers: impossible, value } };
      }
    }
  }

  private async encode(subject: string, payload: object): Promise<Buffer> {
    return this.registry.encode(await this.registry.getLatestSchemaId(subject), payload);
  }
}

function ids(id: (what: string) => string, entity: string): Record<string, unknown> {
  return { [entity]: id('key'), orderId: id('orderId'), opportunityId: id('opportunityId'), occurrence: 1 };
}
