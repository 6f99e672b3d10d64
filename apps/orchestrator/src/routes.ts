import { defineRoutes, state, type Routes } from '@throughline/messaging';
import type { ServerClock } from '@throughline/postgres';
import type { ProcessRunner } from '@throughline/process/postgres';
import { takeEvents } from './take-events.js';

/**
 * Every lifecycle event goes the same way: into the instance it belongs to, whose definition (`processes/*.yaml`) decides what
 * follows. There is no vendor call here, so nothing can be slow or refused: a message that fails waits, or is
 * a dead letter, and what follows it in its instance waits behind it; other instances go on.
 */
export function orchestratorRoutes(runner: ProcessRunner, clock: ServerClock): Routes {
  // One route object: a batch of mixed events is then one call, one query and one write.
  const intoInstance = state(takeEvents(runner, clock));
  return defineRoutes({
    group: 'orchestrator',
    // An instance is fed by three topics: what waits for one of its events is the instance, and no other.
    orderBy: 'correlationId',
    routes: {
      OpportunityClosedWon: intoInstance,
      OpportunityRejected: intoInstance,
      OpportunityReopened: intoInstance,
      OpportunityUpdated: intoInstance,
      OpportunityUpdateRejected: intoInstance,

      OrderCreated: intoInstance,
      OrderRejected: intoInstance,
      OrderCancelled: intoInstance,
      OrderCancellationRejected: intoInstance,
      OrderProvisioned: intoInstance,
      OrderProvisioningRejected: intoInstance,
      OrderReleased: intoInstance,
      OrderReleaseRejected: intoInstance,

      InvoiceIssued: intoInstance,
      InvoiceRejected: intoInstance,
      InvoiceVoided: intoInstance,
      InvoiceCredited: intoInstance,
      InvoiceVoidRejected: intoInstance,
      PaymentReceived: intoInstance,

      RevenueScheduleRecorded: intoInstance,
      RevenueScheduleRejected: intoInstance,
      RevenueScheduleReversed: intoInstance,
      RevenueScheduleReversalRejected: intoInstance,
    },
    emits: [
      'CreateOrder',
      'CancelOrder',
      'ProvisionOrder',
      'ReleaseOrder',
      'IssueInvoice',
      'VoidInvoice',
      'RecordRevenueSchedule',
      'ReverseRevenueSchedule',
      'UpdateOpportunity',
    ],
  });
}
