import type { Tx } from '@throughline/postgres';
import { z } from 'zod';
import { decodeNested, type Nested } from '../http/decode-nested.js';
import type { Call, VendorResponse } from '../http/vendor.js';
import { randomId } from '../random-id.js';
import type { WebhookQueue } from '../webhooks/webhook-queue.js';
import { noSuch, stripeError } from './errors.js';
import { paging, parseParams, type Range } from './params.js';
import { findObject, insertObject, listObjects, lockObject, type StripeObject, updateObject } from './store.js';

export interface StripeOptions {
  secretKey: string;
  searchLagMs: number;
  webhooks: WebhookQueue;
}

/** Of these the account's webhook endpoint is told; the others are found through /v1/events alone. */
const webhookTypes = /^(invoice\.|customer\.|credit_note\.)/;
export const apiVersion = '2026-10-28.endive';

/** What one Stripe request works with; every write goes through it, so that its event is never forgotten. */
export class StripeContext {
  readonly tx: Tx;
  readonly now: Date;
  /** Seconds, as all of Stripe's timestamps. */
  readonly seconds: number;
  readonly path: Record<string, string>;

  constructor(
    private readonly call: Call,
    private readonly options: StripeOptions,
  ) {
    this.tx = call.tx;
    this.now = call.now;
    this.seconds = Math.floor(call.now.getTime() / 1000);
    this.path = call.path;
  }

  get searchLagMs(): number {
    return this.options.searchLagMs;
  }

  /** Parameters of a GET come in the query, of all others in the form. */
  params<T extends z.ZodType>(shape: T): z.infer<T> {
    const { method, query, body } = this.call.request;
    return parseParams(shape, method === 'GET' ? query : (decodeNested(body) as Nested));
  }

  async find<T extends StripeObject>(object: T['object'], id: string, param?: string): Promise<T> {
    const found = await findObject<T>(this.tx, object, id);
    if (!found) throw noSuch(object, id, param);
    return found;
  }

  async lock<T extends StripeObject>(object: T['object'], id: string, param?: string): Promise<T> {
    const found = await lockObject<T>(this.tx, object, id);
    if (!found) throw noSuch(object, id, param);
    return found;
  }

  async create(object: StripeObject): Promise<void> {
    if (await insertObject(this.tx, object, this.now)) return;
    throw stripeError(`${object.object[0]!.toUpperCase()}${object.object.slice(1)} already exists.`, {
      code: 'resource_already_exists',
    });
  }

  async save(object: StripeObject): Promise<void> {
    await updateObject(this.tx, object, this.now, this.options.searchLagMs);
  }

  async emit(type: string, object: StripeObject): Promise<void> {
    const event = {
      id: randomId('evt_1', 23),
      object: 'event',
      api_version: apiVersion,
      created: this.seconds,
      data: { object: view(object) },
      livemode: false,
      pending_webhooks: webhookTypes.test(type) ? 1 : 0,
      request: { id: this.call.request.id, idempotency_key: this.call.request.headers['idempotency-key'] ?? null },
      type,
    };
    await insertObject(this.tx, event, this.now);
    if (webhookTypes.test(type))
      await this.options.webhooks.add(this.tx, 'stripe', [{ type, payload: event }], this.now);
  }

  /** Answers one object, with the references named in `expand` replaced by the objects. */
  async answer(object: StripeObject, expand: string[] = []): Promise<VendorResponse> {
    return { status: 200, body: await this.expanded(view(object), expand) };
  }

  async answerList(
    query: {
      object: string;
      where: Record<string, string | boolean | null | undefined>;
      anyOf?: { field: string; values: string[] };
    },
    params: { limit?: number; starting_after?: string; ending_before?: string; created?: Range; expand?: string[] },
  ): Promise<VendorResponse> {
    const { data, hasMore } = await listObjects(this.tx, {
      ...query,
      created: params.created,
      startingAfter: params.starting_after,
      endingBefore: params.ending_before,
      limit: params.limit ?? 10,
    });
    return this.answerPage({ object: 'list', has_more: hasMore }, data, params.expand);
  }

  async answerPage(
    head: Record<string, unknown>,
    data: StripeObject[],
    expand: string[] = [],
  ): Promise<VendorResponse> {
    const inner = expand.map((path) => path.replace(/^data\./, ''));
    const shown = [];
    for (const object of data) shown.push(await this.expanded(view(object), inner));
    return { status: 200, body: { ...head, data: shown, url: this.call.request.path } };
  }

  private async expanded(object: StripeObject, expand: string[]): Promise<StripeObject> {
    const shown = { ...object };
    for (const path of expand) {
      const [field = '', ...rest] = path.split('.');
      if (field === 'payments' && object.object === 'invoice') {
        const { data, hasMore } = await listObjects(this.tx, {
          object: 'invoice_payment',
          where: { invoice: object.id },
          limit: 10,
        });
        shown.payments = { object: 'list', data, has_more: hasMore, url: `/v1/invoice_payments?invoice=${object.id}` };
        continue;
      }
      const id = object[field];
      if (id === undefined) throw stripeError(`This property cannot be expanded (${path}).`, { param: 'expand' });
      if (typeof id !== 'string') continue;
      const [found] = await this.tx.query<{ body: StripeObject }>(
        { name: 'stripe-expand', text: 'SELECT body FROM stripe_object WHERE id = $1' },
        [id],
      );
      if (found) shown[field] = await this.expanded(view(found.body), rest.length > 0 ? [rest.join('.')] : []);
    }
    return shown;
  }
}

export const listShape = <T extends z.ZodRawShape>(filters: T) => z.strictObject({ ...paging, ...filters });

/** Merges metadata as Stripe does: keys are added, '' removes one, null (from '') removes all. */
export function mergeMetadata(
  current: Record<string, string>,
  change: Record<string, string> | null | undefined,
): Record<string, string> {
  if (change === undefined) return current;
  if (change === null) return {};
  return Object.fromEntries(Object.entries({ ...current, ...change }).filter(([, value]) => value !== ''));
}

/** How an object is shown: an invoice or credit note with its first ten lines, the rest behind `has_more`. */
function view(object: StripeObject): StripeObject {
  if (object.object !== 'invoice' && object.object !== 'credit_note') return object;
  const lines = object.lines as { data: unknown[] };
  const url = object.object === 'invoice' ? `/v1/invoices/${object.id}/lines` : `/v1/credit_notes/${object.id}/lines`;
  return {
    ...object,
    lines: {
      object: 'list',
      data: lines.data.slice(0, 10),
      has_more: lines.data.length > 10,
      total_count: lines.data.length,
      url,
    },
  };
}
