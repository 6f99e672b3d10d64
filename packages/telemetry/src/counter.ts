import { metrics, type Attributes, type Counter, type Histogram } from '@opentelemetry/api';

const meter = metrics.getMeter('throughline');

/** A monotonic count, for example of refused webhooks; unit as in UCUM, `{request}` style for things that are counted. */
export function counter(name: string, options: { description: string; unit?: string }): Counter {
  return meter.createCounter(name, options);
}

/** From a few milliseconds to an hour, in seconds; OpenTelemetry's own default buckets are made for milliseconds. */
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/** A distribution of durations, in seconds. */
export function durations(name: string, options: { description: string }): Histogram {
  return meter.createHistogram(name, { ...options, unit: 's', advice: { explicitBucketBoundaries: SECONDS_BUCKETS } });
}

/** A value that is asked for at each scrape. */
export function gauge(
  name: string,
  options: { description: string; unit?: string },
  read: () => { value: number; attributes?: Attributes }[],
): void {
  meter.createObservableGauge(name, options).addCallback((result) => {
    for (const { value, attributes } of read()) result.observe(value, attributes);
  });
}
