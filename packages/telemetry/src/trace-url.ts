/** Zipkin's page of a trace; other viewers are linked by their own address alone. `null` without a viewer or a trace. */
export function traceUrl(viewerUrl: string | undefined, traceId: string | null | undefined): string | null {
  return viewerUrl && traceId ? `${viewerUrl.replace(/\/$/, '')}/zipkin/traces/${traceId}` : null;
}
