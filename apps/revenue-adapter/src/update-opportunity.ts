import { dealExternalIds, hubspotErrors, type HubspotClient } from '@throughline/connectors/hubspot';
import { codeOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Message } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import type { RevenueConfig } from './config.js';
import { findDealId, saveWriteBack } from './deal-store.js';

/** What HubSpot will never accept, and the name its refusal has outside. */
const refusals: Record<string, { reason: string; field: string | null }> = {
  [hubspotErrors.notFound]: { reason: 'deal-not-found', field: 'opportunityId' },
  [hubspotErrors.refused]: { reason: 'refused-by-crm', field: null },
};

/** Writes the order and invoice numbers into the deal. HubSpot's webhook about it comes back to us and ends in `decideDealEvents`. */
export function updateOpportunity(
  hubspot: Pick<HubspotClient, 'updateDeal'>,
  database: Database,
  config: RevenueConfig,
) {
  return async ({ payload, envelope }: Message<'UpdateOpportunity'>, context: EffectContext): Promise<EffectResult> => {
    const { opportunityId, occurrence, orderNumber, invoiceNumber } = payload;
    const about = { correlationId: envelope.correlationId, causationId: envelope.id };
    const rejected = (reason: string, field: string | null, message: string): EffectResult => ({
      emit: [
        { type: 'OpportunityUpdateRejected', payload: { opportunityId, occurrence, reason, field, message }, ...about },
      ],
    });

    const dealId = await findDealId(database, opportunityId);
    if (dealId === undefined) {
      return rejected(
        'unknown-opportunity',
        'opportunityId',
        `No HubSpot deal is known for opportunity ${opportunityId}.`,
      );
    }
    let updatedAt: string;
    try {
      const request = { dealId, orderNumber, invoiceNumber };
      ({ updatedAt } = await context.once('update-deal', request, ({ dealId: id, ...numbers }) =>
        hubspot.updateDeal(id, numbers, context.signal),
      ));
    } catch (error) {
      const refusal = refusals[codeOf(error)];
      if (!refusal) throw error;
      return rejected(refusal.reason, refusal.field, (error as Error).message);
    }
    return {
      emit: [
        {
          type: 'OpportunityUpdated',
          payload: {
            opportunityId,
            occurrence,
            orderNumber,
            invoiceNumber,
            updatedAt,
            externalIds: dealExternalIds(config.HUBSPOT_PORTAL_ID, dealId),
          },
          ...about,
        },
      ],
      apply: (tx) => saveWriteBack(tx, opportunityId, { occurrence, orderNumber, invoiceNumber, writtenAt: updatedAt }),
    };
  };
}
