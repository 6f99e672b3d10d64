/** What the environment says about telemetry; names and defaults are OpenTelemetry's own unless marked. */
export interface TelemetryConfig {
  /** OTEL_SERVICE_NAME. */
  serviceName: string;
  /** OTEL_SDK_DISABLED=true turns everything off. */
  disabled: boolean;
  /** OTEL_EXPORTER_OTLP_ENDPOINT, base address; without it spans are made and passed on, but not exported. */
  endpoint: string | undefined;
  /** OTEL_EXPORTER_OTLP_PROTOCOL. */
  protocol: 'http/protobuf' | 'http/json';
  /** OTEL_TRACES_SAMPLER_ARG: share of new traces that are recorded, 0 to 1. Ours: 0.1. A parent's decision always wins. */
  samplingRatio: number;
}

/** The share of traces recorded where nothing else is said. */
const SHIPPED_SAMPLING_RATIO = 0.1;

/** Parses the environment; throws an error that names the variable. */
export function telemetryConfig(env: NodeJS.ProcessEnv): TelemetryConfig {
  const protocol = env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}": use http/protobuf or http/json.`);
  }
  const samplingRatio = Number(env['OTEL_TRACES_SAMPLER_ARG'] ?? SHIPPED_SAMPLING_RATIO);
  if (!(samplingRatio >= 0 && samplingRatio <= 1)) {
    throw new Error(`OTEL_TRACES_SAMPLER_ARG is "${env['OTEL_TRACES_SAMPLER_ARG']}": use a number from 0 to 1.`);
  }
  return {
    serviceName: env['OTEL_SERVICE_NAME'] ?? 'throughline',
    disabled: env['OTEL_SDK_DISABLED'] === 'true',
    endpoint: env['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined,
    protocol,
    samplingRatio,
  };
}
