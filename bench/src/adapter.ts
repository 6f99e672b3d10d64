/**
 * An adapter of the measured path: the shipped bootstrap, bus and work queue, with a vendor that is one table. Run as
 * `node --import @throughline/telemetry/register dist/adapter.js`, with ADAPTER naming the side it plays.
 */
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { opportunityCorrelationId } from '@throughline/contracts';
import { defineRoutes, effect, messagingMigrations, type Messaging, type Routes } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { DATABASE, MESSAGING, ROUTES, serviceConfigShape, startService } from '@throughline/service';
import { z } from 'zod';
import { CreateVendorEffect1790000000100 } from './create-vendor-effect.js';
import { sampleOpportunity } from './sample.js';

const sides = ['revenue', 'ops', 'finance'] as const;
const side = z.enum(sides).parse(process.env['ADAPTER']);

const INSERT_EFFECT = {
  name: 'insert-vendor-effect',
  text: `INSERT INTO vendor_effect (idempotency_key, correlation_id, kind, committed_at)
         VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT (idempotency_key) DO NOTHING`,
};

/** What stands for a vendor: one idempotent insert with a commit of its own. */
async function vendorEffect(database: Database, key: string, correlationId: string, kind: string): Promise<void> {
  await database.query(INSERT_EFFECT, [key, correlationId, kind]);
}

const NOW = '2026-11-22T10:00:00.000Z';

function routes(database: Database): Routes {
  const policy = { dependency: 'bench-vendor' };
  const reply = (correlationId: string, causationId: string) => ({ correlationId, causationId });
  switch (side) {
    case 'revenue':
      return defineRoutes({ group: 'bench-revenue', emits: ['OpportunityClosedWon'] });
    case 'ops':
      return defineRoutes({
        group: 'bench-ops',
        emits: ['OrderCreated', 'OrderProvisioned'],
        routes: {
          CreateOrder: effect<'CreateOrder'>(async ({ payload, envelope }, context) => {
            await vendorEffect(database, context.idempotencyKey('create'), envelope.correlationId, 'order');
            const { orderId, opportunityId, occurrence, currency, totalAmount } = payload;
            const created = {
              orderId,
              opportunityId,
              occurrence,
              currency,
              totalAmount,
              orderNumber: orderId.slice(0, 8),
              createdAt: NOW,
              externalIds: [],
            };
            return {
              emit: [{ type: 'OrderCreated', payload: created, ...reply(envelope.correlationId, envelope.id) }],
            };
          }, policy),
          ProvisionOrder: effect<'ProvisionOrder'>(async ({ payload, envelope }, context) => {
            await vendorEffect(database, context.idempotencyKey('fulfil'), envelope.correlationId, 'fulfilment');
            const provisioned = { ...payload, provisionedAt: NOW, externalIds: [] };
            return {
              emit: [{ type: 'OrderProvisioned', payload: provisioned, ...reply(envelope.correlationId, envelope.id) }],
            };
          }, policy),
        },
      });
    case 'finance':
      return defineRoutes({
        group: 'bench-finance',
        emits: ['InvoiceIssued', 'RevenueScheduleRecorded'],
        routes: {
          IssueInvoice: effect<'IssueInvoice'>(async ({ payload, envelope }, context) => {
            await vendorEffect(database, context.idempotencyKey('issue'), envelope.correlationId, 'invoice');
            const { invoiceId, orderId, opportunityId, occurrence, currency, totalAmount } = payload;
            const issued = {
              invoiceId,
              orderId,
              opportunityId,
              occurrence,
              currency,
              totalAmount,
              invoiceNumber: invoiceId.slice(0, 8),
              issuedAt: NOW,
              externalIds: [],
            };
            return {
              emit: [{ type: 'InvoiceIssued', payload: issued, ...reply(envelope.correlationId, envelope.id) }],
            };
          }, policy),
          RecordRevenueSchedule: effect<'RecordRevenueSchedule'>(async ({ payload, envelope }, context) => {
            await vendorEffect(database, context.idempotencyKey('record'), envelope.correlationId, 'schedule');
            const recorded = { ...payload, entryCount: 12, recordedAt: NOW, externalIds: [] };
            return {
              emit: [
                { type: 'RevenueScheduleRecorded', payload: recorded, ...reply(envelope.correlationId, envelope.id) },
              ],
            };
          }, policy),
        },
      });
  }
}

const emitRequest = z.object({
  run: z.string(),
  count: z.int().min(1).max(200_000),
  perSecond: z.number().positive().optional(),
});
/** Deals that close in one transaction where no pace is asked for. */
const PER_TRANSACTION = 100;

/** Closes deals on request: as fast as the outbox takes them, or at a steady pace, one transaction each. */
@Controller()
class EmitController {
  private commits: { correlationId: string; committedAtMs: number }[] = [];

  constructor(@Inject(MESSAGING) private readonly messaging: Messaging) {}

  @Post('emit')
  async emit(@Body() body: unknown): Promise<{ emitted: number }> {
    const { run, count, perSecond } = emitRequest.parse(body);
    this.commits = [];
    const start = performance.now();
    for (let index = 0; index < count;) {
      const size = perSecond ? 1 : Math.min(PER_TRANSACTION, count - index);
      const opportunities = Array.from({ length: size }, (_, offset) => sampleOpportunity(run, index + offset));
      if (perSecond)
        await new Promise((resolve) => setTimeout(resolve, start + (index * 1_000) / perSecond - performance.now()));
      const done = this.close(opportunities);
      // At a steady pace the next deal does not wait for this one's commit.
      if (!perSecond || index + size >= count) await done;
      index += size;
    }
    return { emitted: count };
  }

  @Get('commits')
  committed(): { correlationId: string; committedAtMs: number }[] {
    return this.commits;
  }

  private async close(opportunities: ReturnType<typeof sampleOpportunity>[]): Promise<void> {
    const messages = opportunities.map((payload) => ({
      type: 'OpportunityClosedWon' as const,
      payload,
      correlationId: opportunityCorrelationId(payload.opportunityId, payload.occurrence),
    }));
    await this.messaging.transaction(async (tx) => tx.emit(messages));
    const committedAtMs = performance.timeOrigin + performance.now();
    for (const { correlationId } of messages) this.commits.push({ correlationId, committedAtMs });
  }
}

@Module({
  controllers: side === 'revenue' ? [EmitController] : [],
  providers: [{ provide: ROUTES, inject: [DATABASE], useFactory: routes }],
})
class BenchAdapterModule {}

await startService({
  name: `bench-${side}`,
  description: 'One side of the measured path.',
  configShape: serviceConfigShape,
  module: BenchAdapterModule,
  migrations: [...messagingMigrations, CreateVendorEffect1790000000100],
});
