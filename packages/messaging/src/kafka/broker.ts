import { createRequire } from 'node:module';

/** A broker as kafkajs 2.2.4 has it: two connections, one of them for fetches alone. */
export interface Broker<Answer = unknown> {
  /** By the key of an API, as the broker gave them; `null` before it is connected. */
  versions: Record<number, { maxVersion: number } | undefined> | null;
  connectionPool: { send(protocol: { request: object; response: object; requestTimeout?: number }): Promise<Answer> };
  disconnect(): Promise<void>;
}

export interface BrokerRequest {
  apiKey: number;
  apiVersion: number;
  apiName: string;
  /** Without its header. */
  body: Buffer;
  /** Milliseconds. Default: what the client was made with. */
  requestTimeout?: number;
}

export interface ResponseReader {
  decode(payload: Buffer): Promise<object>;
  parse(response: object): Promise<object>;
}

/**
 * Asks over the connections of kafkajs, in its order and within its limits, what was encoded by us. A connection that has closed is given
 * up, as kafkajs does, so that the next request opens another.
 */
export async function askBroker<Answer>(
  broker: Broker<Answer>,
  { body, requestTimeout, ...api }: BrokerRequest,
  response: ResponseReader,
): Promise<Answer> {
  const request = { ...api, encode: () => Promise.resolve(encoded(body)) };
  try {
    return await broker.connectionPool.send({ request, response, ...(requestTimeout && { requestTimeout }) });
  } catch (error) {
    if ((error as { name?: string }).name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    throw error;
  }
}

const { prototype: encoder } = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as {
  prototype: object;
};

function encoded(body: Buffer): object {
  return Object.assign(Object.create(encoder) as object, { buf: body, offset: body.length });
}
