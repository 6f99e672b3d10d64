import { defineRoutes, effect, job, type Routes } from '@throughline/messaging';
import type { ReleaseStray } from './changes/poll-orders.js';
import { releaseStray } from './changes/release-stray.js';
import { cancelOrder } from './orders/cancel-order.js';
import { createOrder, type OrderDependencies } from './orders/create-order.js';
import { fulfilBackorder, type FulfilBackorder } from './orders/fulfil-backorder.js';
import { fulfilOrderLine } from './orders/fulfil-order-line.js';
import { provisionOrder } from './orders/provision-order.js';
import { releaseOrder } from './orders/release-order.js';

/**
 * What ops-adapter does. While Medusa is away everything that calls it waits and is probed, no attempt counted; a 429 lets all of it wait
 * for as long as Medusa asks; a 409 or 500, while Medusa is up, lets the order's commands wait and try again, in order; what Medusa refuses
 * becomes the `...Rejected` event of the command; anything else is a defect of ours and becomes a dead letter, behind which the order's
 * commands are held until a person has decided. Every command has exactly one answer.
 *
 * What people do in Medusa comes by polling, not by a route (see changes/): an order cancelled there, a fulfilment made, cancelled or
 * shipped there, goods received back -> OrderCancelled | OrderProvisioned | OrderReleased | OrderLineShipped | OrderLineFulfilled |
 * OrderLineReturned | OrderLineFulfilmentRejected (the order of a line that was waited for is taken back), each once.
 */
export function opsRoutes(dependencies: OrderDependencies): Routes {
  const { medusa: client, storeId } = dependencies;
  const medusa = {
    dependency: `medusa:${storeId}`,
    timeoutMs: 60_000,
    // Some twenty-five minutes: an order is not given up because Medusa fails for a quarter of an hour.
    retry: { maxAttempts: 40, backoffMs: [200, 60_000] as [number, number] },
  };
  return defineRoutes({
    group: 'ops-adapter',
    dependencies: { [medusa.dependency]: { probe: (signal) => client.ping(signal) } },
    routes: {
      // Customer, products, draft, order: -> OrderCreated | OrderRejected (no draft left behind)
      CreateOrder: effect(createOrder(dependencies), medusa),
      // What keeps no stock and is not fulfilled: -> OrderProvisioned | OrderProvisioningRejected
      ProvisionOrder: effect(provisionOrder(dependencies), medusa),
      // What is in stock of the line: -> OrderLineShipped, then OrderLineFulfilled | OrderLineBackordered | OrderLineFulfilmentRejected
      FulfilOrderLine: effect(fulfilOrderLine(dependencies), medusa),
      // All fulfilments that stand: -> OrderReleased | OrderReleaseRejected (something was shipped), then
      // OrderLineFulfilmentRejected for each line that was still waited for
      ReleaseOrder: effect(releaseOrder(dependencies), medusa),
      // Afterwards no order stands: -> OrderCancelled (also where none ever did), then OrderLineFulfilmentRejected for each line that
      // was still waited for | OrderCancellationRejected
      CancelOrder: effect(cancelOrder(dependencies), medusa),
    },
    jobs: {
      // From the poll: a fulfilment by a call of ours that was applied after the order was released
      // Found once and told once, so that what follows waits for it, unlike a hint.
      ReleaseStray: job<ReleaseStray>(releaseStray(dependencies), { ...medusa, onDeadLetter: 'hold' }),
      // From the poll: stock has come in for an order that waits for it: -> OrderLineShipped, OrderLineFulfilled
      FulfilBackorder: job<FulfilBackorder>(fulfilBackorder(dependencies), medusa),
    },
    emits: [
      'OrderCreated',
      'OrderRejected',
      'OrderProvisioned',
      'OrderProvisioningRejected',
      'OrderReleased',
      'OrderReleaseRejected',
      'OrderCancelled',
      'OrderCancellationRejected',
      'OrderLineShipped',
      'OrderLineBackordered',
      'OrderLineFulfilled',
      'OrderLineFulfilmentRejected',
      'OrderLineReturned',
    ],
  });
}
