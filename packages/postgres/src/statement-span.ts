import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Statement } from './database.js';

const tracer = trace.getTracer('@throughline/postgres');

/** A span per statement, only below a span that records: most transactions are not sampled and pay one property read. */
export function inStatementSpan<T>(statement: Statement, run: () => Promise<T>): Promise<T> {
  if (!trace.getActiveSpan()?.isRecording()) return run();
  return tracer.startActiveSpan(
    statement.name,
    { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql', 'db.query.summary': statement.name } },
    async (span) => {
      try {
        return await run();
      } catch (error) {
        span.recordException(error as Error);
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}
