import type { Queryable } from '@throughline/postgres';
import { failsTransiently } from './sample.js';

export type EffectKind = 'order' | 'fulfilment' | 'invoice' | 'schedule';

/** An effect that has been committed, at this wall clock in milliseconds as its caller saw it. */
export interface Ended {
  correlationId: string;
  atMs: number;
}

/** Idempotent, and a repetition leaves its mark. */
export const insertEffect = {
  name: 'insert-vendor-effect',
  text: `
    INSERT INTO vendor_effect (idempotency_key, correlation_id, kind, committed_at)
    VALUES ($1, $2, $3, clock_timestamp())
    ON CONFLICT (idempotency_key) DO UPDATE SET calls = vendor_effect.calls + 1`,
};

/** What the benchmark asks of a vendor while it measures: kept in memory, because counting rows would cost what is measured. */
export class Vendor {
  private failingShare = 0;
  private readonly counts = new Map<EffectKind, number>();
  private watched: { kind: EffectKind; count: number; ended: Ended[]; done: () => void } | undefined;

  constructor(private readonly database: Queryable) {}

  /** One idempotent insert with a commit of its own. Deals of the failing share fail first, as a vendor does that has a bad moment. */
  async effect(
    kind: EffectKind,
    call: { key: string; correlationId: string; opportunityId: string; attempt: number },
  ): Promise<void> {
    if (call.attempt <= FAILURES && failsTransiently(call.opportunityId, this.failingShare))
      throw new VendorBusyError();
    await this.database.query(insertEffect, [call.key, call.correlationId, kind]);
    this.counts.set(kind, this.count(kind) + 1);
    if (this.watched?.kind !== kind) return;
    this.watched.ended.push({
      correlationId: call.correlationId,
      atMs: performance.timeOrigin + performance.now(),
    });
    if (this.watched.ended.length === this.watched.count) this.watched.done();
  }

  /** Effects of this kind since the process started. */
  count(kind: EffectKind): number {
    return this.counts.get(kind) ?? 0;
  }

  failFrom(share: number): void {
    this.failingShare = share;
  }

  /** Resolves with the next `count` effects of this kind. */
  watch(kind: EffectKind, count: number): Promise<Ended[]> {
    return new Promise((resolve) => {
      const ended: Ended[] = [];
      this.watched = {
        kind,
        count,
        ended,
        done: () => {
          this.watched = undefined;
          resolve(ended);
        },
      };
    });
  }
}

/** Attempts at each effect of a failing deal that fail. */
const FAILURES = 3;

class VendorBusyError extends Error {
  readonly code = 'BENCH_VENDOR_BUSY';
  readonly retry = 'later';

  constructor() {
    super('The vendor is busy; it works again after a few attempts.');
  }
}
