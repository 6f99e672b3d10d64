import { describe, expect, it } from '@jest/globals';
import { decodeOtlpTraces, type OtlpTraces } from './otlp-protobuf.js';
import { toZipkinSpans } from './zipkin-span.js';

const traceId = '5b8efff798038103d269b633813fc60c';
const traces: OtlpTraces = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'ops-adapter' } }] },
      scopeSpans: [
        {
          scope: { name: 'messaging' },
          spans: [
            {
              traceId,
              spanId: 'eee19b7ec3c1b174',
              parentSpanId: 'eee19b7ec3c1b173',
              name: 'process CreateOrder',
              kind: 5,
              startTimeUnixNano: '1544712660000001000',
              endTimeUnixNano: '1544712661000002000',
              attributes: [
                { key: 'count', value: { intValue: '3' } },
                { key: 'topics', value: { arrayValue: { values: [{ stringValue: 'a' }, { boolValue: true }] } } },
              ],
              events: [{ timeUnixNano: '1544712660500000000', name: 'retried' }],
              links: [{ traceId, spanId: '00000000000000aa' }],
              status: { code: 2, message: 'refused' },
            },
          ],
        },
      ],
    },
  ],
};

describe('OTLP to Zipkin', () => {
  it('keeps service, parent, kind, times, attributes, events, links and status', () => {
    expect(toZipkinSpans(traces)).toEqual([
      {
        traceId,
        id: 'eee19b7ec3c1b174',
        parentId: 'eee19b7ec3c1b173',
        name: 'process CreateOrder',
        kind: 'CONSUMER',
        timestamp: 1544712660000001,
        duration: 1000001,
        localEndpoint: { serviceName: 'ops-adapter' },
        tags: {
          count: '3',
          topics: '["a",true]',
          'otel.scope.name': 'messaging',
          'otel.status_code': 'ERROR',
          error: 'refused',
          'link.1': `${traceId}/00000000000000aa`,
        },
        annotations: [{ timestamp: 1544712660500000, value: 'retried' }],
      },
    ]);
  });

  it('reads protobuf as it reads JSON', () => {
    expect(toZipkinSpans(decodeOtlpTraces(protobufOf()))).toEqual(toZipkinSpans(traces));
  });

  it('refuses bytes that are no message', () => {
    expect(() => decodeOtlpTraces(Buffer.from([0x0a, 0x7f, 0x01]))).toThrow(RangeError);
  });
});

/** The same traces, written by hand from opentelemetry-proto's field numbers. */
function protobufOf(): Uint8Array {
  const text = (number: number, value: string) => message(number, Buffer.from(value));
  const hex = (number: number, value: string) => message(number, Buffer.from(value, 'hex'));
  const varint = (number: number, value: number) => Buffer.from([number << 3, value]);
  const fixed64 = (number: number, value: bigint) => {
    const bytes = Buffer.alloc(9, (number << 3) | 1);
    bytes.writeBigUInt64LE(value, 1);
    return bytes;
  };
  function message(number: number, ...parts: Uint8Array[]): Buffer {
    const body = Buffer.concat(parts);
    const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >>> 7];
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
  }
  const attribute = (number: number, key: string, ...value: Uint8Array[]) =>
    message(number, text(1, key), message(2, ...value));

  const span = message(
    2,
    hex(1, traceId),
    hex(2, 'eee19b7ec3c1b174'),
    hex(4, 'eee19b7ec3c1b173'),
    text(5, 'process CreateOrder'),
    varint(6, 5),
    fixed64(7, 1544712660000001000n),
    fixed64(8, 1544712661000002000n),
    attribute(9, 'count', varint(3, 3)),
    attribute(9, 'topics', message(5, message(1, text(1, 'a')), message(1, varint(2, 1)))),
    message(11, fixed64(1, 1544712660500000000n), text(2, 'retried')),
    message(13, hex(1, traceId), hex(2, '00000000000000aa')),
    message(15, text(2, 'refused'), varint(3, 2)),
  );
  return message(
    1,
    message(1, attribute(1, 'service.name', text(1, 'ops-adapter'))),
    message(2, message(1, text(1, 'messaging')), span),
  );
}
