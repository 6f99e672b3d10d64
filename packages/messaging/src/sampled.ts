/** Whether a W3C traceparent belongs to a trace that is recorded. */
export function isSampled(traceparent: string | null | undefined): boolean {
  return traceparent != null && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
}
