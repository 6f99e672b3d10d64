import { StackError } from './errors.js';
import { askKafkaMetadata } from './kafka-metadata.js';
import type { PartName } from './part.js';
import { selectOne } from './postgres.js';
import { httpGet } from './wait-for.js';

/** The variable that replaces a part by one that already runs. */
export const externalVariables = {
  kafka: 'KAFKA_BROKERS',
  postgres: 'POSTGRES_URL',
  registry: 'SCHEMA_REGISTRY_URL',
  viewer: 'OTEL_EXPORTER_OTLP_ENDPOINT',
} as const satisfies Record<PartName, string>;

const timeoutMs = 10_000;

const forms: Record<PartName, { fits: (address: string) => boolean; looksLike: string }> = {
  kafka: { fits: isBrokerList, looksLike: 'host:port, separated by commas' },
  postgres: {
    fits: (address) => isUrl(address, /^postgres(ql)?:$/),
    looksLike: 'postgres://user:password@host:5432/postgres',
  },
  registry: { fits: (address) => isUrl(address, /^https?:$/), looksLike: 'http://host:8081' },
  viewer: { fits: (address) => isUrl(address, /^https?:$/), looksLike: 'http://host:4318' },
};

/**
 * One real question to a part that somebody else runs; STACK_EXTERNAL_UNREACHABLE when there is no answer in 10 s, and
 * STACK_EXTERNAL_MALFORMED at once where nobody can be asked. STACK_ABORTED as soon as `interrupt` says so.
 */
export async function checkExternal(part: PartName, address: string, interrupt?: AbortSignal): Promise<void> {
  const variable = externalVariables[part];
  const { fits, looksLike } = forms[part];
  if (!fits(address)) {
    throw new StackError('STACK_EXTERNAL_MALFORMED', `${variable}=${withoutPassword(address)} is no address.`, {
      nextStep: `correct it, it looks like ${looksLike}; without ${variable} the local one is used.`,
    });
  }
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(interrupt ? [interrupt] : [])]);
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      await ask(part, address, signal);
      return;
    } catch (error) {
      if (interrupt?.aborted) throw new StackError('STACK_ABORTED', 'Start-up was interrupted.');
      last = error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  } while (Date.now() < deadline);
  throw new StackError(
    'STACK_EXTERNAL_UNREACHABLE',
    `${variable}=${withoutPassword(address)}: no answer within ${timeoutMs / 1000} s (${reason(last)}).`,
    { nextStep: `start it or correct the address; without ${variable} the local one is used.`, cause: last },
  );
}

async function ask(part: PartName, address: string, signal: AbortSignal): Promise<void> {
  switch (part) {
    case 'kafka':
      await Promise.any(brokerList(address).map((broker) => askKafkaMetadata(broker, signal)));
      return;
    case 'postgres':
      await selectOne(address);
      return;
    case 'registry':
      await httpGet(`${address.replace(/\/$/, '')}/subjects`, signal);
      return;
    case 'viewer':
      // Any HTTP answer will do: collectors differ in what they say to an empty export.
      await fetch(`${address.replace(/\/$/, '')}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"resourceSpans":[]}',
        signal,
      });
  }
}

export function brokerList(brokers: string): string[] {
  return brokers
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
}

function isBrokerList(text: string): boolean {
  const brokers = brokerList(text);
  return brokers.length > 0 && brokers.every((broker) => /^(\[[^\]]+\]|[^\s:/]+):\d{1,5}$/.test(broker));
}

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol);
}

export function withoutPassword(address: string): string {
  return address.replace(/\/\/([^:@/]+):[^@/]*@/, '//$1:***@');
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${reason(error.cause)}` : error.message || error.name;
}
