import type { MedusaClient } from '@throughline/connectors/medusa';
import { codeOf } from '@throughline/contracts';
import type { EffectContext, EffectResult, Job } from '@throughline/messaging';
import type { ReleaseStray } from './poll-orders.js';

/** Job handler: cancels a fulfilment of ours that no answer ever spoke of. One that is cancelled already, or shipped, stays as it is. */
export function releaseStray({ medusa }: { medusa: MedusaClient }) {
  return (job: Job<ReleaseStray>, context: EffectContext): Promise<EffectResult> =>
    medusa.within(context.signal, async () => {
      const { medusaOrderId, fulfilmentId } = job.payload;
      try {
        await medusa.cancelFulfilment(medusaOrderId, fulfilmentId);
      } catch (error) {
        if (!['MEDUSA_REFUSED', 'MEDUSA_NOT_FOUND'].includes(codeOf(error))) throw error;
      }
      return {};
    });
}
