import type { MedusaDraftOrder } from '@throughline/connectors/medusa';
import { keysAtWork } from '@throughline/messaging';
import { findOrders } from '../orders/store.js';
import { poll, type PollDependencies } from './poll-orders.js';

/**
 * Deletes drafts of ours that became nothing: a call whose outcome was unknown was applied after another draft had taken its place,
 * or after the order was refused or cancelled. Drafts of orders that a command is creating are left for the next sweep. Where the
 * command is a dead letter the draft stays, for whoever retries that, and the sweep goes on.
 *
 * @returns how many were deleted, or `undefined` while another instance sweeps
 */
export async function sweepDrafts(dependencies: PollDependencies): Promise<number | undefined> {
  const { medusa, database } = dependencies;
  let deleted = 0;
  const take = async (page: MedusaDraftOrder[]): Promise<MedusaDraftOrder[]> => {
    const ours = page.filter((draft) => draft.orderId !== undefined);
    if (ours.length === 0) return [];
    const ids = [...new Set(ours.map((draft) => draft.orderId!))];
    // In this order: a command ends in one transaction with its result, so the row of one that ended before tells it.
    const inFlight = await keysAtWork(database, ids);
    const rows = await findOrders(database, ids);
    const known = new Map(rows.map((row) => [row.orderId, row]));
    const leftBehind: MedusaDraftOrder[] = [];
    for (const draft of ours) {
      const row = known.get(draft.orderId!);
      // Unknown to our database: another installation's, which shares this Medusa.
      if (!row) continue;
      if (row.lifeCycle === 'creating') {
        if (inFlight.has(row.orderId)) leftBehind.push(draft);
      } else {
        await medusa.deleteDraftOrder(draft.id);
        deleted += 1;
      }
    }
    return leftBehind;
  };
  return (await poll(dependencies, 'draft-orders', (page) => medusa.listDraftOrders(page), take)) ? deleted : undefined;
}
