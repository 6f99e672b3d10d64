/**
 * An adapter of the measured path: the shipped bootstrap, bus and work queue, with a vendor that is one table. Run as
 * `node --import @throughline/telemetry/register dist/adapter.js`, with ADAPTER naming the side it plays.
 */
import { Module } from '@nestjs/common';
import {
  defineRoutes,
  effect,
  messagingMigrations,
  type EffectContext,
  type Message,
  type OutgoingMessage,
  type Routes,
} from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { DATABASE, ROUTES, serviceConfigShape, startService } from '@throughline/service';
import { z } from 'zod';
import { CreateVendorEffect1790000000100 } from './create-vendor-effect.js';
import { DealsController } from './deals.controller.js';
import { VendorController } from './vendor.controller.js';
import { Vendor, type EffectKind } from './vendor.js';

const side = z.enum(['revenue', 'ops', 'finance']).parse(process.env['ADAPTER']);
const NOW = '2026-11-22T10:00:00.000Z';

type Command = 'CreateOrder' | 'ProvisionOrder' | 'IssueInvoice' | 'RecordRevenueSchedule';

function routes(vendor: Vendor): Routes {
  /** One call to the vendor, then its event. */
  const step = <T extends Command>(
    kind: EffectKind,
    answer: (message: Message<T>) => Omit<OutgoingMessage, 'correlationId'>,
  ) =>
    effect<T>(
      async (message, context: EffectContext) => {
        const { correlationId, id } = message.envelope;
        await vendor.effect(kind, {
          key: context.idempotencyKey(kind),
          correlationId,
          opportunityId: message.payload.opportunityId,
          attempt: context.attempt,
        });
        return { emit: [{ ...answer(message), correlationId, causationId: id } as OutgoingMessage] };
      },
      { dependency: 'bench-vendor' },
    );
  switch (side) {
    case 'revenue':
      return defineRoutes({ group: 'bench-revenue', emits: ['OpportunityClosedWon'] });
    case 'ops':
      return defineRoutes({
        group: 'bench-ops',
        emits: ['OrderCreated', 'OrderProvisioned'],
        routes: {
          CreateOrder: step<'CreateOrder'>('order', ({ payload }) => {
            const { orderId, opportunityId, occurrence, currency, totalAmount } = payload;
            const order = { orderId, opportunityId, occurrence, currency, totalAmount, externalIds: [] };
            return { type: 'OrderCreated', payload: { ...order, orderNumber: orderId.slice(0, 8), createdAt: NOW } };
          }),
          ProvisionOrder: step<'ProvisionOrder'>('fulfilment', ({ payload }) => {
            return { type: 'OrderProvisioned', payload: { ...payload, provisionedAt: NOW, externalIds: [] } };
          }),
        },
      });
    case 'finance':
      return defineRoutes({
        group: 'bench-finance',
        emits: ['InvoiceIssued', 'RevenueScheduleRecorded'],
        routes: {
          IssueInvoice: step<'IssueInvoice'>('invoice', ({ payload }) => {
            const { invoiceId, orderId, opportunityId, occurrence, currency, totalAmount } = payload;
            const invoice = { invoiceId, orderId, opportunityId, occurrence, currency, totalAmount, externalIds: [] };
            return {
              type: 'InvoiceIssued',
              payload: { ...invoice, invoiceNumber: invoiceId.slice(0, 8), issuedAt: NOW },
            };
          }),
          RecordRevenueSchedule: step<'RecordRevenueSchedule'>('schedule', ({ payload }) => {
            const schedule = { ...payload, entryCount: 12, recordedAt: NOW, externalIds: [] };
            return { type: 'RevenueScheduleRecorded', payload: schedule };
          }),
        },
      });
  }
}

@Module({
  controllers: side === 'revenue' ? [DealsController] : [VendorController],
  providers: [
    { provide: Vendor, inject: [DATABASE], useFactory: (database: Database) => new Vendor(database) },
    { provide: ROUTES, inject: [Vendor], useFactory: routes },
  ],
})
class BenchAdapterModule {}

await startService({
  name: `bench-${side}`,
  description: 'One side of the measured path.',
  configShape: serviceConfigShape,
  module: BenchAdapterModule,
  migrations: [...messagingMigrations, CreateVendorEffect1790000000100],
});
