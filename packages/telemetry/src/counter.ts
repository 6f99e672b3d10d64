import { metrics, type Attributes, type Counter, type Histogram } from '@opentelemetry/api';

const meter = metrics.getMeter('throughline');

/** A monotonic count, for example of refused webhooks; unit as in UCUM, `{request}` style for things that are counted. */
export function counter(name: string, options: { description: string; unit?: string }): Counter {
  return meter.createCounter(name, options);
}

/** From a millisecond to an hour, in seconds; OpenTelemetry's own default buckets are made for milliseconds. */
const SECONDS_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600,
];

/** A distribution of durations, in seconds. */
export function durations(name: string, options: { description: string }): Histogram {
  return meter.createHistogram(name, { ...options, unit: 's', advice: { explicitBucketBoundaries: SECONDS_BUCKETS } });
}

const COUNT_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** A distribution of how many there were at once; unit as for {@link counter}. */
export function sizes(name: string, options: { description: string; unit: string }): Histogram {
  return meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries: COUNT_BUCKETS } });
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
