import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Admin, Client } from '@medusajs/js-sdk';
import type { Json } from '../spec/json.js';
import { type RunningSandbox, secrets, startSandbox } from '../spec/start-sandbox.js';

jest.setTimeout(60_000);

let sandbox: RunningSandbox;
let admin: Admin;
let shop: {
  region_id: string;
  sales_channel_id: string;
  option: { id: string; name: string; shipping_profile_id: string };
};

beforeAll(async () => {
  sandbox = await startSandbox();
  admin = client(secrets.MEDUSA_API_KEY);
  shop = {
    region_id: (await admin.region.list({ currency_code: 'eur', fields: 'id,currency_code' })).regions[0]!.id,
    sales_channel_id: (await admin.salesChannel.list({ order: 'created_at' })).sales_channels[0]!.id,
    option: (await admin.shippingOption.list({})).shipping_options[0] as Json,
  };
});
afterAll(() => sandbox?.stop());

const client = (apiKey: string) => new Admin(new Client({ baseUrl: sandbox.url, apiKey }));
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { status: number; message: string }) => error,
  );

async function draft(more: object = {}) {
  const { draft_order } = await admin.draftOrder.create({
    email: 'pay@acme.example',
    region_id: shop.region_id,
    sales_channel_id: shop.sales_channel_id,
    items: [
      { title: 'Seats', quantity: 3, unit_price: 33.3333, metadata: { line: '1' } },
      { title: 'Discount', quantity: 1, unit_price: -9.9999 },
    ],
    shipping_methods: [{ name: shop.option.name, shipping_option_id: shop.option.id, amount: 0 }],
    metadata: { throughline_order_id: 'o-1' },
    ...more,
  } as Json);
  return draft_order as Json;
}
const placed = async (more?: object) => (await admin.draftOrder.convertToOrder((await draft(more)).id)).order as Json;

describe('customers and products', () => {
  it('exist once per email, handle and sku', async () => {
    const email = `${randomUUID()}@Example.com`;
    const { customer } = await admin.customer.create({ email, company_name: 'Acme', metadata: { account: 'a' } });
    expect(customer).toMatchObject({ email: email.toLowerCase(), has_account: false, company_name: 'Acme' });
    expect(await refusal(admin.customer.create({ email }))).toMatchObject({
      status: 400,
      message: `Customer with email: ${email.toLowerCase()}, has_account: false, already exists.`,
    });
    expect(
      await admin.customer.list({ email: email.toLowerCase(), order: '-has_account', fields: 'id,email' }),
    ).toEqual({ customers: [{ id: customer.id, email: email.toLowerCase() }], count: 1, offset: 0, limit: 50 });

    const sku = randomUUID();
    const body = {
      title: 'Seat',
      handle: `tl-${sku}`,
      status: 'published' as const,
      options: [{ title: 'Default', values: ['Default'] }],
      variants: [
        {
          title: 'Default',
          sku,
          manage_inventory: false,
          options: { Default: 'Default' },
          prices: [{ currency_code: 'eur', amount: 10.5 }],
        },
      ],
    };
    const { product } = await admin.product.create(body);
    expect(product).toMatchObject({ handle: body.handle, variants: [{ sku, manage_inventory: false }] });
    expect(await refusal(admin.product.create(body))).toMatchObject({
      status: 400,
      message: `Product with handle: ${body.handle}, already exists.`,
    });
    expect(await refusal(admin.product.create({ ...body, handle: `tl-${randomUUID()}` }))).toMatchObject({
      status: 400,
      message: `Product variant with sku: ${sku}, already exists.`,
    });
    const listed = await admin.product.list({ handle: body.handle, fields: 'id,handle,variants.id,variants.sku' });
    expect(listed.products).toEqual([
      { id: product.id, handle: body.handle, variants: [{ id: product.variants![0]!.id, sku }] },
    ]);
    expect((await admin.productVariant.list({ sku, fields: 'id,sku' })).variants).toEqual([
      { id: product.variants![0]!.id, sku },
    ]);
    const priced = await draft({ items: [{ variant_id: product.variants![0]!.id, quantity: 2 }] });
    expect(priced).toMatchObject({ total: 21, items: [{ title: 'Seat', variant_sku: sku }] });
  });
});

describe('draft orders', () => {
  it('carry metadata, become orders under the same id, and are orders no longer deletable', async () => {
    const made = await draft();
    expect(made).toMatchObject({
      status: 'draft',
      is_draft_order: true,
      version: 1,
      total: 90,
      currency_code: 'eur',
      metadata: { throughline_order_id: 'o-1' },
    });
    expect((await admin.draftOrder.list({ id: made.id })).draft_orders).toHaveLength(1);
    expect((await admin.order.list({ id: made.id })).orders).toHaveLength(0);
    const { order } = await admin.draftOrder.convertToOrder(made.id);
    expect(order).toMatchObject({
      id: made.id,
      status: 'pending',
      version: 1,
      display_id: made.display_id,
      fulfillment_status: 'not_fulfilled',
    });
    expect(order.updated_at > made.updated_at).toBe(true);
    expect(await refusal(admin.draftOrder.convertToOrder(made.id))).toMatchObject({
      status: 400,
      message: `Order ${made.id} is not a draft order`,
    });
    expect(await refusal(admin.draftOrder.delete(made.id))).toMatchObject({ status: 500 });
    expect(await refusal(admin.draftOrder.retrieve(made.id))).toMatchObject({ status: 404 });
    const second = await draft();
    expect(await admin.draftOrder.delete(second.id)).toMatchObject({ id: second.id, deleted: true });
    expect(await refusal(admin.draftOrder.delete(second.id))).toMatchObject({
      status: 404,
      message: `Order id not found: ${second.id}`,
    });
  });

  it('take no external_id, no unknown variant, and fail on an unknown region', async () => {
    expect(await refusal(draft({ external_id: 'x' }))).toMatchObject({
      status: 400,
      message: "Invalid request: Unrecognized fields: 'external_id'",
    });
    expect(await refusal(draft({ region_id: undefined }))).toMatchObject({
      status: 400,
      message: "Invalid request: Field 'region_id' is required",
    });
    expect(await refusal(draft({ items: [{ variant_id: 'nope', quantity: 1 }] }))).toMatchObject({
      status: 400,
      message: 'Variants nope do not exist or belong to a product that is not published',
    });
    expect(await refusal(draft({ region_id: 'nope' }))).toMatchObject({ status: 500 });
    expect(await refusal(client('sk_wrong').order.list())).toMatchObject({ status: 401, message: 'Unauthorized' });
  });
});

describe('orders', () => {
  it('are fulfilled up to what was ordered, released and cancelled; the version counts along', async () => {
    const order = await placed();
    const [seats] = order.items;
    const fulfil = (quantity: number) =>
      admin.order.createFulfillment(order.id, {
        items: [{ id: seats.id, quantity }],
        metadata: { call: String(quantity) },
      });
    expect((await fulfil(2)).order).toMatchObject({
      version: 2,
      fulfillment_status: 'partially_fulfilled',
      fulfillments: [{ canceled_at: null, metadata: { call: '2' } }],
    });
    expect(await refusal(fulfil(2))).toMatchObject({
      status: 400,
      message: `Cannot fulfill more items than what was ordered for item ${seats.id}.`,
    });
    const read = (
      await admin.order.retrieve(order.id, { fields: 'id,items.id,items.detail.fulfilled_quantity,fulfillments.id' })
    ).order as Json;
    expect(read.items[0]).toEqual({ id: seats.id, detail: { fulfilled_quantity: 2 } });
    expect(await refusal(admin.order.cancel(order.id))).toMatchObject({
      status: 400,
      message: 'All fulfillments must be canceled before canceling an order',
    });
    const released = await admin.order.cancelFulfillment(order.id, read.fulfillments[0].id, {});
    expect(released.order).toMatchObject({ version: 3, fulfillment_status: 'canceled' });
    expect(await refusal(admin.order.cancelFulfillment(order.id, read.fulfillments[0].id, {}))).toMatchObject({
      status: 400,
      message: 'The fulfillment is already canceled',
    });
    expect((await admin.order.cancel(order.id)).order).toMatchObject({
      status: 'canceled',
      version: 4,
      canceled_at: expect.any(String),
    });
    expect(await refusal(admin.order.cancel(order.id))).toMatchObject({
      status: 400,
      message: `Order with id ${order.id} has been canceled.`,
    });
    expect(await refusal(fulfil(1))).toMatchObject({ status: 400 });
  });

  it('without a shipping method cannot be fulfilled: 500', async () => {
    const order = await placed({ shipping_methods: [] });
    expect(
      await refusal(admin.order.createFulfillment(order.id, { items: [{ id: order.items[0].id, quantity: 1 }] })),
    ).toMatchObject({ status: 500 });
  });

  it('are listed since a moment, oldest change first, page by page', async () => {
    const first = await placed();
    const second = await placed();
    await admin.order.update(first.id, { metadata: { touched: 'yes' } });
    const page = (offset: number) =>
      admin.order.list({
        updated_at: { $gte: first.updated_at },
        order: 'updated_at',
        limit: 1,
        offset,
        fields: 'id,metadata,updated_at',
      });
    expect(await page(0)).toMatchObject({ count: 2, limit: 1, offset: 0, orders: [{ id: second.id }] });
    expect(await page(1)).toMatchObject({
      orders: [{ id: first.id, metadata: { touched: 'yes', throughline_order_id: 'o-1' } }],
    });
    expect(
      (
        await admin.order.list({ customer_id: second.customer_id, created_at: { $gte: second.created_at } } as Json)
      ).orders.map(({ id }) => id),
    ).toEqual([second.id]);
    expect(await refusal(admin.draftOrder.list({ external_id: 'x' } as Json))).toMatchObject({ status: 400 });
    expect(await refusal(admin.order.retrieve('order_none'))).toMatchObject({
      status: 404,
      message: 'Order id not found: order_none',
    });
  });
});

describe('stock', () => {
  const sold = async (quantity: number, sku: string, more?: object) => {
    const [variant] = (await admin.productVariant.list({ sku, fields: 'id' })).variants;
    return placed({ items: [{ variant_id: variant!.id, unit_price: 10, quantity }], ...more });
  };
  const stockOf = async (sku: string) => {
    const fields =
      'id,manage_inventory,inventory_items.required_quantity,inventory_items.inventory.location_levels.location_id,inventory_items.inventory.location_levels.stocked_quantity,inventory_items.inventory.location_levels.reserved_quantity';
    const [variant] = (await admin.productVariant.list({ sku, fields })).variants as Json[];
    const [level] = variant.inventory_items[0].inventory.location_levels;
    return [level.stocked_quantity, level.reserved_quantity];
  };
  const fulfil = (order: Json, quantity: number) =>
    admin.order.createFulfillment(order.id, { items: [{ id: order.items[0].id, quantity }] });

  it('is held by an order, leaves with its fulfilment, comes back with the cancellation of that, and may be overdrawn', async () => {
    const sku = randomUUID();
    await sandbox.control('PUT', `/sandbox/stock/${sku}`, { quantity: 5 });
    const order = await sold(8, sku);
    expect(order.items[0]).toMatchObject({ requires_shipping: true, variant: { manage_inventory: true } });
    expect(await stockOf(sku)).toEqual([5, 8]);
    const { fulfillments } = (await fulfil(order, 3)).order as Json;
    expect(fulfillments).toMatchObject([{ requires_shipping: true, items: [{ quantity: 3 }] }]);
    expect(await stockOf(sku)).toEqual([2, 5]);
    await admin.order.cancelFulfillment(order.id, fulfillments[0].id, {});
    expect(await stockOf(sku)).toEqual([5, 8]);
    await fulfil(order, 8);
    expect(await stockOf(sku)).toEqual([-3, 0]);
    const [item] = (await admin.inventoryItem.list({ sku })).inventory_items;
    const [level] = item!.location_levels!;
    await admin.inventoryItem.updateLevel(item!.id, level!.location_id, { stocked_quantity: 4 });
    expect(await stockOf(sku)).toEqual([4, 0]);
    expect(
      await refusal(admin.inventoryItem.updateLevel(item!.id, 'sloc_none', { stocked_quantity: 4 })),
    ).toMatchObject({
      status: 404,
      message: `Item ${item!.id} is not stocked at location sloc_none`,
    });
  });

  it('that may not be back-ordered lets no order begin that it does not cover', async () => {
    const sku = randomUUID();
    const { product } = await admin.product.create({
      title: 'Chair',
      status: 'published',
      options: [{ title: 'Default', values: ['Default'] }],
      variants: [{ title: 'Default', sku, options: { Default: 'Default' }, prices: [] }],
    });
    expect(product.variants).toMatchObject([{ manage_inventory: true, allow_backorder: false }]);
    expect(await refusal(sold(1, sku))).toMatchObject({
      status: 400,
      message: 'Some variant does not have the required inventory',
    });
  });

  it('leaves in fulfilments of its own, apart from what is not sent', async () => {
    const sku = randomUUID();
    await sandbox.control('PUT', `/sandbox/stock/${sku}`, { quantity: 5 });
    const [variant] = (await admin.productVariant.list({ sku })).variants;
    const items = [
      { variant_id: variant!.id, unit_price: 10, quantity: 1 },
      { title: 'Licence', unit_price: 10, quantity: 1 },
    ];
    const order = await placed({ items });
    const all = order.items.map(({ id }: Json) => ({ id, quantity: 1 }));
    expect(await refusal(admin.order.createFulfillment(order.id, { items: all }))).toMatchObject({
      status: 400,
      message: expect.stringContaining('Split this request into 2 fulfillments'),
    });
  });
});

describe('shipments', () => {
  it('are made once, of what stands', async () => {
    const order = await placed();
    const items = [{ id: order.items[0].id, quantity: 2 }];
    const [fulfillment] = ((await admin.order.createFulfillment(order.id, { items })).order as Json).fulfillments;
    const ship = () => admin.order.createShipment(order.id, fulfillment.id, { items });
    const shipped = (await ship()).order as Json;
    expect(shipped).toMatchObject({ version: 3, fulfillment_status: 'partially_shipped' });
    expect(shipped.items[0].detail).toMatchObject({ fulfilled_quantity: 2, shipped_quantity: 2 });
    expect(await refusal(ship())).toMatchObject({ status: 400, message: 'Shipment has already been created' });
    expect(await refusal(admin.order.cancelFulfillment(order.id, fulfillment.id, {}))).toMatchObject({ status: 400 });
  });
});

describe('returns', () => {
  it('are requested, and received in parts; stock comes back and the order counts along', async () => {
    const sku = randomUUID();
    await sandbox.control('PUT', `/sandbox/stock/${sku}`, { quantity: 3 });
    const [variant] = (await admin.productVariant.list({ sku })).variants;
    const order = await placed({ items: [{ variant_id: variant!.id, unit_price: 10, quantity: 3 }] });
    const { id } = order.items[0];
    await admin.order.createFulfillment(order.id, { items: [{ id, quantity: 3 }] });
    const begun = await admin.return.initiateRequest({ order_id: order.id });
    expect(begun).toMatchObject({ order: { id: order.id }, return: { status: 'open', items: [] } });
    const returnId = begun.return.id;
    expect(await refusal(admin.return.addReturnItem(returnId, { items: [{ id, quantity: 4 }] }))).toMatchObject({
      status: 400,
      message: `Cannot request to return more items than what was fulfilled for item ${id}.`,
    });
    await admin.return.addReturnItem(returnId, { items: [{ id, quantity: 2 }] });
    const requested = await admin.return.confirmRequest(returnId, {});
    expect(requested).toMatchObject({
      order_preview: { version: 3, items: [{ detail: { return_requested_quantity: 2, return_received_quantity: 0 } }] },
      return: { status: 'requested' },
    });
    await receive(returnId, id, 1);
    expect((await admin.return.retrieve(returnId)).return).toMatchObject({
      status: 'partially_received',
      items: [{ item_id: id, quantity: 2, received_quantity: 1 }],
    });
    await receive(returnId, id, 1);
    const { returns } = await admin.return.list({ order_id: order.id, fields: 'id,status,received_at,items.*' });
    expect(returns).toMatchObject([
      { status: 'received', received_at: expect.any(String), items: [{ received_quantity: 2 }] },
    ]);
    const after = (await admin.order.retrieve(order.id)).order as Json;
    expect(after).toMatchObject({
      version: 5,
      items: [{ detail: { return_requested_quantity: 0, return_received_quantity: 2 } }],
    });
    expect(after.updated_at > order.updated_at).toBe(true);
    expect(await sandbox.control('GET', '/sandbox/stock')).toContainEqual({
      sku,
      product: sku,
      stocked: 2,
      reserved: 0,
    });
    expect(await refusal(admin.return.receiveItems(returnId, { items: [{ id, quantity: 1 }] }))).toMatchObject({
      status: 400,
    });
  });

  it('that are cancelled book nothing', async () => {
    const order = await placed();
    const { id } = order.items[0];
    await admin.order.createFulfillment(order.id, { items: [{ id, quantity: 3 }] });
    const { return: begun } = await admin.return.initiateRequest({ order_id: order.id });
    await admin.return.addReturnItem(begun.id, { items: [{ id, quantity: 3 }] });
    await admin.return.confirmRequest(begun.id, {});
    expect((await admin.return.cancel(begun.id)).return).toMatchObject({ status: 'canceled' });
    const { order: after } = await admin.order.retrieve(order.id);
    expect(after.items[0]!.detail).toMatchObject({ return_requested_quantity: 0, return_received_quantity: 0 });
  });

  async function receive(returnId: string, id: string, quantity: number): Promise<void> {
    await admin.return.initiateReceive(returnId, {});
    await admin.return.receiveItems(returnId, { items: [{ id, quantity }] });
    await admin.return.confirmReceive(returnId, {});
  }
});
