import net from 'node:net';
import tls from 'node:tls';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Logger } from '@throughline/telemetry';
import { patchKafkaHalfResponses } from './half-response-patch.js';
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

/** The one place where a Kafka client is made. */
export function kafkaClient(options: KafkaOptions, log: Logger): Kafka {
  patchKafkaIdleTimer();
  patchKafkaHalfResponses();
  patchKafkaClock();
  patchKafkaProduce();
  patchKafkaFetch();
  patchKafkaMetadata();
  return new Kafka({
    clientId: options.clientId,
    brokers: options.brokers,
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    ...(options.sasl !== undefined && { sasl: options.sasl }),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    socketFactory: noDelaySockets,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => toLog(log, entry),
  });
}

/** As kafkajs's own, and without Nagle's delay: a small request must not wait for the acknowledgement of the one before. */
const noDelaySockets: ISocketFactory = ({ host, port, ssl, onConnect }) => {
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
