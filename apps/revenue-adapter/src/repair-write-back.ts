import { hubspotErrors, numbersIn, type HubspotClient, type HubspotObject } from '@throughline/connectors/hubspot';
import { codeOf } from '@throughline/contracts';
import { keysAtWork, type EffectContext, type EffectResult, type Job, type MessagingTx } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { counter, logger } from '@throughline/telemetry';
import { countRepair, findLastWriteBack, type WriteBack } from './deal-store.js';

/** Look whether the deal still bears the numbers we wrote last. */
export interface RepairWriteBackJob {
  opportunityId: string;
}

/** Somebody else writes into our fields again and again: to go on would be a loop between two programs. */
const MAX_REPAIRS = 10;

const log = logger('write-back');
const repaired = counter('throughline.revenue.write_backs.repaired', {
  description: 'Numbers of ours that were written again, because a late call or a person had put others in their place',
  unit: '{deal}',
});

/**
 * Asks for a repair where a deal that was just read bears other numbers than we wrote last: a write-back that timed out is sometimes
 * applied later, over that of the next closing. While a write-back is at work, what it will have written is not known yet: the job
 * waits behind it, because both have the opportunity as their key.
 */
export async function askForRepair(
  tx: MessagingTx,
  deal: HubspotObject,
  { opportunityId, readId }: { opportunityId: string; readId: string },
): Promise<void> {
  const atWork = await keysAtWork(tx, [opportunityId]);
  const written = await findLastWriteBack(tx, opportunityId);
  if (atWork.size === 0 && (!written || !isOverwritten(deal, written))) return;
  tx.enqueue([{ type: 'RepairWriteBack', key: opportunityId, id: readId, payload: { opportunityId } }]);
}

/** Writes the last closing's numbers again where others stand in the deal. Its echo bears ours, and asks for nothing. */
export function repairWriteBack(hubspot: Pick<HubspotClient, 'readDeal' | 'updateDeal'>, database: Database) {
  return async ({ payload }: Job<RepairWriteBackJob>, { signal }: EffectContext): Promise<EffectResult | void> => {
    const { opportunityId } = payload;
    const written = await findLastWriteBack(database, opportunityId);
    if (!written) return;
    const { dealId, occurrence, orderNumber, invoiceNumber, repairs } = written;
    const found = await hubspot.readDeal(dealId, signal);
    if (!found || !isOverwritten(found.deal, written)) return;
    if (repairs >= MAX_REPAIRS) {
      log.warn({ dealId, repairs }, 'The numbers in a deal are overwritten again and again: they are left alone.');
      return;
    }
    try {
      const { updatedAt } = await hubspot.updateDeal(dealId, { orderNumber, invoiceNumber }, signal);
      return {
        apply: async (tx) => {
          await countRepair(tx, opportunityId, { occurrence, writtenAt: updatedAt });
          tx.onCommit(() => repaired.add(1));
        },
      };
    } catch (error) {
      const code: string = codeOf(error);
      // Deleted meanwhile, or closed to us: nothing is left to repair, and whoever writes next is told.
      if (code === hubspotErrors.notFound || code === hubspotErrors.refused) return;
      throw error;
    }
  };
}

function isOverwritten(deal: HubspotObject, written: Pick<WriteBack, 'orderNumber' | 'invoiceNumber'>): boolean {
  const { orderNumber, invoiceNumber } = numbersIn(deal);
  return orderNumber !== written.orderNumber || invoiceNumber !== written.invoiceNumber;
}
