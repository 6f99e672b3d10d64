import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  cancelOrder,
  conversation,
  otlpReceiver,
  until,
  type Conversation,
  type OtlpReceiver,
  type ReceivedSpan,
} from '@throughline/testing';

jest.setTimeout(90_000);

const CHILD = new URL('../scripts/crash-child.mjs', import.meta.url);

describe('one-trace: a message is followed through every service, and batches are linked, not mixed in', () => {
  let receiver: OtlpReceiver;
  let talk: Conversation;
  beforeAll(async () => {
    receiver = await otlpReceiver();
    talk = await conversation(CHILD, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER_ARG: '1',
    });
    const services = [talk.start('ops', 'ops-1'), talk.start('ledger', 'ledger-1')];
    await Promise.all(services.map((service) => service.said('ready')));
  });
  afterAll(async () => {
    await talk.close();
    await receiver.close();
  });

  it('from the writer’s span through effect and event to the state handler', async () => {
    const traceId = randomBytes(16).toString('hex');
    const origin = randomBytes(8).toString('hex');
    const key = randomUUID();
    await talk.writer.transaction(async (tx) =>
      tx.emit([{ ...cancelOrder(key, '1'), traceparent: `00-${traceId}-${origin}-01` }]),
    );
    const named = (name: string): ReceivedSpan | undefined => receiver.spans.find((span) => span.name === name);
    await until('the last spans came', () => named('process OrderCancelled') && named('settle CancelOrder'));
    await until(
      'and those of the batches',
      () =>
        receiver.spans.some(({ name }) => name.startsWith('process batch')) &&
        receiver.spans.some(({ name }) => name.startsWith('settle batch')),
    );

    const effect = named('process CancelOrder')!;
    const state = named('process OrderCancelled')!;
    expect(effect).toMatchObject({ service: 'ops', traceId, parentSpanId: origin });
    expect(state).toMatchObject({ service: 'ledger', traceId, parentSpanId: effect.spanId });

    const batch = receiver.spans.find(({ name }) => name.startsWith('process batch'))!;
    expect(batch.traceId).not.toBe(traceId);
    expect(batch.links).toContainEqual({ traceId, spanId: state.spanId });
    expect(state.links).toContainEqual({ traceId: batch.traceId, spanId: batch.spanId });

    const settled = named('settle CancelOrder')!;
    const settlement = receiver.spans.find(({ name }) => name.startsWith('settle batch'))!;
    expect(settlement.links).toContainEqual({ traceId, spanId: effect.spanId });
    expect(settled).toMatchObject({
      traceId,
      parentSpanId: effect.spanId,
      links: [{ traceId: settlement.traceId, spanId: settlement.spanId }],
    });

    // The SQL of a batch is in the batch's trace.
    const sql = receiver.spans.filter(({ name }) => name === 'insert-inbox');
    expect(sql.some(({ traceId: id, parentSpanId }) => id === batch.traceId && parentSpanId === batch.spanId)).toBe(
      true,
    );
    expect(sql.some(({ traceId: id }) => id === traceId)).toBe(false);
  });
});
