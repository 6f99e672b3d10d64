import { Client as HubspotClient } from '@hubspot/api-client';
import { Admin, Client as MedusaClient } from '@medusajs/js-sdk';
import { fromMinorUnits, type Decimal } from '@throughline/contracts';
import { Stripe } from 'stripe';
import type { TopologyInput } from '../../apps/cli/src/topology.js';

/** An order in Medusa with what left the house and what came back, each as its own record says. */
export interface OrderRecord {
  number: string;
  createdAt: string;
  lines: OrderLineRecord[];
  /** One for each line of each receipt. */
  received: { sku: string; quantity: number }[];
}

export interface OrderLineRecord {
  /** In Medusa. */
  id: string;
  sku: string;
  quantity: number;
  /** Over all fulfilments that were not cancelled. */
  fulfilled: number;
  /** Of these, what left. */
  shipped: number;
}

/** What the systems have on record besides the books of the demo: goods, credit notes, and people's approvals. */
export interface Records {
  /** By number. */
  orders: ReadonlyMap<string, OrderRecord>;
  /** What each credit note of an invoice came to, by the id of the invoice at Stripe. */
  credits: ReadonlyMap<string, readonly Decimal[]>;
  /** What is on the shelf, by SKU. */
  shelf: ReadonlyMap<string, number>;
  /** Who approved what was decided for a deal, and when, by the id of the opportunity. */
  approvals: ReadonlyMap<string, readonly Approval[]>;
}

export interface Approval {
  by: string;
  at: string;
}

const PAGE = 100;
const TIMEOUT_MS = 10_000;
const ORDER_FIELDS =
  'id,display_id,created_at,items.id,items.quantity,items.metadata,fulfillments.canceled_at,fulfillments.shipped_at,fulfillments.items.quantity,fulfillments.items.line_item_id';

/** Reads them by the vendors' own SDKs, as anybody with access to these systems does. */
export class RecordReader {
  private readonly hubspot: HubspotClient;
  private readonly stripe: Stripe;
  private readonly medusa: Admin;

  constructor({ secrets, instances }: TopologyInput) {
    const port = instances.find(({ service }) => service === 'sandbox')?.port ?? 0;
    const baseUrl = `http://127.0.0.1:${port}`;
    this.hubspot = new HubspotClient({ accessToken: secrets.hubspotAccessToken, basePath: baseUrl });
    this.stripe = new Stripe(secrets.stripeSecretKey, { protocol: 'http', host: '127.0.0.1', port, telemetry: false });
    this.medusa = new Admin(new MedusaClient({ baseUrl, apiKey: secrets.medusaApiKey }));
  }

  /** The ids of a deal's line items, by SKU. */
  async lineIds(dealId: string): Promise<Map<string, string>> {
    const deal = await this.hubspot.crm.deals.basicApi.getById(dealId, [], undefined, ['line_items']);
    const lines = deal.associations?.['line items']?.results ?? [];
    const { results } = await this.hubspot.crm.lineItems.batchApi.read({
      inputs: lines.map(({ id }) => ({ id })),
      properties: ['hs_sku'],
      propertiesWithHistory: [],
    });
    return new Map(results.map(({ id, properties }) => [properties['hs_sku'] ?? '', id]));
  }

  /** One order by its id in Medusa. */
  async order(id: string): Promise<OrderRecord> {
    const { order } = await this.medusa.order.retrieve(id, { fields: ORDER_FIELDS });
    const { returns } = await this.medusa.return.list({ order_id: id, limit: PAGE });
    return toOrderRecord(order as unknown as MedusaOrder, returns);
  }

  async onShelf(sku: string): Promise<number> {
    const { inventory_items: items } = await this.medusa.inventoryItem.list({ sku });
    return items[0]?.location_levels?.[0]?.stocked_quantity ?? 0;
  }

  /** @param skus what is kept in stock; @param opportunityIds of deals that people had to decide on */
  async all(orchestratorUrl: string, skus: string[], opportunityIds: string[]): Promise<Records> {
    const approvals = new Map<string, Approval[]>();
    for (const id of opportunityIds) approvals.set(id, await readApprovals(orchestratorUrl, id));
    const shelf = new Map<string, number>();
    for (const sku of skus) shelf.set(sku, await this.onShelf(sku));
    return { orders: await this.orders(), credits: await this.credits(), shelf, approvals };
  }

  private async orders(): Promise<Records['orders']> {
    const returns: MedusaReturn[] = [];
    for (let offset = 0; ;) {
      const page = await this.medusa.return.list({ limit: PAGE, offset });
      returns.push(...(page.returns as unknown as MedusaReturn[]));
      offset += page.returns.length;
      if (page.returns.length === 0 || offset >= page.count) break;
    }
    const records = new Map<string, OrderRecord>();
    for (let offset = 0; ;) {
      const page = await this.medusa.order.list({ limit: PAGE, offset, fields: ORDER_FIELDS });
      for (const order of page.orders as unknown as MedusaOrder[]) {
        const record = toOrderRecord(
          order,
          returns.filter(({ order_id }) => order_id === order.id),
        );
        records.set(record.number, record);
      }
      offset += page.orders.length;
      if (page.orders.length === 0 || offset >= page.count) return records;
    }
  }

  private async credits(): Promise<Records['credits']> {
    const notes = new Map<string, Decimal[]>();
    for await (const { invoice, amount, currency, status } of this.stripe.creditNotes.list({ limit: PAGE })) {
      if (status !== 'issued') continue;
      const id = typeof invoice === 'string' ? invoice : invoice.id;
      notes.set(id, [...(notes.get(id) ?? []), fromMinorUnits(amount, currency.toUpperCase())]);
    }
    return notes;
  }
}

interface MedusaOrder {
  id: string;
  display_id: number;
  created_at: string;
  items: { id: string; quantity: number; metadata: Record<string, unknown> | null }[];
  fulfillments: {
    canceled_at: string | null;
    shipped_at: string | null;
    items: { line_item_id: string; quantity: number }[];
  }[];
}

interface MedusaReturn {
  order_id: string;
  items: { item_id: string; received_quantity: number }[];
}

function toOrderRecord(order: MedusaOrder, returns: MedusaReturn[]): OrderRecord {
  const standing = order.fulfillments.filter(({ canceled_at }) => canceled_at === null);
  const quantityIn = (fulfilments: MedusaOrder['fulfillments'], lineId: string): number =>
    fulfilments
      .flatMap(({ items }) => items.filter(({ line_item_id }) => line_item_id === lineId))
      .reduce((sum, { quantity }) => sum + quantity, 0);
  const shipped = standing.filter(({ shipped_at }) => shipped_at !== null);
  const lines = order.items.map(({ id, quantity, metadata }) => {
    const sku = String(metadata?.['throughline_sku']);
    return { id, sku, quantity, fulfilled: quantityIn(standing, id), shipped: quantityIn(shipped, id) };
  });
  const received = returns
    .flatMap(({ items }) => items)
    .filter(({ received_quantity }) => received_quantity > 0)
    .map(({ item_id, received_quantity }) => ({
      sku: lines.find(({ id }) => id === item_id)?.sku ?? item_id,
      quantity: received_quantity,
    }));
  return { number: String(order.display_id), createdAt: order.created_at, lines, received };
}

async function readApprovals(orchestratorUrl: string, opportunityId: string): Promise<Approval[]> {
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${orchestratorUrl}/v1/tasks${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`the orchestrator answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const { tasks } = await ask<{ tasks: { id: string }[] }>(`?status=approved&key=${opportunityId}`);
  const found = await Promise.all(
    tasks.map(({ id }) => ask<{ approvals: { by: { id: string }; at: string }[] }>(`/${id}`)),
  );
  return found.flatMap(({ approvals }) => approvals.map(({ by, at }) => ({ by: by.id, at })));
}
