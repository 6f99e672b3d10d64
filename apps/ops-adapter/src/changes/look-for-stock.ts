import type { MedusaClient } from '@throughline/connectors/medusa';
import type { MessagingTx } from '@throughline/messaging';
import type { Queryable } from '@throughline/postgres';
import type { FulfilBackorder } from '../orders/fulfil-backorder.js';
import { findBackorderedOrders } from '../orders/store.js';

/** Orders that wait for stock, looked at with one poll; whoever asked first first. */
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
  const waiting = await findBackorderedOrders(database, MAX_ORDERS);
  const variantIds = waiting.flatMap(({ lines }) =>
    lines.flatMap((it) => (it.backordered > 0 ? (it.medusaVariantId ?? []) : [])),
  );
  if (variantIds.length === 0) return 0;
  const stock = await medusa.findStock([...new Set(variantIds)]);
  const left = new Map([...stock].map(([variantId, { quantity }]) => [variantId, quantity]));
  const served = waiting.filter(({ lines }) => {
    const wanted = lines.filter((line) => line.backordered > 0 && (left.get(line.medusaVariantId ?? '') ?? 0) > 0);
    for (const line of wanted) left.set(line.medusaVariantId!, left.get(line.medusaVariantId!)! - line.backordered);
    return wanted.length > 0;
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
