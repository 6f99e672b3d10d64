import { metrics, type Attributes, type Counter, type Histogram } from '@opentelemetry/api';

const meter = metrics.getMeter('throughline');

/** A monotonic count, for example of refused webhooks; unit as in UCUM, `{request}` style for things that are counted. */
export function counter(name: string, options: { description: string; unit?: string }): Counter {
  return meter.createCounter(name, options);
}

/** A distribution, for example of durations in seconds. */
export function histogram(name: string, options: { description: string; unit: string }): Histogram {
  return meter.createHistogram(name, options);
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
