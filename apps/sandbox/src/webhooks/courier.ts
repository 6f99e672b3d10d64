import type { Database } from '@throughline/postgres';
import type { FaultBox } from '../faults/fault-box.js';
import { Poller } from '../poller.js';
import { signHubSpot, signStripe } from './sign.js';
import type { WebhookVendor } from './webhook-queue.js';

interface Delivery {
  id: string;
  vendor: WebhookVendor;
  event: Record<string, unknown>;
  attempt: number;
}

export interface CourierOptions {
  targets: Record<WebhookVendor, string[]>;
  secrets: Record<WebhookVendor, string>;
  timeoutMs: number;
  /** Wait before the second attempt; doubles up to `retryMaxMs`. */
  retryMs: number;
  retryMaxMs: number;
  /** HubSpot gives up after 10 attempts; Stripe goes on for days. */
  maxAttempts: Record<WebhookVendor, number>;
  onError: (error: unknown) => void;
}

const batchSize = { hubspot: 100, stripe: 1 };
const maxInFlight = 16;

const claimDue = {
  name: 'webhook-due',
  text: `SELECT id, vendor, event, attempt FROM webhook_delivery
    WHERE due_at <= $1 AND id <> ALL($2::bigint[]) ORDER BY due_at, id LIMIT 400`,
};
const deleteSent = { name: 'webhook-sent', text: 'DELETE FROM webhook_delivery WHERE id = ANY($1::bigint[])' };
const postpone = {
  name: 'webhook-postpone',
  text: `UPDATE webhook_delivery SET attempt = attempt + 1, due_at = $2 WHERE id = ANY($1::bigint[])`,
};

/** Sends queued webhooks until they are answered 2xx or given up. A crash loses none: rows leave after the answer. */
export class Courier {
  private readonly poller: Poller;
  private readonly inFlight = new Set<string>();
  private readonly sending = new Set<Promise<void>>();
  private turn = 0;

  constructor(
    private readonly database: Database,
    private readonly faults: FaultBox,
    private readonly options: CourierOptions,
  ) {
    this.poller = new Poller(() => this.sendDue(), 100, options.onError);
  }

  start(): void {
    this.poller.start();
  }

  nudge(): void {
    this.poller.nudge();
  }

  async stop(): Promise<void> {
    await this.poller.stop();
    await Promise.all(this.sending);
  }

  private async sendDue(): Promise<boolean> {
    await this.faults.flush();
    if (this.sending.size >= maxInFlight) return false;
    const due = await this.database.transaction((tx) => tx.query<Delivery>(claimDue, [new Date(), [...this.inFlight]]));
    for (const batch of intoBatches(due)) {
      if (this.sending.size >= maxInFlight) break;
      const sending = this.send(batch)
        .catch(this.options.onError)
        .finally(() => {
          this.sending.delete(sending);
          this.poller.nudge();
        });
      this.sending.add(sending);
    }
    return false;
  }

  private async send(batch: Delivery[]): Promise<void> {
    const ids = batch.map((delivery) => delivery.id);
    for (const id of ids) this.inFlight.add(id);
    try {
      const delivered = await this.post(batch);
      await this.settle(batch, delivered);
    } finally {
      for (const id of ids) this.inFlight.delete(id);
    }
  }

  /** Tries the targets in turn, going on to the next only where nobody answered: a refusal is an answer. */
  private async post(batch: Delivery[]): Promise<boolean> {
    const vendor = batch[0]!.vendor;
    const urls = this.options.targets[vendor];
    const first = this.turn++;
    for (let offset = 0; offset < urls.length; offset++) {
      const answer = await this.postTo(urls[(first + offset) % urls.length]!, vendor, batch);
      if (answer !== 'unreachable') return answer === 'delivered';
    }
    return false;
  }

  private async postTo(
    url: string,
    vendor: WebhookVendor,
    batch: Delivery[],
  ): Promise<'delivered' | 'failed' | 'unreachable'> {
    const body = JSON.stringify(
      vendor === 'stripe'
        ? batch[0]!.event
        : batch.map(({ event, attempt }) => ({ ...event, attemptNumber: attempt - 1 })),
    );
    const secret = this.options.secrets[vendor];
    const signature =
      vendor === 'stripe' ? signStripe(secret, body, Date.now()) : signHubSpot(secret, url, body, Date.now());
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': vendor === 'stripe' ? 'Stripe/1.0' : 'HubSpot Connect 2.0',
          ...signature,
        },
        body,
        signal: AbortSignal.timeout(this.options.timeoutMs),
      });
      await response.arrayBuffer();
      if (response.ok) return 'delivered';
      return response.status >= 502 && response.status <= 504 ? 'unreachable' : 'failed';
    } catch (error) {
      return (error as Error).name === 'TimeoutError' ? 'failed' : 'unreachable';
    }
  }

  private async settle(batch: Delivery[], delivered: boolean): Promise<void> {
    const { maxAttempts, retryMs, retryMaxMs } = this.options;
    const isOver = (delivery: Delivery) => delivered || delivery.attempt >= maxAttempts[delivery.vendor];
    const over = batch.filter(isOver).map(({ id }) => id);
    const again = Map.groupBy(
      batch.filter((delivery) => !isOver(delivery)),
      ({ attempt }) => attempt,
    );
    await this.database.transaction(async (tx) => {
      if (over.length > 0) await tx.query(deleteSent, [over]);
      for (const [attempt, deliveries] of again) {
        const waitMs = Math.min(retryMs * 2 ** (attempt - 1), retryMaxMs);
        await tx.query(postpone, [deliveries.map(({ id }) => id), new Date(Date.now() + waitMs)]);
      }
    });
  }
}

function intoBatches(due: Delivery[]): Delivery[][] {
  const batches: Delivery[][] = [];
  for (const [vendor, deliveries] of Map.groupBy(due, (delivery) => delivery.vendor)) {
    for (let start = 0; start < deliveries.length; start += batchSize[vendor]) {
      batches.push(deliveries.slice(start, start + batchSize[vendor]));
    }
  }
  return batches;
}
