import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';

/** A broker as kafkajs 2.2.4 has it: two connections, one of them for fetches alone. */
export interface Broker<Answer = unknown> {
  /** By the key of an API, as the broker gave them; `null` before it is connected. */
  versions: Record<number, { maxVersion: number } | undefined> | null;
  connectionPool: {
    send(protocol: { request: object; response: object }): Promise<Answer>;
    /** The second one is for fetches. */
    pool?: { socket?: { destroy(error: Error): void } }[];
  };
  disconnect(): Promise<void>;
}

export interface BrokerRequest {
  apiKey: number;
  apiVersion: number;
  apiName: string;
  /** Without its header. */
  body: Buffer;
  /**
   * Nothing else may wait on its connection: one that brings no answer is given up, too. It may be half open, as where an address was
   * translated and that is forgotten, and then the system would hold on to it for a quarter of an hour. It is noticed when the client's time
   * limit is over, 15 s: kafkajs takes no shorter one. A session may be over by then; the member joins again, and nothing is lost.
   */
  isAlone?: boolean;
}

/** Kafka's protocol: the key of Fetch. */
const FETCH = 1;

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
  { body, isAlone = false, ...api }: BrokerRequest,
  response: ResponseReader,
): Promise<Answer> {
  const request = { ...api, encode: () => Promise.resolve(encoded(body)) };
  try {
    return await broker.connectionPool.send({ request, response });
  } catch (error) {
    const { name } = error as Error;
    if (name === 'KafkaJSConnectionClosedError') await broker.disconnect();
    if (name === 'KafkaJSRequestTimeoutError' && isAlone) {
      broker.connectionPool.pool?.[api.apiKey === FETCH ? 1 : 0]?.socket?.destroy(error as Error);
      await setImmediate(); // until kafkajs has heard of it
    }
    throw error;
  }
}

const { prototype: encoder } = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as {
  prototype: object;
};

function encoded(body: Buffer): object {
  return Object.assign(Object.create(encoder) as object, { buf: body, offset: body.length });
}
