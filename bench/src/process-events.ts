import { canonicalId, opportunityCorrelationId, type MessageType } from '@throughline/contracts';
import type { ProcessEvent } from '@throughline/process';
import { sampleOpportunity } from './sample.js';

/** The event that starts a measured process, as the orchestrator gets it. */
export function startOf(run: string, index: number, time: string, key?: string): ProcessEvent {
  const payload = sampleOpportunity(run, index);
  return eventOf('OpportunityClosedWon', time, { ...payload, ...(key && { opportunityId: key }) });
}

/** The four answers that bring the process to its end, in their order. */
export function answersTo({ payload, correlationId, time }: ProcessEvent): ProcessEvent[] {
  const { opportunityId, occurrence, currency, totalAmount } = payload;
  const id = (field: string): string => canonicalId(correlationId, field);
  const [orderId, invoiceId, scheduleId] = [id('orderId'), id('invoiceId'), id('scheduleId')];
  const made = (system: string, type: string) => ({ externalIds: [{ system, tenant: 'bench', type, id: id(type) }] });
  const base = { orderId, opportunityId, occurrence };
  return [
    eventOf('OrderCreated', time, {
      ...base,
      ...{ currency, totalAmount, orderNumber: orderId.slice(0, 8), createdAt: time, ...made('medusa', 'order') },
    }),
    eventOf('OrderProvisioned', time, { ...base, provisionedAt: time, ...made('medusa', 'fulfillment') }),
    eventOf('InvoiceIssued', time, {
      ...{ ...base, invoiceId, currency, totalAmount, invoiceNumber: invoiceId.slice(0, 8), issuedAt: time },
      ...made('stripe', 'invoice'),
    }),
    eventOf('RevenueScheduleRecorded', time, {
      ...{ ...base, invoiceId, scheduleId, currency, totalAmount, entryCount: 12, recordedAt: time, externalIds: [] },
    }),
  ];
}

function eventOf(type: MessageType, time: string, payload: Record<string, unknown>): ProcessEvent {
  const correlationId = opportunityCorrelationId(payload['opportunityId'] as string, 1);
  const messageId = canonicalId(correlationId, type);
  const traceId = messageId.replaceAll('-', '');
  const traceparent = `00-${traceId}-${traceId.slice(0, 16)}-00`;
  return { messageId, type, payload, source: 'bench', time, correlationId, traceparent };
}
