import { trace } from '@opentelemetry/api';
import { destination, pino, type Logger, type LoggerOptions } from 'pino';

export type { Logger } from 'pino';

/** Names whose values never reach a log line. */
const SECRET_PATHS = [
  'password',
  'token',
  'secret',
  'authorization',
  '*.password',
  '*.token',
  '*.secret',
  '*.authorization',
  'headers.authorization',
];

/**
 * A structured logger: one JSON line per entry, with the active trace's id.
 * @param options.standardError writes there instead of to standard output, which in a command belongs to its result
 */
export function logger(name: string, options: { level?: string; standardError?: boolean } = {}): Logger {
  const settings: LoggerOptions = {
    name,
    level: options.level ?? 'info',
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    mixin() {
      const spanContext = trace.getActiveSpan()?.spanContext();
      return spanContext ? { trace_id: spanContext.traceId, span_id: spanContext.spanId } : {};
    },
  };
  return options.standardError ? pino(settings, destination({ dest: process.stderr.fd, sync: true })) : pino(settings);
}
