import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions/incubating';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { telemetryConfig } from './config.js';

/** How often finished spans leave, in milliseconds. */
const EXPORT_INTERVAL_MS = 1_000;
/** Finished spans kept in memory while the collector is slow or away; beyond it the newest are dropped, never the service. */
const SPAN_QUEUE_MAX = 16_384;
const EXPORT_TIMEOUT_MS = 5_000;

/** Requests that would only be noise in a trace. */
const QUIET_PATHS = /^\/(health|metrics|docs)/;

let sdk: NodeSDK | undefined;
let metrics: PrometheusExporter | undefined;

/** Starts OpenTelemetry for this process. Called once by `./register`. */
export function startTelemetry(env: NodeJS.ProcessEnv): void {
  const config = telemetryConfig(env);
  if (config.disabled) return;
  metrics = new PrometheusExporter({ preventServerStart: true });
  sdk = new NodeSDK({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: config.serviceName,
      [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
    }),
    autoDetectResources: false,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.samplingRatio) }),
    spanProcessors: config.endpoint ? [spanProcessor(config.endpoint, config.protocol)] : [],
    metricReaders: [metrics],
    instrumentations: [
      new HttpInstrumentation({
        requireParentforOutgoingSpans: true,
        ignoreIncomingRequestHook: (request) => QUIET_PATHS.test(request.url ?? ''),
      }),
      new UndiciInstrumentation({ requireParentforSpans: true }),
    ],
  });
  sdk.start();
}

/** Sends what is still queued and stops. Bounded by the exporter's own time limit. */
export async function stopTelemetry(): Promise<void> {
  await sdk?.shutdown().catch(() => undefined);
  sdk = undefined;
}

/** Answers a Prometheus scrape. */
export function answerMetrics(request: IncomingMessage, response: ServerResponse): void {
  if (metrics) metrics.getMetricsRequestHandler(request, response);
  else response.writeHead(503).end('# telemetry is off (OTEL_SDK_DISABLED)\n');
}

function spanProcessor(endpoint: string, protocol: 'http/protobuf' | 'http/json'): BatchSpanProcessor {
  const options = { url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS };
  const exporter = protocol === 'http/json' ? new JsonTraceExporter(options) : new ProtobufTraceExporter(options);
  return new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: EXPORT_INTERVAL_MS,
    maxQueueSize: SPAN_QUEUE_MAX,
    maxExportBatchSize: 2_048,
  });
}
