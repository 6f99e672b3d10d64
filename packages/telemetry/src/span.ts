import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { describeError } from './describe-error.js';

export { SpanKind, type Attributes, type Span } from '@opentelemetry/api';

const tracer = trace.getTracer('throughline');

export interface SpanOptions {
  /** W3C traceparent of the parent; default: the active span. `null` starts a trace of its own. */
  parent?: string | null | undefined;
  kind?: SpanKind;
  attributes?: Attributes;
  /** Traceparents of spans this one belongs with but does not descend from. */
  links?: (string | undefined)[];
}

/** Starts a span that the caller ends. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const unsampled = options.parent ? unsampledContext(options.parent) : undefined;
  // A parent's decision always wins, so nothing would be recorded: the parent itself is handed on, which costs nothing.
  if (unsampled) return trace.wrapSpanContext(unsampled);
  return tracer.startSpan(
    name,
    {
      kind: options.kind ?? SpanKind.INTERNAL,
      ...(options.attributes && { attributes: options.attributes }),
      ...(options.links && { links: toLinks(options.links) }),
    },
    parentContext(options.parent),
  );
}

/** Runs `fn` within a span, records its failure, and ends the span. */
export async function withSpan<T>(name: string, options: SpanOptions, fn: (span: Span) => Promise<T> | T): Promise<T> {
  const span = startSpan(name, options);
  try {
    return await withActiveSpan(span, () => fn(span), options.parent === undefined ? context.active() : ROOT_CONTEXT);
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Runs `fn` with this span active. */
export function withActiveSpan<T>(span: Span, fn: () => T, within: Context = context.active()): T {
  return context.with(trace.setSpan(within, span), fn);
}

/** Marks a span failed, with the error's code where it has one. */
export function failSpan(span: Span, error: unknown): void {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) });
}

/** Adds links to spans known only after this one started. */
export function linkSpan(span: Span, traceparents: (string | undefined)[]): void {
  if (span.isRecording()) span.addLinks(toLinks(traceparents));
}

/** The W3C traceparent of a span, or of the active one; `undefined` outside any. */
export function traceparentOf(span: Span | undefined = trace.getActiveSpan()): string | undefined {
  const spanContext = span?.spanContext();
  if (!spanContext || !trace.isSpanContextValid(spanContext)) return undefined;
  return `00-${spanContext.traceId}-${spanContext.spanId}-${spanContext.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The traceparent of the active span. */
export function currentTraceparent(): string | undefined {
  return traceparentOf();
}

/** The trace id within a traceparent. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return /^00-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1];
}

/** As the W3C writes it, with the recorded flag off. */
const UNSAMPLED = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f][02468ace]$/;

function unsampledContext(traceparent: string): SpanContext | undefined {
  const match = UNSAMPLED.exec(traceparent);
  return match ? { traceId: match[1]!, spanId: match[2]!, traceFlags: TraceFlags.NONE, isRemote: true } : undefined;
}

function parentContext(parent: string | null | undefined): Context {
  if (parent === undefined) return context.active();
  return parent === null ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent: parent });
}

function toLinks(
  traceparents: (string | undefined)[],
): { context: NonNullable<ReturnType<typeof trace.getSpanContext>> }[] {
  return traceparents.flatMap((traceparent) => {
    const spanContext = traceparent ? trace.getSpanContext(parentContext(traceparent)) : undefined;
    return spanContext ? [{ context: spanContext }] : [];
  });
}
