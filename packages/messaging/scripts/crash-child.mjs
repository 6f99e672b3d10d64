// The service that crash-recovery.int.spec.ts, two-instances.int.spec.ts and zombie.int.spec.ts kill: either side of a small conversation.
//   ops:    CancelOrder -> a vendor, which keeps idempotency keys only where the spec says so -> OrderCancelled
//   ledger: OrderCancelled -> a row per event; its outbox carries the CancelOrder commands that the spec writes
import { setTimeout as sleep } from 'node:timers/promises';
import { Codec } from '@throughline/contracts';
import { defineRoutes, effect, Messaging, state } from '@throughline/messaging';
import { Database } from '@throughline/postgres';
import { logger } from '@throughline/telemetry';
import { FAST_LIMITS, fixedSchemaIds, orderCancelled } from '@throughline/testing';

const { ROLE, DATABASE_URL, VENDOR_URL, KAFKA, GROUP, INSTANCE, SPEC_LOG } = process.env;

const database = await Database.connect({ url: DATABASE_URL, applicationName: `${ROLE} ${INSTANCE}` });
const vendor = await Database.connect({ url: VENDOR_URL, applicationName: `vendor of ${INSTANCE}` });
const find = { name: 'find', text: 'SELECT id FROM vendor_object WHERE reference = $1' };
const create = {
  name: 'create',
  text: 'INSERT INTO vendor_object (reference, key, n) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id',
};
const note = { name: 'note', text: 'INSERT INTO ledger (key, n) SELECT * FROM unnest($1::text[], $2::int[])' };

async function cancelOrder({ payload, envelope }, context) {
  const n = Number(payload.reason);
  await context.once('cancel', { key: payload.orderId, n }, async (request, reference, { mayHaveRun }) => {
    if (mayHaveRun) {
      const [found] = await vendor.query(find, [reference]);
      if (found) return found;
    }
    await sleep(Math.random() * 20);
    const [created] = await vendor.query(create, [reference, request.key, request.n]);
    await sleep(Math.random() * 20);
    return created ?? (await vendor.query(find, [reference]))[0]; // somebody was faster, and the vendor keeps keys
  });
  return { emit: [{ ...orderCancelled(payload.orderId, { occurrence: n }), causationId: envelope.id }] };
}

async function noteAll(messages, tx) {
  await tx.query(note, [
    messages.map(({ payload }) => payload.orderId),
    messages.map(({ payload }) => payload.occurrence),
  ]);
}

const routes = {
  ops: {
    routes: { CancelOrder: effect(cancelOrder, { dependency: 'vendor', timeoutMs: 5_000 }) },
    emits: ['OrderCancelled'],
  },
  ledger: { routes: { OrderCancelled: state(noteAll) }, emits: ['CancelOrder'] },
};
const messaging = new Messaging({
  service: ROLE,
  instanceId: INSTANCE,
  database,
  codec: new Codec(fixedSchemaIds()),
  kafka: JSON.parse(KAFKA),
  routes: defineRoutes({ group: GROUP, ...routes[ROLE] }),
  limits: FAST_LIMITS,
  log: logger(INSTANCE, { level: SPEC_LOG ?? 'silent' }),
});
await messaging.start();
while (!messaging.health().ready) await sleep(20);
process.stdout.write('ready\n');
