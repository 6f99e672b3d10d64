import type { Tx } from '@throughline/postgres';
import type { FaultBox } from '../faults/fault-box.js';

export type WebhookVendor = 'hubspot' | 'stripe';

export interface WebhookEvent {
  /** `deal.propertyChange`, `invoice.paid`: what a webhook fault's `events` expression is matched against. */
  type: string;
  payload: object;
}

const insertDelivery = {
  name: 'webhook-queue',
  text: `INSERT INTO webhook_delivery (vendor, event, created_at, due_at)
    SELECT $1, event, $3, due_at FROM unnest($2::jsonb[], $4::timestamptz[]) AS t(event, due_at)`,
};

/** Queues events in the transaction of the change they tell of; webhook faults decide here how often and when each is sent. */
export class WebhookQueue {
  constructor(
    private readonly faults: FaultBox,
    private readonly targets: Record<WebhookVendor, string[]>,
  ) {}

  async add(tx: Tx, vendor: WebhookVendor, events: WebhookEvent[], now: Date): Promise<void> {
    if (this.targets[vendor].length === 0) return;
    const deliveries = events.flatMap((event) =>
      this.faults
        .webhookDelays(vendor, event.type)
        .map((delayMs) => ({ event: JSON.stringify(event.payload), dueAt: new Date(now.getTime() + delayMs) })),
    );
    if (deliveries.length === 0) return;
    await tx.query(insertDelivery, [
      vendor,
      deliveries.map(({ event }) => event),
      now,
      deliveries.map(({ dueAt }) => dueAt),
    ]);
  }
}
