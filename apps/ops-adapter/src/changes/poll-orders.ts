import { pollChanges, type MedusaClient, type MedusaOrder, type MedusaReturn } from '@throughline/connectors/medusa';
import type { Messages } from '@throughline/contracts';
import { keysAtWork, type MessagingTx, type OutgoingMessage } from '@throughline/messaging';
import type { Queryable } from '@throughline/postgres';
import { toOrderCancelled, toOrderProvisioned, toOrderReleased } from '../orders/answers.js';
import type { LineEvent } from '../orders/order-lines.js';
import { lockOrders, saveOrder, type WrittenOrder } from '../orders/store.js';
import { claimCursor, moveCursor, type CursorName } from './cursor-store.js';
import { takeOver, type TakeOver } from './take-over.js';

export interface PollDependencies {
  medusa: MedusaClient;
  database: Queryable;
  messaging: { transaction<T>(fn: (tx: MessagingTx) => Promise<T>): Promise<T> };
  /** The tenant in external ids. */
  storeId: string;
  /** This process, so that one instance polls at a time. */
  instanceId: string;
  now: () => Date;
  overlapMs: number;
  leaseMs: number;
}

/** Releases a fulfilment that a lost call of ours made after nobody waited for it any more. */
export interface ReleaseStray {
  medusaOrderId: string;
  fulfilmentId: string;
}

/**
 * Takes over what people changed in Medusa since the last poll, each change as one event. The cursor stays behind orders that a
 * command is working on: they are left for the next poll, since what they show may be the command's own doing.
 *
 * @returns how many events there were, or `undefined` while another instance polls
 */
export async function pollOrders(dependencies: PollDependencies): Promise<number | undefined> {
  let events = 0;
  const polled = await poll(
    dependencies,
    'orders',
    (page) => dependencies.medusa.listOrders(page),
    async (page) => {
      const taken = await takeOverPage(page, dependencies);
      events += taken.events;
      return taken.leftBehind;
    },
  );
  return polled ? events : undefined;
}

/**
 * Reads pages from the cursor and moves it after each: to the newest change, but never past one that was left behind.
 *
 * @param take deals with a page and returns what it leaves for the next poll
 */
export async function poll<T extends { id: string; updatedAt: string }>(
  { database, instanceId, leaseMs, now, overlapMs }: PollDependencies,
  name: CursorName,
  list: Parameters<typeof pollChanges<T>>[0],
  take: (page: T[]) => Promise<T[]>,
): Promise<boolean> {
  const claimed = await claimCursor(database, name, instanceId, leaseMs);
  if (!claimed) return false;
  // Nothing of ours is older than the first poll.
  let newest = claimed.cursor ?? now().toISOString();
  let bound: string | undefined;
  if (!claimed.cursor) await moveCursor(database, name, instanceId, newest);
  for await (const page of pollChanges(list, { cursor: newest, overlapMs })) {
    const leftBehind = await take(page);
    newest = [newest, ...page.map((it) => it.updatedAt)].sort().at(-1)!;
    bound = [bound, ...leftBehind.map((it) => it.updatedAt)].filter((it) => it !== undefined).sort()[0];
    await moveCursor(database, name, instanceId, bound && bound < newest ? bound : newest);
    if (!(await claimCursor(database, name, instanceId, leaseMs))) return true;
  }
  return true;
}

async function takeOverPage(
  page: MedusaOrder[],
  { medusa, messaging, storeId, now }: PollDependencies,
): Promise<{ events: number; leftBehind: MedusaOrder[] }> {
  const ours = page.filter((order) => order.orderId !== undefined);
  if (ours.length === 0) return { events: 0, leftBehind: [] };
  const ids = ours.map((order) => order.orderId!);
  const returns = new Map<string, MedusaReturn[]>();
  for (const { id } of ours.filter((order) => order.lines.some((line) => line.received > 0))) {
    returns.set(id, await medusa.listReturns(id));
  }
  return messaging.transaction(async (tx) => {
    const known = new Map((await lockOrders(tx, ids)).map((row) => [row.orderId, row]));
    // After the locks: what is not in flight any more by now has left its result in the locked rows.
    const inFlight = await keysAtWork(tx, ids);
    const leftBehind: MedusaOrder[] = [];
    let events = 0;
    for (const seen of ours) {
      const row = known.get(seen.orderId!);
      if (inFlight.has(seen.orderId!)) leftBehind.push(seen);
      else if (row) {
        const found = takeOver(row, seen, returns.get(seen.id) ?? [], { now: now().toISOString(), storeId });
        events += await record(tx, row, found, storeId, seen.id);
      }
    }
    return { events, leftBehind };
  });
}

async function record(
  tx: MessagingTx,
  known: WrittenOrder,
  { row, events, lineEvents, strays }: TakeOver,
  storeId: string,
  medusaOrderId: string,
): Promise<number> {
  if (row) await saveOrder(tx, row);
  if (row) {
    const [provisioned, ended] = [events.filter(isProvisioned), events.filter((type) => !isProvisioned(type))];
    const [moved, stopped] = [lineEvents.filter((it) => !isStopped(it)), lineEvents.filter(isStopped)];
    const toLineEvent = ({ type, payload }: LineEvent) =>
      ({ type, payload, correlationId: row.correlationId }) as OutgoingMessage;
    tx.emit([
      ...provisioned.map((type) => toEvent(type, row, storeId)),
      ...moved.map(toLineEvent),
      ...ended.map((type) => toEvent(type, row, storeId)),
      ...stopped.map(toLineEvent),
    ]);
  }
  tx.enqueue(
    strays.map((fulfilment) => ({
      type: 'ReleaseStray',
      key: known.orderId,
      id: fulfilment.id,
      payload: { medusaOrderId, fulfilmentId: fulfilment.id } satisfies ReleaseStray,
    })),
  );
  return events.length + lineEvents.length;
}

const isProvisioned = (type: TakeOver['events'][number]): boolean => type === 'OrderProvisioned';
const isStopped = ({ type }: LineEvent): boolean => type === 'OrderLineFulfilmentRejected';

const PAYLOADS = {
  OrderProvisioned: toOrderProvisioned,
  OrderReleased: toOrderReleased,
  OrderCancelled: toOrderCancelled,
} satisfies { [T in TakeOver['events'][number]]: (order: WrittenOrder, storeId: string) => Messages[T] };

function toEvent(type: TakeOver['events'][number], row: WrittenOrder, storeId: string): OutgoingMessage {
  return { type, payload: PAYLOADS[type](row, storeId), correlationId: row.correlationId } as OutgoingMessage;
}
