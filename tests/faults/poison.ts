import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { canonicalId, catalog } from '@throughline/contracts';
import { Kafka, logLevel, type Message } from 'kafkajs';
import type { Poison } from './schedule.js';

/** A header that no service reads: which sort of poison a record is, and which service has to give it up. */
export const POISON_HEADER = 'poison';

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

  /** One record. Whoever repeats this because an answer was lost may have written two: the topics tell. */
  async write(poison: Poison): Promise<void> {
    const { topic, consumer, message } = await this.make(poison);
    const producer = this.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    try {
      const headers = { ...message.headers, [POISON_HEADER]: `${consumer} ${poison}` };
      await producer.send({ topic, acks: -1, messages: [{ ...message, headers }] });
    } finally {
      await producer.disconnect();
    }
  }

  private async make(poison: Poison): Promise<{ topic: string; consumer: string; message: Message }> {
    this.count += 1;
    const id = (what: string): string => canonicalId('faults', String(this.seed), what, String(this.count));
    const key = id('key');
    const event = this.count % 2 === 0;
    const type = event ? 'InvoiceIssued' : 'RecordRevenueSchedule';
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
    const good = { topic, consumer: event ? 'orchestrator' : 'finance-adapter' };
    const ids = { orderId: id('order'), opportunityId: id('opportunity'), occurrence: 1, currency: 'EUR' };
    const money = { totalAmount: Buffer.from([0x0f, 0x42, 0x40]) }; // 1,000,000 times 0.0001
    const body = (): Promise<Buffer> =>
      this.encode(
        subject,
        event
          ? { ...ids, ...money, invoiceId: key, invoiceNumber: 'A-1', issuedAt: 0, externalIds: [] }
          : { ...ids, ...money, scheduleId: key, invoiceId: id('invoice'), serviceStart: 20_000, serviceEnd: 20_000 },
      );
    switch (poison) {
      case 'undecodable':
        return { ...good, message: { key, headers, value: Buffer.from([9, 9, 9, 255]) } };
      case 'unknown-schema': {
        const value = await body();
        value.writeUInt32BE(UNKNOWN_SCHEMA_ID, 1);
        return { ...good, message: { key, headers, value } };
      }
      case 'unknown-type': {
        const value = await body();
        return { ...good, message: { key, headers: { ...headers, ce_type: 'throughline.finance.v9.Unheard' }, value } };
      }
      case 'no-headers':
        return { ...good, message: { key, value: await body() } };
      case 'failing-handler': {
        // Well-formed for every decoder, and impossible to store: that is no time, and no closing's id.
        const value = await body();
        const impossible = { ...headers, ...(event ? { ce_time: 'no time' } : { ce_correlationid: 'no-uuid' }) };
        return { ...good, message: { key, headers: impossible, value } };
      }
    }
  }

  private async encode(subject: string, payload: object): Promise<Buffer> {
    return this.registry.encode(await this.registry.getLatestSchemaId(subject), payload);
  }
}
