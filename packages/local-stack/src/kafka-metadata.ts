import { createConnection } from 'node:net';

/** The cluster's answer to a Metadata request: what a broker says once it really serves. */
export interface KafkaMetadata {
  brokers: { nodeId: number; host: string; port: number }[];
}

/** Asks one broker for the cluster's brokers, over a connection of its own. Rejects when it does not answer. */
export function askKafkaMetadata(address: string, signal: AbortSignal): Promise<KafkaMetadata> {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (!host || !port) return Promise.reject(new Error(`${address} is not host:port`));
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const onAbort = () => fail(new Error(`${address} did not answer in time`));
    signal.addEventListener('abort', onAbort, { once: true });
    let received = Buffer.alloc(0);
    socket.once('connect', () => socket.write(metadataRequest()));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      try {
        const metadata = parseMetadataResponse(received);
        if (metadata.brokers.length === 0) throw new Error(`${address} knows no broker yet`);
        signal.removeEventListener('abort', onAbort);
        socket.end();
        resolve(metadata);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error(`${address} closed the connection`)));
  });
}

/** Kafka protocol, Metadata (key 3) version 4: no topics, and none to be created. */
export function metadataRequest(): Buffer {
  const clientId = Buffer.from('throughline');
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4 + 1);
  let at = request.writeInt32BE(request.length - 4, 0);
  at = request.writeInt16BE(3, at);
  at = request.writeInt16BE(4, at);
  at = request.writeInt32BE(1, at);
  at = request.writeInt16BE(clientId.length, at);
  at += clientId.copy(request, at);
  at = request.writeInt32BE(0, at);
  request.writeInt8(0, at);
  return request;
}

export function parseMetadataResponse(response: Buffer): KafkaMetadata {
  // Length, correlation id and throttle time come first.
  let at = 12;
  const int32 = () => response.readInt32BE((at += 4) - 4);
  const text = () => {
    const length = response.readInt16BE((at += 2) - 2);
    return length < 0 ? '' : response.toString('utf8', at, (at += length));
  };
  const brokers = Array.from({ length: int32() }, () => {
    const broker = { nodeId: int32(), host: text(), port: int32() };
    text();
    return broker;
  });
  return { brokers };
}
