import { codeOf } from '@throughline/contracts';
import { createHash } from 'node:crypto';
import { Stripe } from 'stripe';
import { stripeError, toThroughlineError } from './errors.js';
import {
  ownCreditNote,
  toIssuedCreditNote,
  toReference,
  type CreditNoteRequest,
  type IssuedCreditNote,
  type IssuedInvoice,
} from './map.js';

/** The API version this connector was written and tested against; the SDK's types belong to it. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

export interface StripeClientOptions {
  /** `https://api.stripe.com`, or the sandbox. */
  baseUrl: string;
  secretKey: string;
  /** Time limit of one call, in milliseconds; below the lease of the work it is done for. Default 10 000. */
  timeoutMs?: number;
}

/** How a call is made at most once although it may be tried many times. */
export interface OnceKey {
  idempotencyKey: string;
  /** An earlier try may have reached Stripe: look the object up by our reference before creating it. */
  mayHaveRun: boolean;
}

/** How many times one request may fail at Stripe for good, each under a key of its own, before a person should look. */
const MAX_KEYS = 5;

/**
 * Stripe's invoicing API as our commands need it. Every method throws `ThroughlineError` only. Nothing is retried in here: the
 * work queue retries, so that a waiting key never holds a worker.
 */
export class StripeClient {
  private readonly stripe: Stripe;

  constructor(options: StripeClientOptions) {
    const url = new URL(options.baseUrl);
    this.stripe = new Stripe(options.secretKey, {
      apiVersion: STRIPE_API_VERSION,
      protocol: url.protocol === 'http:' ? 'http' : 'https',
      host: url.hostname,
      port: url.port || (url.protocol === 'http:' ? 80 : 443),
      maxNetworkRetries: 0,
      timeout: options.timeoutMs ?? 10_000,
      telemetry: false,
      appInfo: { name: 'throughline' },
    });
  }

  /** A cheap read: whether Stripe answers us. */
  async ping(): Promise<void> {
    await known(this.stripe.events.list({ limit: 1 }));
  }

  /** One customer per account: found by our account id where an earlier try may have created it. */
  async ensureCustomer(params: Stripe.CustomerCreateParams, key: OnceKey): Promise<{ id: string }> {
    const accountId = (params.metadata as Stripe.MetadataParam | undefined)?.['throughline_account_id'];
    const find = async () => {
      const found = await this.stripe.customers.search({
        query: `metadata['throughline_account_id']:'${accountId}'`,
        limit: 1,
      });
      return found.data[0];
    };
    const { id } = await once(keyOf(key, params), find, (idempotencyKey) =>
      this.stripe.customers.create(params, { idempotencyKey }),
    );
    return { id };
  }

  /** One product per product id, which is its id at Stripe too: creating it twice is refused there, and that is as good as done. */
  async ensureProduct(params: Stripe.ProductCreateParams & { id: string }, key: OnceKey): Promise<{ id: string }> {
    const find = () => optional(this.stripe.products.retrieve(params.id));
    try {
      await once(keyOf(key, params), find, (idempotencyKey) => this.stripe.products.create(params, { idempotencyKey }));
    } catch (error) {
      if (codeOf(error) !== 'STRIPE_ALREADY_EXISTS') throw error;
    }
    return { id: params.id };
  }

  /** The draft of one of our invoices, found among the customer's invoices by our invoice id. */
  async ensureDraftInvoice(
    params: Stripe.InvoiceCreateParams & { customer: string },
    key: OnceKey,
  ): Promise<{ id: string }> {
    const invoiceId = toReference(params.metadata as Stripe.Metadata)?.invoiceId;
    const find = async () => {
      for await (const invoice of this.stripe.invoices.list({ customer: params.customer, limit: 100 })) {
        if (toReference(invoice.metadata)?.invoiceId === invoiceId) return invoice;
      }
      return undefined;
    };
    const { id } = await once(keyOf(key, params), find, (idempotencyKey) =>
      this.stripe.invoices.create(params, { idempotencyKey }),
    );
    return { id };
  }

  /** One line of a draft, found by our line item id. */
  async ensureInvoiceItem(
    params: Stripe.InvoiceItemCreateParams & { invoice: string; metadata: Stripe.MetadataParam },
    key: OnceKey,
  ): Promise<{ id: string }> {
    const lineItemId = params.metadata['throughline_line_item_id'];
    const find = async () => {
      for await (const item of this.stripe.invoiceItems.list({ invoice: params.invoice, limit: 100 })) {
        if (item.metadata?.['throughline_line_item_id'] === lineItemId) return item;
      }
      return undefined;
    };
    const { id } = await once(keyOf(key, params), find, (idempotencyKey) =>
      this.stripe.invoiceItems.create(params, { idempotencyKey }),
    );
    return { id };
  }

  /** @returns `undefined` where it does not exist (any more). */
  async retrieveInvoice(id: string): Promise<Stripe.Invoice | undefined> {
    return optional(this.stripe.invoices.retrieve(id));
  }

  /** Gives the draft its number; an invoice that has one already is returned as it is. */
  async finalizeInvoice(id: string, key: OnceKey): Promise<Stripe.Invoice> {
    const find = async () => {
      const invoice = await this.retrieveInvoice(id);
      return invoice && invoice.status !== 'draft' ? invoice : undefined;
    };
    return once(key, find, (idempotencyKey) =>
      this.stripe.invoices.finalizeInvoice(id, { auto_advance: false }, { idempotencyKey }),
    );
  }

  /** Removes a draft; one that is gone already is as good as removed. */
  async deleteDraft(id: string): Promise<void> {
    await optional(this.stripe.invoices.del(id));
  }

  /** @throws `STRIPE_REQUEST_REFUSED` where the invoice is not open any more, for example because it was paid meanwhile. */
  async voidInvoice(id: string, key: OnceKey): Promise<Stripe.Invoice> {
    const find = async () => {
      const invoice = await this.retrieveInvoice(id);
      return invoice?.status === 'void' ? invoice : undefined;
    };
    return once(key, find, (idempotencyKey) => this.stripe.invoices.voidInvoice(id, {}, { idempotencyKey }));
  }

  /** A credit note of ours, found among the invoice's by what it was asked for: its return, or the taking back of the invoice. */
  async ensureCreditNote(params: CreditNoteRequest, key: OnceKey): Promise<IssuedCreditNote> {
    const wanted = ownCreditNote(params.metadata as Stripe.Metadata);
    const find = async () => {
      const notes = await this.listCreditNotes(params.invoice);
      return notes.find(({ metadata }) => {
        const own = ownCreditNote(metadata);
        return own !== undefined && own.returnId === wanted?.returnId;
      });
    };
    const note = await once(keyOf(key, params), find, (idempotencyKey) =>
      this.stripe.creditNotes.create(params, { idempotencyKey }),
    );
    return toIssuedCreditNote(note);
  }

  /** The credit notes of an invoice that count, newest first. */
  async listCreditNotes(invoice: string): Promise<Stripe.CreditNote[]> {
    const notes: Stripe.CreditNote[] = [];
    try {
      for await (const note of this.stripe.creditNotes.list({ invoice, limit: 100 })) notes.push(note);
    } catch (error) {
      throw toThroughlineError(error);
    }
    return notes.filter(({ status }) => status !== 'void');
  }

  /** @returns `undefined` where it does not exist. */
  async retrieveCreditNote(id: string): Promise<Stripe.CreditNote | undefined> {
    return optional(this.stripe.creditNotes.retrieve(id));
  }

  /** Pages of events of these types since a moment (inclusive, seconds since 1970), newest first; Stripe keeps them for 30 days. */
  async *eventsSince(createdGte: number, types: string[]): AsyncGenerator<Stripe.Event[]> {
    let startingAfter: string | undefined;
    for (;;) {
      const after = startingAfter ? { starting_after: startingAfter } : {};
      const page = await known(this.stripe.events.list({ created: { gte: createdGte }, types, limit: 100, ...after }));
      yield page.data;
      startingAfter = page.data.at(-1)?.id;
      if (!page.has_more || !startingAfter) return;
    }
  }
}

/** What we keep of an invoice that has been finalised. */
export function toIssuedInvoice(invoice: Stripe.Invoice): IssuedInvoice {
  const { id, number, status, total, currency, customer, status_transitions: transitions } = invoice;
  if (!number || !status || transitions.finalized_at == null || !customer) {
    throw stripeError(
      'STRIPE_REQUEST_REFUSED',
      'never',
      `Invoice ${id} is ${status} and has no number: finalise it, or delete it at Stripe and issue it again.`,
    );
  }
  return {
    id,
    number,
    status,
    total,
    currency,
    customerId: typeof customer === 'string' ? customer : customer.id,
    finalizedAt: transitions.finalized_at,
  };
}

/**
 * Makes a call whose effect must stand once. Stripe replays the outcome of a key, so trying again with the same key is safe while
 * the key lives (24 hours at least); where an earlier try may lie further back, the object is looked up first. A 500 is replayed
 * too: the request is over at Stripe and its effect unknown, so it is looked up, and only then asked for under a new key.
 */
async function once<R>(
  key: OnceKey,
  find: () => Promise<R | undefined>,
  call: (idempotencyKey: string) => Promise<R>,
): Promise<R> {
  let lookUp = key.mayHaveRun;
  for (let number = 1; ; number++) {
    try {
      const found = lookUp ? await find() : undefined;
      return found ?? (await call(number === 1 ? key.idempotencyKey : `${key.idempotencyKey}:${number}`));
    } catch (error) {
      const failure = toThroughlineError(error);
      if (failure.code !== 'STRIPE_SERVER_ERROR_REPLAYED' || number === MAX_KEYS) throw failure;
      lookUp = true;
    }
  }
}

/**
 * The key of exactly these parameters. A request is pinned for as long as its outcome is unknown, so its key stays the same; one
 * that was refused may come again corrected, and Stripe would refuse other parameters under the key it keeps.
 */
function keyOf({ idempotencyKey, mayHaveRun }: OnceKey, params: object): OnceKey {
  const digest = createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 12);
  return { idempotencyKey: `${idempotencyKey}:${digest}`, mayHaveRun };
}

async function known<R>(call: Promise<R>): Promise<R> {
  try {
    return await call;
  } catch (error) {
    throw toThroughlineError(error);
  }
}

async function optional<R>(call: Promise<R>): Promise<R | undefined> {
  try {
    return await known(call);
  } catch (error) {
    if (codeOf(error) === 'STRIPE_NOT_FOUND') return undefined;
    throw error;
  }
}
