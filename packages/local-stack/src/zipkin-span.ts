import type { OtlpAttribute, OtlpSpan, OtlpTraces, OtlpValue } from './otlp-protobuf.js';

/** Zipkin's v2 span: https://zipkin.io/zipkin-api/ */
export interface ZipkinSpan {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  kind?: 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER';
  /** Microseconds since the epoch. */
  timestamp: number;
  /** Microseconds, at least 1. */
  duration: number;
  localEndpoint: { serviceName: string };
  remoteEndpoint?: { serviceName: string };
  tags: Record<string, string>;
  annotations: { timestamp: number; value: string }[];
}

/**
 * Translates as the OpenTelemetry specification says (trace/sdk_exporters/zipkin). Zipkin knows no links: they become tags
 * `link.<n>` = `<trace id>/<span id>`, so that a person can still follow them.
 */
export function toZipkinSpans(traces: OtlpTraces): ZipkinSpan[] {
  const spans: ZipkinSpan[] = [];
  for (const { resource, scopeSpans = [] } of traces.resourceSpans ?? []) {
    const resourceTags = toTags(resource?.attributes);
    const serviceName = resourceTags['service.name'] ?? 'unknown_service';
    for (const { scope, spans: ofScope = [] } of scopeSpans) {
      for (const span of ofScope) spans.push(toZipkinSpan(span, serviceName, resourceTags, scope));
    }
  }
  return spans;
}

function toZipkinSpan(
  span: OtlpSpan,
  serviceName: string,
  resourceTags: Record<string, string>,
  scope: { name?: string; version?: string } | undefined,
): ZipkinSpan {
  const start = micros(span.startTimeUnixNano);
  const own = toTags(span.attributes);
  const tags: Record<string, string> = {};
  const instance = resourceTags['service.instance.id'];
  if (instance) tags['service.instance.id'] = instance;
  Object.assign(tags, own);
  if (scope?.name) tags['otel.scope.name'] = scope.name;
  if (scope?.version) tags['otel.scope.version'] = scope.version;
  const status = statusOf(span.status?.code);
  if (status) tags['otel.status_code'] = status;
  if (status === 'ERROR') tags.error = span.status?.message || 'true';
  for (const [index, link] of (span.links ?? []).entries()) {
    tags[`link.${index + 1}`] = `${toHexId(link.traceId, 16)}/${toHexId(link.spanId, 8)}`;
  }
  const kind = kindOf(span.kind);
  const peer =
    kind === undefined || kind === 'SERVER'
      ? undefined
      : (own['peer.service'] ?? own['server.address'] ?? own['messaging.destination.name']);
  const parentId = span.parentSpanId ? toHexId(span.parentSpanId, 8) : '';
  return {
    traceId: toHexId(span.traceId, 16),
    id: toHexId(span.spanId, 8),
    ...(parentId === '' ? {} : { parentId }),
    name: span.name ?? '',
    ...(kind ? { kind } : {}),
    timestamp: start,
    duration: Math.max(1, micros(span.endTimeUnixNano) - start),
    localEndpoint: { serviceName },
    ...(peer ? { remoteEndpoint: { serviceName: peer } } : {}),
    tags,
    annotations: (span.events ?? []).map((event) => {
      const attributes = toTags(event.attributes);
      const details = Object.keys(attributes).length > 0 ? `: ${JSON.stringify(attributes)}` : '';
      return { timestamp: micros(event.timeUnixNano), value: `${event.name ?? ''}${details}` };
    }),
  };
}

function toTags(attributes: OtlpAttribute[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueText(value)]));
}

function valueText(value: OtlpValue | undefined): string {
  const plain = toPlain(value);
  return typeof plain === 'string' ? plain : JSON.stringify(plain);
}

function toPlain(value: OtlpValue | undefined): unknown {
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(toPlain);
  if (value?.kvlistValue) {
    return Object.fromEntries((value.kvlistValue.values ?? []).map((entry) => [entry.key, toPlain(entry.value)]));
  }
  if (value?.intValue !== undefined) return String(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue ?? value?.bytesValue ?? '';
}

/** OTLP/JSON says hex; some exporters follow protobuf's JSON mapping and send base64. */
function toHexId(id: string, byteLength: number): string {
  return id.length === byteLength * 2 || id === '' ? id.toLowerCase() : Buffer.from(id, 'base64').toString('hex');
}

function micros(nanos: string | number): number {
  return Number(BigInt(nanos) / 1000n);
}

function kindOf(kind: number | string | undefined): ZipkinSpan['kind'] {
  switch (kind) {
    case 2:
    case 'SPAN_KIND_SERVER':
      return 'SERVER';
    case 3:
    case 'SPAN_KIND_CLIENT':
      return 'CLIENT';
    case 4:
    case 'SPAN_KIND_PRODUCER':
      return 'PRODUCER';
    case 5:
    case 'SPAN_KIND_CONSUMER':
      return 'CONSUMER';
    default:
      return undefined;
  }
}

function statusOf(code: number | string | undefined): 'OK' | 'ERROR' | undefined {
  if (code === 1 || code === 'STATUS_CODE_OK') return 'OK';
  return code === 2 || code === 'STATUS_CODE_ERROR' ? 'ERROR' : undefined;
}
