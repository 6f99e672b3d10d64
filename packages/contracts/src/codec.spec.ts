import { describe, expect, it } from '@jest/globals';
import { Codec } from './codec.js';
import { catalog, type MessageType, type PaymentReceived } from './generated/messages.js';
import { avroType, decimalFromBytes, decimalToBytes } from './logical-types.js';
import type { SchemaIds } from './schema-ids.js';

const payment: PaymentReceived = {
  paymentId: '00000000-0000-4000-8000-000000000001',
  invoiceId: '00000000-0000-4000-8000-000000000002',
  orderId: '00000000-0000-4000-8000-000000000003',
  opportunityId: '00000000-0000-4000-8000-000000000004',
  occurrence: 1,
  currency: 'EUR',
  amount: '1250.5000',
  receivedAt: '2026-02-28T23:59:59.999Z',
  externalIds: [{ system: 'stripe', tenant: 'acct_1', type: 'invoice', id: 'in_1' }],
};

/** A registry in memory whose ids count up in the order of asking. */
function memorySchemaIds(known: string[] = []): SchemaIds {
  return {
    idOf: (_subject, schema) =>
      Promise.resolve(known.includes(schema) ? known.indexOf(schema) : known.push(schema) - 1),
    schemaOf: (id) => (known[id] === undefined ? Promise.reject(new Error('unknown')) : Promise.resolve(known[id])),
  };
}

async function codecFor(...types: MessageType[]): Promise<Codec> {
  const codec = new Codec(memorySchemaIds());
  await codec.prepare(types);
  return codec;
}

describe('Codec', () => {
  it('reads back what it wrote, amounts, times and dates included', async () => {
    const codec = await codecFor('PaymentReceived');
    const bytes = codec.encode('PaymentReceived', payment);
    expect(bytes[0]).toBe(0);
    expect(bytes.readUInt32BE(1)).toBe(0);
    expect(await codec.decode('PaymentReceived', bytes)).toEqual(payment);
    expect(codec.decodeNow('PaymentReceived', bytes)).toEqual(payment);
  });

  it('names the field that does not fit', async () => {
    const codec = await codecFor('PaymentReceived');
    expect(() => codec.encode('PaymentReceived', { ...payment, amount: '1.23456' })).toThrow(
      /field amount does not fit: "1.23456"/,
    );
    expect(() => codec.encode('PaymentReceived', { ...payment, receivedAt: 'yesterday' })).toThrow(/field receivedAt/);
  });

  it('refuses bytes that are no message, for good', async () => {
    const codec = await codecFor('PaymentReceived');
    const bytes = codec.encode('PaymentReceived', payment);
    for (const bad of [
      Buffer.alloc(0),
      Buffer.from('{"json":true}'),
      bytes.subarray(0, 20),
      Buffer.concat([bytes, Buffer.from([1])]),
    ]) {
      await expect(codec.decode('PaymentReceived', bad)).rejects.toMatchObject({
        code: 'CONTRACT_BODY_INVALID',
        retry: 'never',
      });
    }
  });

  it.each([
    ['is not JSON', 'syntax = "proto3";'],
    ['is no Avro schema', '{"type":"nothing"}'],
  ])('refuses a writer whose schema %s, for good', async (_, schema) => {
    const codec = new Codec({ ...memorySchemaIds(), schemaOf: () => Promise.resolve(schema) });
    await expect(codec.decode('PaymentReceived', Buffer.from([0, 0, 0, 0, 7, 1]))).rejects.toMatchObject({
      code: 'CONTRACT_BODY_INVALID',
      retry: 'never',
    });
  });

  it('hands on what failed while the schema was looked up, so that it can pass', async () => {
    const away = Object.assign(new Error('terminating connection'), { code: '57P01' });
    const codec = new Codec({ ...memorySchemaIds(), schemaOf: () => Promise.reject(away) });
    await expect(codec.decode('PaymentReceived', Buffer.from([0, 0, 0, 0, 7, 1]))).rejects.toBe(away);
  });

  it('reads an older writer: a nullable decimal and an enum with a default came later', async () => {
    const schema = catalog.PaymentReceived.schema as { fields: { name: string }[] };
    const older = { ...schema, fields: schema.fields.filter((field) => field.name !== 'externalIds') };
    const newer = {
      ...schema,
      fields: [
        ...schema.fields,
        {
          name: 'fee',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 19, scale: 4 }],
          default: null,
        },
        {
          name: 'method',
          type: { type: 'enum', name: 'Method', symbols: ['card', 'bank'], default: 'card' },
          default: 'card',
        },
      ],
    };
    const { externalIds: _, ...olderPayment } = payment;
    const bytes = avroType(older).toBuffer(olderPayment);
    const reader = avroType(newer);
    expect(reader.fromBuffer(bytes, reader.createResolver(avroType(older)))).toEqual({
      ...olderPayment,
      externalIds: [],
      fee: null,
      method: 'card',
    });

    const newBytes = avroType(newer).toBuffer({ ...payment, fee: '0.3000', method: 'bank' });
    const current = avroType(schema);
    expect(current.fromBuffer(newBytes, current.createResolver(avroType(newer)))).toEqual(payment);
  });

  it.each([
    [
      'OrderCreated',
      { serviceStart: '2028-02-29', serviceEnd: '2029-02-27' },
      { serviceStart: null, serviceEnd: null },
    ],
    ['OrderProvisioned', { lines: [{ lineItemId: '1', sku: 'A', name: 'A', quantity: '2.5000' }] }, { lines: [] }],
  ] as const)(
    '%s: what was written before a field came, or is read by who does not know it, is read',
    (type, added, missing) => {
      const order = {
        orderId: payment.orderId,
        opportunityId: payment.opportunityId,
        occurrence: 1,
        ...(type === 'OrderCreated'
          ? { orderNumber: '1', currency: 'EUR', totalAmount: '1.0000', createdAt: payment.receivedAt }
          : { provisionedAt: payment.receivedAt }),
        externalIds: [],
      };
      const schema = catalog[type].schema as { fields: { name: string }[] };
      const current = avroType(schema);
      const older = avroType({ ...schema, fields: schema.fields.filter(({ name }) => !(name in added)) });
      expect(current.fromBuffer(older.toBuffer(order), current.createResolver(older))).toEqual({
        ...order,
        ...missing,
      });
      expect(older.fromBuffer(current.toBuffer({ ...order, ...added }), older.createResolver(current))).toEqual(order);
    },
  );

  it('refuses a writer whose decimal scale differs', () => {
    const decimal = (scale: number) =>
      avroType({
        type: 'record',
        name: 'R',
        fields: [{ name: 'a', type: { type: 'bytes', logicalType: 'decimal', precision: 19, scale } }],
      });
    expect(() => decimal(4).createResolver(decimal(2))).toThrow();
  });
});

describe('decimal bytes', () => {
  it.each([
    '0.0000',
    '-0.0001',
    '0.0127',
    '0.0128',
    '-0.0128',
    '-0.0129',
    '1250.5000',
    '9999999999.9999',
    '-9999999999.9999',
    '99999999999.9999',
    '999999999999999.9999',
    '-999999999999999.9999',
  ])('%s survives the bytes', (text) => {
    expect(decimalFromBytes(decimalToBytes(text, 4)!, 4)).toBe(text);
  });

  it('writes the shortest two’s complement, as other Avro libraries do', () => {
    expect(decimalToBytes('0.0127', 4)).toEqual(Buffer.from([0x7f]));
    expect(decimalToBytes('0.0128', 4)).toEqual(Buffer.from([0x00, 0x80]));
    expect(decimalToBytes('-0.0128', 4)).toEqual(Buffer.from([0x80]));
  });
});
