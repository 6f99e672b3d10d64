import { z } from 'zod';

/**
 * What this connector reads of Medusa's answers; whatever else they hold is dropped. Medusa's own types (`@medusajs/types`) mark
 * nearly everything optional and check nothing at run time, so the shape is held here.
 */
const metadata = z.record(z.string(), z.unknown()).nullish();
const instant = z.iso.datetime({ offset: true });

export const customerAnswer = z.object({ id: z.string(), email: z.string() });
export const variantAnswer = z.object({ id: z.string(), sku: z.string().nullish() });
export const productAnswer = z.object({
  id: z.string(),
  handle: z.string().nullish(),
  variants: z.array(variantAnswer).nullish(),
});
export const regionAnswer = z.object({ id: z.string(), currency_code: z.string() });
export const salesChannelAnswer = z.object({ id: z.string(), is_disabled: z.boolean().nullish() });
export const shippingOptionAnswer = z.object({
  id: z.string(),
  name: z.string(),
  shipping_profile_id: z.string().nullish(),
});

export const draftOrderAnswer = z.object({
  id: z.string(),
  /** In major units, as a JSON number. */
  total: z.number(),
  currency_code: z.string(),
  metadata,
  created_at: instant,
  updated_at: instant,
});

const fulfilmentAnswer = z.object({
  id: z.string(),
  metadata,
  requires_shipping: z.boolean(),
  items: z.array(z.object({ line_item_id: z.string().nullish(), quantity: z.number() })),
  created_at: instant,
  canceled_at: instant.nullish(),
  shipped_at: instant.nullish(),
  delivered_at: instant.nullish(),
});

export const orderAnswer = draftOrderAnswer.extend({
  display_id: z.union([z.number(), z.string()]),
  status: z.string(),
  /** Grows with every change of lines, fulfilments or status; converting a draft does not move it. */
  version: z.number().int(),
  is_draft_order: z.boolean(),
  customer_id: z.string().nullish(),
  canceled_at: instant.nullish(),
  items: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      quantity: z.number(),
      /** In major units, as a JSON number. */
      unit_price: z.number(),
      requires_shipping: z.boolean().nullish(),
      variant_id: z.string().nullish(),
      variant_sku: z.string().nullish(),
      /** Null where the variant is gone, or the line never had one. */
      variant: z.object({ manage_inventory: z.boolean().nullish() }).nullish(),
      metadata,
      detail: z.object({ fulfilled_quantity: z.number(), return_received_quantity: z.number() }),
    }),
  ),
  fulfillments: z.array(fulfilmentAnswer),
});

export const stockAnswer = z.object({
  id: z.string(),
  manage_inventory: z.boolean().nullish(),
  inventory_items: z.array(
    z.object({
      required_quantity: z.number(),
      inventory: z
        .object({ location_levels: z.array(z.object({ location_id: z.string(), stocked_quantity: z.number() })) })
        .nullish(),
    }),
  ),
});

export const returnAnswer = z.object({
  id: z.string(),
  received_at: instant.nullish(),
  updated_at: instant,
  items: z.array(z.object({ item_id: z.string(), received_quantity: z.number().nullish() })),
});

/** Asked for by name, so that Medusa sends (and computes) no more than is read. */
export const DRAFT_ORDER_FIELDS = 'id,total,currency_code,metadata,created_at,updated_at';
export const ORDER_FIELDS = [
  DRAFT_ORDER_FIELDS,
  'display_id,status,version,is_draft_order,customer_id,canceled_at',
  'items.id,items.title,items.quantity,items.unit_price,items.requires_shipping,items.metadata',
  'items.variant_id,items.variant_sku,items.variant.manage_inventory',
  'items.detail.fulfilled_quantity,items.detail.return_received_quantity',
  'fulfillments.id,fulfillments.metadata,fulfillments.requires_shipping,fulfillments.items.line_item_id,fulfillments.items.quantity',
  'fulfillments.created_at,fulfillments.canceled_at,fulfillments.shipped_at,fulfillments.delivered_at',
].join(',');

export const STOCK_FIELDS = [
  'id,manage_inventory,inventory_items.required_quantity',
  'inventory_items.inventory.location_levels.location_id,inventory_items.inventory.location_levels.stocked_quantity',
].join(',');
export const RETURN_FIELDS = 'id,received_at,updated_at,items.item_id,items.received_quantity';

export type DraftOrderAnswer = z.infer<typeof draftOrderAnswer>;
export type OrderAnswer = z.infer<typeof orderAnswer>;
export type StockAnswer = z.infer<typeof stockAnswer>;
export type ReturnAnswer = z.infer<typeof returnAnswer>;
export type ShippingOption = z.infer<typeof shippingOptionAnswer>;
