import { Admin } from '@medusajs/js-sdk';
import { z } from 'zod';
import {
  customerAnswer,
  DRAFT_ORDER_FIELDS,
  draftOrderAnswer,
  ORDER_FIELDS,
  orderAnswer,
  productAnswer,
  regionAnswer,
  RETURN_FIELDS,
  returnAnswer,
  salesChannelAnswer,
  shippingOptionAnswer,
  STOCK_FIELDS,
  stockAnswer,
  variantAnswer,
  type ShippingOption,
} from './answers.js';
import { medusaError } from './errors.js';
import {
  fromDraftOrder,
  fromMedusaOrder,
  fromReturn,
  fromStock,
  productHandle,
  toMetadata,
  type CustomerBody,
  type DraftOrderBody,
  type MedusaDraftOrder,
  type MedusaOrder,
  type MedusaReturn,
  type OrderFulfilment,
  type ProductBody,
  type Reference,
  type Stock,
} from './map.js';
import type { PageRequest } from './poll.js';
import { callSignal, MedusaTransport, type MedusaTransportOptions } from './transport.js';

export type MedusaClientOptions = MedusaTransportOptions;

const PAGE = 100;

/**
 * Medusa 2's admin API through its own SDK, as far as orders need it. Every call ends within `timeoutMs`; every failure is a
 * `ThroughlineError` with advice, see `errors.ts`.
 */
export class MedusaClient {
  private readonly admin: Admin;

  constructor(options: MedusaClientOptions) {
    this.admin = new Admin(new MedusaTransport(options));
  }

  /** Runs calls under a signal: when it aborts, the call under way ends with it. */
  within<T>(signal: AbortSignal, calls: () => Promise<T>): Promise<T> {
    return callSignal.run(signal, calls);
  }

  /** A cheap read: whether Medusa, and the database behind it, answers us. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.within(signal, () => this.admin.order.list({ limit: 1, fields: 'id' }));
  }

  /** The customer with this email, a registered one first. */
  async findCustomer(email: string): Promise<string | undefined> {
    const answer = await this.admin.customer.list({ email, limit: 2, order: '-has_account', fields: 'id,email' });
    const { customers } = read(z.object({ customers: z.array(customerAnswer) }), answer);
    return customers.find((customer) => customer.email.toLowerCase() === email)?.id;
  }

  async createCustomer(body: CustomerBody): Promise<string> {
    return read(z.object({ customer: customerAnswer }), await this.admin.customer.create(body)).customer.id;
  }

  /** The variant under which a canonical product is sold: that of our own product, else the one the shop already sells as `sku`. */
  async findVariant(productId: string, sku: string): Promise<string | undefined> {
    const answer = await this.admin.product.list({
      handle: productHandle(productId),
      fields: 'id,handle,variants.id,variants.sku',
    });
    const { products } = read(z.object({ products: z.array(productAnswer) }), answer);
    const own = products.find((product) => product.handle === productHandle(productId))?.variants?.[0]?.id;
    if (own || !sku) return own;
    const bySku = await this.admin.productVariant.list({ sku, fields: 'id,sku' });
    const { variants } = read(z.object({ variants: z.array(variantAnswer) }), bySku);
    return variants.find((variant) => variant.sku === sku)?.id;
  }

  /** Creates the product and answers its one variant. */
  async createProduct(body: ProductBody): Promise<string> {
    const answer = await this.admin.product.create(body, { fields: 'id,handle,variants.id,variants.sku' });
    const { product } = read(z.object({ product: productAnswer }), answer);
    const variant = product.variants?.[0];
    if (!variant)
      throw medusaError('MEDUSA_ANSWER_UNREADABLE', 'never', `Product ${product.id} came without its variant.`);
    return variant.id;
  }

  async createDraftOrder(body: DraftOrderBody): Promise<MedusaDraftOrder> {
    const answer = await this.admin.draftOrder.create(body, { fields: DRAFT_ORDER_FIELDS });
    return fromDraftOrder(read(z.object({ draft_order: draftOrderAnswer }), answer).draft_order);
  }

  /** Makes the draft an order; its id stays. Refused where it is one already. */
  async convertDraftOrder(id: string): Promise<void> {
    await this.admin.draftOrder.convertToOrder(id, { fields: 'id' });
  }

  /** Nothing happens where the draft is gone already. An order is never deleted: Medusa fails (500). */
  async deleteDraftOrder(id: string): Promise<void> {
    await this.admin.draftOrder.delete(id).catch(ignoreNotFound);
  }

  /** An order or a draft, by Medusa's id. */
  async findOrder(id: string): Promise<MedusaOrder | undefined> {
    const answer = await this.admin.order.retrieve(id, { fields: ORDER_FIELDS }).catch(ignoreNotFound);
    return answer && fromMedusaOrder(read(z.object({ order: orderAnswer }), answer).order);
  }

  /**
   * Everything in Medusa that carries our order id: the order, its draft, and drafts that were applied late. Medusa cannot filter by
   * metadata, so the customer's orders since `createdSince` are read.
   */
  async findByReference(
    orderId: string,
    customerId: string,
    createdSince: string,
  ): Promise<(MedusaOrder | MedusaDraftOrder)[]> {
    const filter = { customer_id: customerId, created_at: { $gte: createdSince }, order: 'created_at', limit: PAGE };
    const found: (MedusaOrder | MedusaDraftOrder)[] = [];
    for (let offset = 0, more = true; more; offset += PAGE) {
      const orders = await this.orders({ ...filter, offset });
      const drafts = await this.drafts({ ...filter, offset });
      found.push(...orders, ...drafts);
      more = orders.length === PAGE || drafts.length === PAGE;
    }
    return found.filter((candidate) => candidate.orderId === orderId);
  }

  /** Orders by `updated_at`, oldest first. Drafts are not among them. */
  listOrders(page: PageRequest): Promise<MedusaOrder[]> {
    return this.orders(toQuery(page));
  }

  /** Draft orders by `updated_at`, oldest first. */
  listDraftOrders(page: PageRequest): Promise<MedusaDraftOrder[]> {
    return this.drafts(toQuery(page));
  }

  /**
   * Refused where more would be fulfilled than was ordered: a repeated call never fulfils twice.
   *
   * @param locationId where stock is taken from; Medusa takes it where it was reserved, if it is not named
   */
  async createFulfilment(
    orderId: string,
    items: { id: string; quantity: number }[],
    reference?: Reference,
    locationId?: string,
  ): Promise<void> {
    const body = {
      items,
      no_notification: true,
      ...(locationId ? { location_id: locationId } : {}),
      ...(reference ? { metadata: toMetadata(reference) } : {}),
    };
    await this.admin.order.createFulfillment(orderId, body, { fields: 'id' });
  }

  /** All of a fulfilment leaves the house. Refused where it has left already, or was cancelled. */
  async createShipment(orderId: string, { id, items }: Pick<OrderFulfilment, 'id' | 'items'>): Promise<void> {
    const body = {
      items: items.map(({ itemId, quantity }) => ({ id: itemId, quantity })),
      no_notification: true,
    };
    await this.admin.order.createShipment(orderId, id, body, { fields: 'id' });
  }

  /** How much of each variant is there; one that is gone is missing. */
  async findStock(variantIds: string[]): Promise<Map<string, Stock>> {
    const stock = new Map<string, Stock>();
    for (let from = 0; from < variantIds.length; from += PAGE) {
      const id = variantIds.slice(from, from + PAGE);
      const answer = await this.admin.productVariant.list({ id, limit: PAGE, fields: STOCK_FIELDS });
      const { variants } = read(z.object({ variants: z.array(stockAnswer) }), answer);
      for (const variant of variants) stock.set(variant.id, fromStock(variant));
    }
    return stock;
  }

  /** What came back of an order, or is about to. */
  async listReturns(orderId: string): Promise<MedusaReturn[]> {
    const returns: MedusaReturn[] = [];
    for (let offset = 0; offset === returns.length; offset += PAGE) {
      const page = { order_id: orderId, order: 'created_at', limit: PAGE, offset, fields: RETURN_FIELDS };
      const answer = read(z.object({ returns: z.array(returnAnswer) }), await this.admin.return.list(page));
      if (answer.returns.length === 0) break;
      returns.push(...answer.returns.map(fromReturn));
    }
    return returns;
  }

  /** Refused where it is cancelled already, or shipped. */
  async cancelFulfilment(orderId: string, fulfilmentId: string): Promise<void> {
    await this.admin.order.cancelFulfillment(orderId, fulfilmentId, { no_notification: true }, { fields: 'id' });
  }

  /** Refused where it is cancelled already, completed, or has a fulfilment that stands. */
  async cancelOrder(orderId: string): Promise<void> {
    await this.admin.order.cancel(orderId);
  }

  /** The region that sells in a currency (ISO 4217, upper case). */
  async findRegion(currency: string): Promise<string | undefined> {
    const code = currency.toLowerCase();
    const answer = await this.admin.region.list({
      currency_code: code,
      fields: 'id,currency_code',
      order: 'created_at',
    });
    const { regions } = read(z.object({ regions: z.array(regionAnswer) }), answer);
    return regions.find((region) => region.currency_code === code)?.id;
  }

  /** The oldest sales channel that is enabled. */
  async findSalesChannel(): Promise<string | undefined> {
    const answer = await this.admin.salesChannel.list({ fields: 'id,is_disabled', order: 'created_at' });
    const channels = read(z.object({ sales_channels: z.array(salesChannelAnswer) }), answer).sales_channels;
    return channels.find((channel) => !channel.is_disabled)?.id;
  }

  /** The shipping option with this id; without one, the oldest. */
  async findShippingOption(id?: string): Promise<ShippingOption | undefined> {
    const answer = await this.admin.shippingOption.list({
      ...(id ? { id } : {}),
      fields: 'id,name,shipping_profile_id',
      order: 'created_at',
    });
    const options = read(z.object({ shipping_options: z.array(shippingOptionAnswer) }), answer).shipping_options;
    return options.find((option) => !id || option.id === id);
  }

  private async orders(query: object): Promise<MedusaOrder[]> {
    const answer = await this.admin.order.list({ ...query, fields: ORDER_FIELDS });
    return read(z.object({ orders: z.array(orderAnswer) }), answer).orders.map(fromMedusaOrder);
  }

  private async drafts(query: object): Promise<MedusaDraftOrder[]> {
    const answer = await this.admin.draftOrder.list({ ...query, fields: DRAFT_ORDER_FIELDS });
    return read(z.object({ draft_orders: z.array(draftOrderAnswer) }), answer).draft_orders.map(fromDraftOrder);
  }
}

function toQuery(page: PageRequest): object {
  return { updated_at: { $gte: page.updatedSince }, order: 'updated_at', limit: page.limit, offset: page.offset };
}

function ignoreNotFound(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== 'MEDUSA_NOT_FOUND') throw error;
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw medusaError(
    'MEDUSA_ANSWER_UNREADABLE',
    'never',
    `Medusa's answer has another shape than 2.21: ${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
