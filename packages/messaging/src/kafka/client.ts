import net from 'node:net';
import tls from 'node:tls';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Logger } from '@throughline/telemetry';
import { cutConnections, patchKafkaConnections } from './connection-patch.js';
import { patchKafkaClock } from './clock-patch.js';
import { patchKafkaFetch } from './fetch-patch.js';
import { patchKafkaIdleTimer } from './idle-timer-patch.js';
import { patchKafkaMetadata } from './metadata-patch.js';
import { patchKafkaProduce } from './produce-patch.js';

export interface KafkaOptions {
  brokers: string[];
  clientId: string;
  /** TLS and SASL as kafkajs takes them. */
  ssl?: KafkaConfig['ssl'];
  sasl?: KafkaConfig['sasl'];
  /** Put before the name of every topic and consumer group, for several environments on one cluster. Default none. */
  topicPrefix?: string;
}

export interface KafkaClient extends Kafka {
  /**
   * Cuts all connections that were made by way of this client, and lets none be made any more. What runs on it fails for good within the
   * 2 s that kafkajs waits at most before it tries again; nothing of it is logged. It may be called again.
   */
  letGo(): void;
}

/** The one place where a Kafka client is made. */
export function kafkaClient(options: KafkaOptions, log: Logger): KafkaClient {
  patchKafkaIdleTimer();
  patchKafkaConnections();
  patchKafkaClock();
  patchKafkaProduce();
  patchKafkaFetch();
  patchKafkaMetadata();
  let isGone = false;
  // Its identity tells the connections of this client from those of others.
  const sockets: ISocketFactory = (of) => noDelaySocket(of);
  const kafka = new Kafka({
    clientId: options.clientId,
    brokers: options.brokers,
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    ...(options.sasl !== undefined && { sasl: options.sasl }),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    socketFactory: sockets,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      if (!isGone) toLog(log, entry);
    },
  });
  const letGo = (): void => {
    isGone = true;
    cutConnections(sockets);
  };
  return Object.assign(kafka, { letGo });
}

/** As kafkajs's own, and without Nagle's delay: a small request must not wait for the acknowledgement of the one before. */
const noDelaySocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const servername = net.isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? tls.connect({ host, port, ...servername, ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, 10_000);
  socket.setNoDelay(true);
  return socket;
};

function toLog(log: Logger, { level, namespace, log: { message, timestamp: _, ...fields } }: LogEntry): void {
  const text = `kafka ${namespace}: ${message}`;
  // kafkajs calls an error what it is going to try again; what we do about it is logged where we do it.
  if (level === logLevel.ERROR) log.warn(fields, text);
  else log.debug(fields, text);
}
