import { describe, expect, it } from '@jest/globals';
import { askKafkaMetadata, metadataRequest, parseMetadataResponse } from './kafka-metadata.js';

describe('the Kafka metadata question', () => {
  it('is a Metadata v4 request for no topic', () => {
    const request = metadataRequest();
    expect(request.readInt32BE(0)).toBe(request.length - 4);
    expect(request.subarray(4, 8)).toEqual(Buffer.from([0, 3, 0, 4]));
    expect(request.subarray(-5)).toEqual(Buffer.from([0, 0, 0, 0, 0]));
  });

  it('finds the brokers in the answer', () => {
    const host = Buffer.from('127.0.0.1');
    const rack = Buffer.from([0xff, 0xff]);
    const int32 = (value: number) => Buffer.from(new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]));
    const broker = (id: number, port: number) =>
      Buffer.concat([int32(id), Buffer.from([0, host.length]), host, int32(port), rack]);
    const body = Buffer.concat([int32(1), int32(0), int32(2), broker(1, 9092), broker(2, 9093)]);
    expect(parseMetadataResponse(Buffer.concat([int32(body.length), body]))).toEqual({
      brokers: [
        { nodeId: 1, host: '127.0.0.1', port: 9092 },
        { nodeId: 2, host: '127.0.0.1', port: 9093 },
      ],
    });
  });

  it('refuses an address without a port', async () => {
    await expect(askKafkaMetadata('broker', AbortSignal.timeout(100))).rejects.toThrow('host:port');
  });
});
