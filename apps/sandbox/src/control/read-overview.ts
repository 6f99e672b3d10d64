import type { Tx } from '@throughline/postgres';

export interface DealRow {
  id: string;
  name: string | null;
  stage: string;
  amount: string | null;
  currency: string | null;
  closeDate: string | null;
  contractStart: string | null;
  contractEnd: string | null;
  company: string | null;
  orderNumber: string | null;
  invoiceNumber: string | null;
  modifiedAt: string;
  lines: { id: string; name: string | null; quantity: string | null; price: string | null; amount: string | null }[];
}

export interface OrderRow {
  id: string;
  number: number;
  status: string;
  isDraft: boolean;
  currency: string;
  email: string | null;
  items: number;
  fulfillments: number;
  /** Quantities over all lines. */
  ordered: number;
  shipped: number;
  returnable: number;
  returned: number;
  createdAt: string;
}

export interface StockRow {
  sku: string;
  product: string;
  /** null where no stock is kept: there is always enough. */
  stocked: number | null;
  /** Held for orders that are not fulfilled yet. */
  reserved: number | null;
}

export interface InvoiceRow {
  id: string;
  number: string | null;
  status: string;
  total: number;
  amountRemaining: number;
  /** By credit notes, before and after it was paid. */
  amountCredited: number;
  currency: string;
  customer: string;
  created: number;
}

export interface State {
  deals: Record<string, number>;
  orders: Record<string, number>;
  invoices: Record<string, number>;
  creditNotes: number;
  stripeCustomers: number;
  medusaCustomers: number;
  medusaProducts: number;
  webhooksWaiting: number;
  lateRequests: number;
}

/** How many rows a person is shown. */
const shown = 100;

const deals = {
  name: 'overview-deals',
  text: `SELECT d.id, d.properties->>'dealname' AS name, d.properties->>'dealstage' AS stage, d.properties->>'amount' AS amount,
      d.properties->>'deal_currency_code' AS currency, d.properties->>'closedate' AS "closeDate",
      d.properties->>'contract_start_date' AS "contractStart", d.properties->>'contract_end_date' AS "contractEnd",
      d.properties->>'throughline_order_number' AS "orderNumber", d.properties->>'throughline_invoice_number' AS "invoiceNumber",
      d.properties->>'hs_lastmodifieddate' AS "modifiedAt",
      (SELECT c.properties->>'name' FROM hubspot_association a JOIN hubspot_object c ON c.id = a.to_id
        WHERE a.from_id = d.id AND a.to_type = 'companies' ORDER BY a.type_id LIMIT 1) AS company,
      coalesce((SELECT jsonb_agg(jsonb_build_object('id', l.id::text, 'name', l.properties->>'name', 'quantity', l.properties->>'quantity',
          'price', l.properties->>'price', 'amount', l.properties->>'amount') ORDER BY l.id)
        FROM hubspot_association a JOIN hubspot_object l ON l.id = a.to_id AND NOT l.archived
        WHERE a.from_id = d.id AND a.to_type = 'line_items'), '[]') AS lines
    FROM hubspot_object d WHERE d.type = 'deals' AND NOT d.archived ORDER BY d.id DESC LIMIT ${shown}`,
};
const orders = {
  name: 'overview-orders',
  text: `SELECT id, (body->>'display_id')::int AS number, body->>'status' AS status, (body->>'is_draft_order')::boolean AS "isDraft",
      upper(body->>'currency_code') AS currency, body->>'email' AS email, jsonb_array_length(body->'items') AS items,
      (SELECT count(*)::int FROM jsonb_array_elements(body->'fulfillments') f WHERE f->>'canceled_at' IS NULL) AS fulfillments,
      (SELECT coalesce(sum((i->>'quantity')::float8), 0) FROM jsonb_array_elements(body->'items') i) AS ordered,
      (SELECT coalesce(sum((i->>'quantity')::float8), 0) FROM jsonb_array_elements(body->'fulfillments') f, jsonb_array_elements(f->'items') i
        WHERE f->>'canceled_at' IS NULL AND f->>'shipped_at' IS NOT NULL) AS shipped,
      (SELECT coalesce(sum((i->>'fulfilled_quantity')::float8 - coalesce((i->>'return_requested_quantity')::float8, 0)
          - coalesce((i->>'return_received_quantity')::float8, 0)), 0) FROM jsonb_array_elements(body->'items') i) AS returnable,
      (SELECT coalesce(sum((i->>'return_received_quantity')::float8), 0) FROM jsonb_array_elements(body->'items') i) AS returned,
      body->>'created_at' AS "createdAt"
    FROM medusa_object WHERE kind = 'order' ORDER BY seq DESC LIMIT ${shown}`,
};
const stock = {
  name: 'overview-stock',
  text: `SELECT v.body->>'sku' AS sku, v.body->>'product_title' AS product, (l->>'stocked_quantity')::float8 AS stocked,
      (l->>'reserved_quantity')::float8 AS reserved
    FROM medusa_object v
      LEFT JOIN medusa_object i ON i.id = v.body->'inventory_items'->0->>'inventory_item_id' AND (v.body->>'manage_inventory')::boolean
      LEFT JOIN LATERAL jsonb_array_elements(i.body->'location_levels') l ON true
    WHERE v.kind = 'variant' AND v.body->>'sku' <> '' ORDER BY v.seq DESC LIMIT ${shown}`,
};
const invoices = {
  name: 'overview-invoices',
  text: `SELECT i.id, i.body->>'number' AS number, i.body->>'status' AS status, (i.body->>'total')::float8 AS total,
      (i.body->>'amount_remaining')::float8 AS "amountRemaining",
      (i.body->>'pre_payment_credit_notes_amount')::float8 + (i.body->>'post_payment_credit_notes_amount')::float8 AS "amountCredited",
      upper(i.body->>'currency') AS currency,
      coalesce(i.body->>'customer_name', i.body->>'customer_email', i.body->>'customer') AS customer, (i.body->>'created')::int AS created
    FROM stripe_object i WHERE i.object = 'invoice' ORDER BY i.seq DESC LIMIT ${shown}`,
};
const counts = {
  name: 'overview-counts',
  text: `SELECT
      (SELECT coalesce(jsonb_object_agg(stage, n), '{}') FROM (SELECT properties->>'dealstage' AS stage, count(*) AS n
        FROM hubspot_object WHERE type = 'deals' AND NOT archived GROUP BY 1) s) AS deals,
      (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (SELECT body->>'status' AS status, count(*) AS n
        FROM medusa_object WHERE kind = 'order' GROUP BY 1) s) AS orders,
      (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (SELECT body->>'status' AS status, count(*) AS n
        FROM stripe_object WHERE object = 'invoice' GROUP BY 1) s) AS invoices,
      (SELECT count(*)::int FROM stripe_object WHERE object = 'credit_note') AS "creditNotes",
      (SELECT count(*)::int FROM stripe_object WHERE object = 'customer') AS "stripeCustomers",
      (SELECT count(*)::int FROM medusa_object WHERE kind = 'customer') AS "medusaCustomers",
      (SELECT count(*)::int FROM medusa_object WHERE kind = 'product') AS "medusaProducts",
      (SELECT count(*)::int FROM webhook_delivery) AS "webhooksWaiting",
      (SELECT count(*)::int FROM late_request) AS "lateRequests"`,
};

export const readDeals = (tx: Tx): Promise<DealRow[]> => tx.query<DealRow>(deals);
export const readOrders = (tx: Tx): Promise<OrderRow[]> => tx.query<OrderRow>(orders);
export const readStock = (tx: Tx): Promise<StockRow[]> => tx.query<StockRow>(stock);
export const readInvoices = (tx: Tx): Promise<InvoiceRow[]> => tx.query<InvoiceRow>(invoices);
export const readState = async (tx: Tx): Promise<State> => (await tx.query<State>(counts))[0]!;
