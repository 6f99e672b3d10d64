import {
  toDraftOrder,
  type DraftOrderBody,
  type MedusaClient,
  type MedusaDraftOrder,
  type MedusaOrder,
} from '@throughline/connectors/medusa';
import { codeOf, compareMoney } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import type { Queryable } from '@throughline/postgres';
import { answer, refuse, toOrderCreated } from './answers.js';
import { ensureCustomer, ensureVariants } from './ensure-parties.js';
import type { OrderPlaces } from './order-place.js';
import { findOrder, saveOrder, type Rejection, type SalesOrder, type WrittenOrder } from './store.js';
import { withIdentity } from './transitions.js';

type Command = Message<'CreateOrder'>;

export interface OrderDependencies {
  medusa: MedusaClient;
  database: Queryable;
  places: OrderPlaces;
  /** The tenant in external ids. */
  storeId: string;
  now: () => Date;
}

/** Medusa's clock and ours may differ; orders are looked up from this long before the first attempt. */
const CLOCK_SKEW_MS = 24 * 3_600_000;
/** What Medusa, or the numbers it takes, will refuse again however often it is tried. */
const REFUSALS = new Set(['MEDUSA_REFUSED', 'MEDUSA_NOT_FOUND', 'MEDUSA_AMOUNT_NOT_EXPRESSIBLE']);

/**
 * Effect handler: customer, products, draft, order. Medusa has no idempotency keys, so an order begins as a draft: only the draft
 * recorded for this order is ever converted, and a draft that a lost call left behind, or leaves behind later, is deleted (here,
 * or by the sweep). A crash between any two calls repeats none that stands.
 */
export function createOrder(dependencies: OrderDependencies) {
  const { medusa, database } = dependencies;
  return (command: Command, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const known = await findOrder(database, command.payload.orderId);
      if (known && known.lifeCycle !== 'creating') return repeatAnswer(command, known, dependencies.storeId);
      const order: WrittenOrder = known ?? begin(command, dependencies.now());
      try {
        return await create(order, command, context, dependencies);
      } catch (error) {
        if (!REFUSALS.has(codeOf(error))) throw error;
        const { message, field } = error as Error & { field?: string };
        return reject(command, order, { reason: 'refused-by-medusa', field: field ?? null, message }, dependencies);
      }
    });
}

async function create(
  order: WrittenOrder,
  command: Command,
  context: EffectContext,
  dependencies: OrderDependencies,
): Promise<EffectResult> {
  const { medusa, database, places, storeId } = dependencies;
  const { account, currency, lineItems } = command.payload;
  const regionId = await places.region(currency);
  if (!regionId) {
    const message = `This shop has no region that sells in ${currency}: create one in Medusa, then close the deal again.`;
    return reject(command, order, { reason: 'currency-not-sold', field: 'currency', message }, dependencies);
  }
  const target = { regionId, salesChannelId: await places.salesChannel(), shippingOption: await places.shipping() };
  order.medusaCustomerId = await ensureCustomer(medusa, account, context);
  const variantIds = await ensureVariants(medusa, lineItems, target, context);
  const place = { ...target, customerId: order.medusaCustomerId, variantIds };
  const body = toDraftOrder(command.payload, place, command.envelope.correlationId);
  // Before the draft: whoever cancels an order that never came to its end finds by this row what may stand in Medusa.
  await saveOrder(database, order);
  const draft = await context.once(
    'draft-order',
    body,
    (pinned, _, { mayHaveRun }) => ensureDraft(medusa, order, pinned, mayHaveRun),
    // Belongs to the order, not to the message: whoever asks again gets the draft that stands.
    { scope: `order:${order.orderId}` },
  );
  const mismatch = findMismatch(command, draft);
  if (mismatch) return reject(command, order, mismatch, dependencies);
  const created = await convert(medusa, draft.id);
  if (!created) {
    const message = 'The draft was deleted in Medusa before it became an order: close the deal again.';
    return reject(command, order, { reason: 'draft-deleted', field: null, message }, dependencies);
  }
  // Conversion computes taxes anew: an order that now comes to something else must not stand either.
  const drifted = findMismatch(command, created);
  if (drifted) {
    await medusa.cancelOrder(created.id);
    return reject(command, order, drifted, dependencies);
  }
  if (context.attempt > 1) await discardDrafts(medusa, order, created.id);
  const row: WrittenOrder = { ...withIdentity(order, created), lifeCycle: 'created' };
  return { emit: [answer(command, 'OrderCreated', toOrderCreated(row, storeId))], apply: (tx) => saveOrder(tx, row) };
}

type Draft = Pick<MedusaDraftOrder, 'id' | 'currency' | 'totalAmount'>;

async function ensureDraft(
  medusa: MedusaClient,
  order: WrittenOrder,
  body: DraftOrderBody,
  mayHaveRun: boolean,
): Promise<Draft> {
  const [found] = mayHaveRun ? await findInMedusa(medusa, order) : [];
  const { id, currency, totalAmount } = found ?? (await medusa.createDraftOrder(body));
  return { id, currency, totalAmount };
}

/** Everything in Medusa that carries the order's reference, an order before drafts. */
export async function findInMedusa(
  medusa: MedusaClient,
  order: WrittenOrder,
): Promise<(MedusaOrder | MedusaDraftOrder)[]> {
  if (!order.medusaCustomerId) return [];
  const since = new Date(Date.parse(order.requestedAt) - CLOCK_SKEW_MS).toISOString();
  const found = await medusa.findByReference(order.orderId, order.medusaCustomerId, since);
  return found.sort((a, b) => Number('isDraft' in b) - Number('isDraft' in a));
}

/** Deletes the order's drafts in Medusa, except the one named. */
export async function discardDrafts(medusa: MedusaClient, order: WrittenOrder, exceptId?: string): Promise<void> {
  for (const found of await findInMedusa(medusa, order)) {
    if (found.id !== exceptId && !('isDraft' in found)) await medusa.deleteDraftOrder(found.id);
  }
}

/** @returns `undefined` where the draft is gone. Converting what is an order already is refused, and then it is one. */
async function convert(medusa: MedusaClient, id: string): Promise<MedusaOrder | undefined> {
  let refusal: unknown;
  try {
    await medusa.convertDraftOrder(id);
  } catch (error) {
    if (!REFUSALS.has(codeOf(error))) throw error;
    refusal = error;
  }
  const order = await medusa.findOrder(id);
  if (order?.isDraft) throw refusal;
  return order;
}

function findMismatch(command: Command, { currency, totalAmount }: Omit<Draft, 'id'>): Rejection | undefined {
  const wanted = command.payload;
  if (currency !== wanted.currency) {
    const message = `Medusa keeps the order in ${currency} instead of ${wanted.currency}: check the region's currency.`;
    return { reason: 'currency-mismatch', field: 'currency', message };
  }
  if (compareMoney(totalAmount, wanted.totalAmount) === 0) return undefined;
  const message = `Medusa computes ${totalAmount} ${currency} where the deal says ${wanted.totalAmount}: correct the deal's lines, or the taxes of the region.`;
  return { reason: 'total-mismatch', field: 'totalAmount', message };
}

/** Nothing of a refused order is left in Medusa but its customer and products, which other orders share. */
async function reject(
  command: Command,
  order: WrittenOrder,
  rejection: Rejection,
  { medusa }: OrderDependencies,
): Promise<EffectResult> {
  await discardDrafts(medusa, order);
  return {
    emit: [refuse(command, 'OrderRejected', rejection)],
    apply: (tx) => saveOrder(tx, { ...order, lifeCycle: 'rejected', rejection }),
  };
}

/** Every command is answered, also one that asks for what was decided before. */
function repeatAnswer(command: Command, known: SalesOrder, storeId: string): EffectResult {
  if (known.lifeCycle === 'created') return { emit: [answer(command, 'OrderCreated', toOrderCreated(known, storeId))] };
  const message = `Order ${known.orderId} was cancelled before: a new order needs a new id.`;
  const rejection = known.rejection ?? { reason: 'order-cancelled', field: 'orderId', message };
  return { emit: [refuse(command, 'OrderRejected', rejection)] };
}

function begin(command: Command, now: Date): WrittenOrder {
  const { orderId, opportunityId, occurrence, currency, totalAmount, serviceStart, serviceEnd } = command.payload;
  const keys = { orderId, opportunityId, occurrence, correlationId: command.envelope.correlationId };
  return { ...emptyOrder(keys, now), currency, totalAmount, serviceStart, serviceEnd };
}

/** The row of an order of which nothing is known but that it was asked for. */
export function emptyOrder(
  keys: Pick<SalesOrder, 'orderId' | 'opportunityId' | 'occurrence' | 'correlationId'>,
  now: Date,
): WrittenOrder {
  return {
    ...keys,
    lifeCycle: 'creating',
    fulfilment: 'open',
    currency: null,
    totalAmount: null,
    serviceStart: null,
    serviceEnd: null,
    lines: [],
    orderNumber: null,
    medusaOrderId: null,
    medusaCustomerId: null,
    medusaFulfilmentIds: [],
    sourceVersion: null,
    rejection: null,
    requestedAt: now.toISOString(),
    createdAt: null,
    provisionedAt: null,
    releasedAt: null,
    cancelledAt: null,
  };
}
