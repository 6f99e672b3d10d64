import type { MedusaClient } from '@throughline/connectors/medusa';
import type { MessagingTx } from '@throughline/messaging';
import type { Queryable } from '@throughline/postgres';
import type { FulfilBackorder } from '../orders/fulfil-backorder.js';
import { deliverable } from '../orders/plan-delivery.js';
import { findOrdersWaitingFor, findVariantsWaitedFor } from '../orders/store.js';

/** How many orders one poll has delivered; the next one goes on. */
const MAX_ORDERS = 500;

/**
 * Looks whether stock has come in for orders that wait for it, and has them delivered: as many as there is stock for, whoever asked first
 * first. One question to Medusa per hundred variants, and none while nobody waits.
 *
 * A job is named after the version of its order, so that there is one at a time, however often this looks before it ends; it changes the
 * order when it does.
 *
 * @returns how many orders are to be delivered
 */
export async function lookForStock({
  medusa,
  database,
  messaging,
}: {
  medusa: Pick<MedusaClient, 'findStock'>;
  database: Queryable;
  messaging: { transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> };
}): Promise<number> {
  const variantIds = await findVariantsWaitedFor(database);
  if (variantIds.length === 0) return 0;
  const stock = await medusa.findStock(variantIds);
  const left = new Map([...stock].map(([variantId, { quantity }]) => [variantId, quantity]));
  const there = [...left].flatMap(([variantId, quantity]) => (quantity > 0 ? [variantId] : []));
  const waiting = there.length > 0 ? await findOrdersWaitingFor(database, there, MAX_ORDERS) : [];
  const served = waiting.filter(({ lines }) => {
    const came = lines.filter((line) => {
      const onShelf = left.get(line.medusaVariantId ?? '') ?? 0;
      const quantity = deliverable(line.backordered, onShelf);
      if (quantity > 0) left.set(line.medusaVariantId!, onShelf - quantity);
      return quantity > 0;
    });
    return came.length > 0;
  });
  if (served.length === 0) return 0;
  await messaging.transaction(async (tx) =>
    tx.enqueue(
      served.map(({ orderId, version }) => ({
        type: 'FulfilBackorder',
        key: orderId,
        id: `backorder ${orderId} ${version}`,
        payload: { orderId } satisfies FulfilBackorder,
      })),
    ),
  );
  return served.length;
}
