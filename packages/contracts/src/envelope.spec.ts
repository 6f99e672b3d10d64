import { describe, expect, it } from '@jest/globals';
import { fromHeaders, toHeaders, type Envelope } from './envelope.js';
import { canonicalId, opportunityCorrelationId } from './canonical-id.js';

const envelope: Envelope = {
  id: '018f0000-0000-7000-8000-000000000001',
  type: 'OrderCreated',
  source: 'ops-adapter',
  subject: canonicalId('order', '1'),
  time: '2026-11-22T10:00:00.000Z',
  sequence: 7,
  correlationId: opportunityCorrelationId(canonicalId('hubspot', '1', 'deal', '4711'), 1),
  causationId: '018f0000-0000-7000-8000-000000000000',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

describe('envelope', () => {
  it('survives the Kafka headers, as buffers too', () => {
    const headers = toHeaders(envelope);
    expect(headers).toMatchObject({
      ce_specversion: '1.0',
      ce_type: 'throughline.operations.v1.OrderCreated',
      ce_sequence: '7',
    });
    expect(
      fromHeaders(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]))),
    ).toEqual(envelope);
  });

  it('takes what is no W3C trace context for none', () => {
    const { traceparent, ...without } = envelope;
    for (const text of ['a\0b', 'none', `${traceparent!}\0`, traceparent!.toUpperCase(), traceparent!.slice(1)])
      expect(fromHeaders({ ...toHeaders(envelope), traceparent: text })).toEqual(without);
    expect(fromHeaders({ ...toHeaders(envelope), traceparent: `${traceparent!}-later` })).toEqual({
      ...envelope,
      traceparent: `${traceparent!}-later`,
    });
  });

  it('names the header that is missing, and the type nobody knows', () => {
    const { ce_id: _, ...withoutId } = toHeaders(envelope);
    expect(() => fromHeaders(withoutId)).toThrow(
      expect.objectContaining({ code: 'CONTRACT_HEADER_MISSING', field: 'ce_id', retry: 'never' }),
    );
    expect(() => fromHeaders({ ...toHeaders(envelope), ce_type: 'x.v9.Y' })).toThrow(
      expect.objectContaining({ code: 'CONTRACT_TYPE_UNKNOWN' }),
    );
  });
});

describe('canonicalId', () => {
  it('is the same for the same parts, in every process and for ever', () => {
    expect(canonicalId('hubspot', '1', 'deal', '4711')).toBe('f7331f0b-8f9d-527b-9bda-4d83aae15b40');
    expect(canonicalId('a', 'bc')).not.toBe(canonicalId('ab', 'c'));
  });
});
