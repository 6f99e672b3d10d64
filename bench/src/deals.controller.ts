import { Body, Controller, Inject, Post } from '@nestjs/common';
import { opportunityCorrelationId, type OpportunityClosedWon } from '@throughline/contracts';
import type { Messaging } from '@throughline/messaging';
import { MESSAGING } from '@throughline/service';
import { z } from 'zod';
import { atPace } from './pace.js';
import { sampleOpportunity } from './sample.js';

const closeRequest = z.object({
  run: z.string(),
  count: z.int().min(1).max(200_000),
  perSecond: z.number().positive().optional(),
});

/** Deals that close in one transaction where no pace is asked for. */
const PER_TRANSACTION = 100;

export interface Closed {
  /** When the outbox commit of each deal was answered, wall clock in milliseconds. */
  commits: { correlationId: string; atMs: number }[];
  /** How much later than planned the worst deal was begun, where a pace was asked for: above a few, the pace was not kept. */
  behindMs: number;
}

/** Closes deals on request: as fast as the outbox takes them, or at a steady pace, one transaction each. */
@Controller('deals')
export class DealsController {
  constructor(@Inject(MESSAGING) private readonly messaging: Messaging) {}

  @Post()
  close(@Body() body: unknown): Promise<Closed> {
    const { run, count, perSecond } = closeRequest.parse(body);
    return perSecond ? this.closePaced(run, count, perSecond) : this.closeAll(run, count);
  }

  private async closeAll(run: string, count: number): Promise<Closed> {
    const commits: Closed['commits'] = [];
    for (let from = 0; from < count; from += PER_TRANSACTION) {
      const size = Math.min(PER_TRANSACTION, count - from);
      await this.commit(
        Array.from({ length: size }, (_, offset) => sampleOpportunity(run, from + offset)),
        commits,
      );
    }
    return { commits, behindMs: 0 };
  }

  private async closePaced(run: string, count: number, perSecond: number): Promise<Closed> {
    const commits: Closed['commits'] = [];
    const { behindMs } = await atPace(count, perSecond, (index) =>
      this.commit([sampleOpportunity(run, index)], commits),
    );
    return { commits, behindMs };
  }

  private async commit(opportunities: OpportunityClosedWon[], commits: Closed['commits']): Promise<void> {
    const messages = opportunities.map((payload) => ({
      type: 'OpportunityClosedWon' as const,
      payload,
      correlationId: opportunityCorrelationId(payload.opportunityId, payload.occurrence),
    }));
    await this.messaging.transaction(async (tx) => {
      tx.emit(messages);
      // Not after the transaction: until then the relay may have begun to publish, and the time would be ours and not the path's.
      tx.onCommit(() => {
        const atMs = performance.timeOrigin + performance.now();
        for (const { correlationId } of messages) commits.push({ correlationId, atMs });
      });
    });
  }
}
