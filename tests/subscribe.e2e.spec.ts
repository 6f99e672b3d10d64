import { beforeAll, describe, expect, it } from '@jest/globals';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

let platform: RunningPlatform;
beforeAll(() => {
  platform = new RunningPlatform();
});

interface Received {
  key: string;
  headers: Record<string, string>;
  body: { opportunityId: string; totalAmount: Buffer; currency: string };
}

describe('a downstream consumer', () => {
  it(
    'reads an event with nothing of ours: any Confluent-compatible client and the registry',
    async () => {
      const { addresses, kafkaPrefix } = platform.topology;
      const { kafkaBrokers, registryUrl } = addresses;
      const registry = new SchemaRegistry({ host: registryUrl });
      const consumer = new Kafka({
        brokers: kafkaBrokers,
        clientId: 'downstream',
        logLevel: logLevel.NOTHING,
      }).consumer({ groupId: `${kafkaPrefix}downstream-${process.pid}` });
      await consumer.connect();
      await consumer.subscribe({ topic: `${kafkaPrefix}throughline.finance.invoice`, fromBeginning: true });
      const deal = await platform.openDeal();
      const found = Promise.withResolvers<Received>();
      await consumer.run({
        eachMessage: async ({ message }) => {
          const headers = Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
          );
          if (headers['ce_type'] !== 'throughline.finance.v1.InvoiceIssued') return;
          const body = (await registry.decode(message.value!)) as Received['body'];
          if (body.opportunityId === deal.opportunityId) found.resolve({ key: String(message.key), headers, body });
        },
      });
      try {
        await platform.vendors.closeDeal(deal.dealId);
        const { key, headers, body } = await found.promise;
        expect(headers).toMatchObject({
          ce_specversion: '1.0',
          ce_source: 'finance-adapter',
          ce_subject: key,
          ce_sequence: '1',
          'content-type': 'application/avro',
        });
        expect(headers['ce_id']).toMatch(/^[0-9a-f-]{36}$/);
        expect(headers['traceparent']).toMatch(/^00-/);
        expect(body.currency).toBe(deal.currency);
        // Without our logical types a decimal is what Avro says it is: two's complement, big endian, scale 4.
        expect(BigInt.asIntN(64, BigInt(`0x${body.totalAmount.toString('hex')}`))).toBe(
          BigInt(deal.amount.replace('.', '')),
        );
      } finally {
        await consumer.disconnect();
      }
    },
    STORY_LIMIT_MS,
  );
});
