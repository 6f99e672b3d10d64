import { Client as HubspotClient } from '@hubspot/api-client';
import { AssociationSpecAssociationCategoryEnum } from '@hubspot/api-client/lib/codegen/crm/deals/index.js';
import { Admin, Client as MedusaClient } from '@medusajs/js-sdk';
import { canonicalId, fromMinorUnits, sumMoney, toDecimal, type Decimal } from '@throughline/contracts';
import { Stripe } from 'stripe';
import { TENANTS, type TopologyInput } from '../topology.js';
import { planDeals, type Plan, type PlannedDeal } from './plan.js';
import type { Evidence, ExpectedDeal, Found, FoundOrder, FoundSchedule } from './verify.js';

/** Limit of one call to a vendor, in milliseconds. */
const TIMEOUT_MS = 15_000;
const CONCURRENT_CALLS = 8;
const ORDER_FIELDS =
  'id,display_id,status,total,currency_code,metadata,items.id,items.title,items.quantity,' +
  'fulfillments.id,fulfillments.canceled_at,fulfillments.items.line_item_id,fulfillments.items.quantity';
/** HubSpot's own association types: deal to company, line item to deal. */
const DEAL_TO_COMPANY = 341;
const LINE_ITEM_TO_DEAL = 20;

/** Something that was made for one closing of a deal, whatever has become of it. */
interface Booked extends Found {
  occurrence: number;
}

export interface BookedOrder extends Booked, FoundOrder {
  /** In Medusa's words: `canceled` where it was taken back. */
  status: string;
  /** That stand. */
  fulfilments: number;
}

export interface BookedInvoice extends Booked {
  /** At Stripe. */
  id: string;
  /** In Stripe's words. */
  status: string;
  /** By credit notes, before and after it was paid. */
  credited: Decimal;
}

export interface BookedSchedule extends Booked, FoundSchedule {
  reversed: boolean;
}

/** What every system has on record for the deals of a run. */
export interface Books extends Pick<Evidence, 'writeBacks' | 'customers'> {
  orders: BookedOrder[];
  invoices: BookedInvoice[];
  schedules: BookedSchedule[];
}

/** What of it is in force. */
export function standing(books: Books): Evidence {
  return {
    ...books,
    orders: books.orders.filter(({ status }) => status !== 'canceled'),
    invoices: books.invoices.filter(({ status }) => status === 'open' || status === 'paid'),
    schedules: books.schedules.filter(({ reversed }) => !reversed),
  };
}

/** The vendors as a person outside sees them: through each vendor's own SDK, and never through our tables. */
export class Vendors {
  private readonly hubspot: HubspotClient;
  private readonly stripe: Stripe;
  private readonly medusa: Admin;
  private readonly sandboxUrl: string;

  constructor(
    { secrets, instances }: TopologyInput,
    private readonly financeUrls: () => string[],
  ) {
    const port = instances.find(({ service }) => service === 'sandbox')?.port ?? 0;
    this.sandboxUrl = `http://127.0.0.1:${port}`;
    this.hubspot = new HubspotClient({ accessToken: secrets.hubspotAccessToken, basePath: this.sandboxUrl });
    this.stripe = new Stripe(secrets.stripeSecretKey, {
      protocol: 'http',
      host: '127.0.0.1',
      port,
      timeout: TIMEOUT_MS,
      maxNetworkRetries: 2,
      telemetry: false,
    });
    this.medusa = new Admin(new MedusaClient({ baseUrl: this.sandboxUrl, apiKey: secrets.medusaApiKey }));
  }

  /** Sets how unreliable the vendors are; see the sandbox's own API page for what there is. */
  async setFaults(faults: unknown): Promise<void> {
    const response = await fetch(`${this.sandboxUrl}/sandbox/faults`, {
      method: faults === null ? 'DELETE' : 'PUT',
      headers: { 'content-type': 'application/json' },
      ...(faults !== null && { body: JSON.stringify(faults) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the sandbox refused the faults: ${await response.text()}`);
  }

  /** Creates the planned companies and deals, all still open. Returns the deals in the order of the plan. */
  async createDeals(plan: Plan): Promise<ExpectedDeal[]> {
    const companyIds = await mapBounded(plan.companies, async (properties) => {
      const { id } = await this.hubspot.crm.companies.basicApi.create({ properties, associations: [] });
      return id;
    });
    return mapBounded(plan.deals, (deal) => this.createDeal(deal, companyIds[deal.company]!));
  }

  private async createDeal(deal: PlannedDeal, companyId: string): Promise<ExpectedDeal> {
    const { id } = await this.hubspot.crm.deals.basicApi.create({
      properties: {
        dealname: deal.name,
        dealstage: 'contractsent',
        amount: deal.amount,
        deal_currency_code: deal.currency,
        contract_start_date: deal.contractStart,
        contract_end_date: deal.contractEnd,
      },
      associations: [association(companyId, DEAL_TO_COMPANY)],
    });
    if (deal.lines.length === 0) return expectedOf(id, deal);
    await this.hubspot.crm.lineItems.batchApi.create({
      inputs: deal.lines.map((line) => ({
        properties: {
          name: line.name,
          hs_sku: line.sku,
          quantity: String(line.quantity),
          price: line.price,
          amount: line.amount,
        },
        associations: [association(id, LINE_ITEM_TO_DEAL)],
      })),
    });
    return expectedOf(id, deal);
  }

  /** Sets a deal to closed-won, as a salesperson does. */
  async closeDeal(dealId: string): Promise<void> {
    await this.setStage(dealId, 'closedwon');
  }

  async setStage(dealId: string, dealstage: string): Promise<void> {
    await this.hubspot.crm.deals.basicApi.update(dealId, {
      properties: { dealstage, ...(dealstage === 'closedwon' && { closedate: new Date().toISOString() }) },
    });
  }

  /** Pays an open invoice, as the customer's bank transfer does. */
  async payInvoice(invoiceId: string): Promise<void> {
    await this.stripe.invoices.pay(invoiceId, { paid_out_of_band: true });
  }

  /** Everything that stands for the deals of a run, in every system. */
  async evidence(deals: ExpectedDeal[]): Promise<Evidence> {
    return standing(await this.books(deals));
  }

  /** Everything that was ever made for the deals of a run, in every system, also what was taken back. */
  async books(deals: ExpectedDeal[]): Promise<Books> {
    const wanted = new Set(deals.map(({ opportunityId }) => opportunityId));
    const [orders, invoices, schedules, writeBacks, customers] = await Promise.all([
      this.orders(),
      this.invoices(),
      this.schedules(wanted),
      this.writeBacks(deals),
      this.customers(),
    ]);
    const ofRun = <F extends Found>(found: F[]): F[] => found.filter(({ opportunityId }) => wanted.has(opportunityId));
    return { orders: ofRun(orders), invoices: ofRun(invoices), schedules: ofRun(schedules), writeBacks, customers };
  }

  private async orders(): Promise<BookedOrder[]> {
    const found: BookedOrder[] = [];
    for (let offset = 0; ;) {
      const page = await this.medusa.order.list({
        limit: 100,
        offset,
        fields: ORDER_FIELDS,
      });
      for (const order of page.orders) {
        found.push({
          opportunityId: text(order.metadata?.['throughline_opportunity_id']),
          occurrence: Number(order.metadata?.['throughline_occurrence']),
          number: String(order.display_id),
          currency: order.currency_code.toUpperCase(),
          amount: toDecimal(String(order.total)),
          status: order.status,
          fulfilments: inForce(order).length,
          lines: linesOf(order),
        });
      }
      offset += page.orders.length;
      if (page.orders.length === 0 || offset >= page.count) return found;
    }
  }

  private async invoices(): Promise<BookedInvoice[]> {
    const found: BookedInvoice[] = [];
    for await (const invoice of this.stripe.invoices.list({ limit: 100 })) {
      const currency = invoice.currency.toUpperCase();
      found.push({
        id: invoice.id,
        opportunityId: text(invoice.metadata?.['throughline_opportunity_id']),
        occurrence: Number(invoice.metadata?.['throughline_occurrence']),
        number: invoice.number ?? '',
        currency,
        amount: fromMinorUnits(invoice.total, currency),
        status: invoice.status ?? '',
        credited: fromMinorUnits(
          invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount,
          currency,
        ),
      });
    }
    return found;
  }

  /** The subledger is ours, so it is asked through its public API like any other system. */
  private async schedules(opportunityIds: ReadonlySet<string>): Promise<BookedSchedule[]> {
    const found: LedgerSchedule[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = new URLSearchParams({ limit: '200', ...(cursor && { cursor }) });
      const page: SubledgerPage = await this.subledger(`?${query.toString()}`);
      found.push(...page.data.filter(({ opportunityId }) => opportunityIds.has(opportunityId)));
      cursor = page.nextCursor;
    }
    return mapBounded(found, async (schedule) => {
      const { entries } = await this.subledger<{ entries: { amount: Decimal }[] }>(`/${schedule.scheduleId}`);
      return {
        opportunityId: schedule.opportunityId,
        occurrence: schedule.occurrence,
        reversed: schedule.reversedAt !== null,
        number: schedule.scheduleId,
        currency: schedule.currency,
        amount: schedule.totalAmount,
        planned: sumMoney(entries.map(({ amount }) => amount)),
        recognisedFrom: schedule.recognisedFrom,
      };
    });
  }

  private async subledger<T>(path: string): Promise<T> {
    const response = await fetch(`${this.financeUrls()[0]}/v1/revenue-schedules${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the subledger answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  private async writeBacks(deals: ExpectedDeal[]): Promise<Evidence['writeBacks']> {
    const found: Evidence['writeBacks'] = [];
    for (let start = 0; start < deals.length; start += 100) {
      const { results } = await this.hubspot.crm.deals.batchApi.read({
        inputs: deals.slice(start, start + 100).map(({ dealId }) => ({ id: dealId })),
        properties: ['throughline_order_number', 'throughline_invoice_number'],
        propertiesWithHistory: [],
      });
      for (const { id, properties } of results) {
        found.push({
          dealId: id,
          orderNumber: properties['throughline_order_number'] ?? '',
          invoiceNumber: properties['throughline_invoice_number'] ?? '',
        });
      }
    }
    return found;
  }

  private async customers(): Promise<Evidence['customers']> {
    const found: Evidence['customers'] = [];
    for await (const customer of this.stripe.customers.list({ limit: 100 })) {
      const account = customer.metadata['throughline_account_id'];
      if (account) found.push({ system: 'stripe', account });
    }
    for (let offset = 0; ;) {
      const page = await this.medusa.customer.list({ limit: 100, offset, fields: 'id,metadata' });
      for (const customer of page.customers) {
        const account = customer.metadata?.['throughline_account_id'];
        if (account) found.push({ system: 'medusa', account: text(account) });
      }
      offset += page.customers.length;
      if (page.customers.length === 0 || offset >= page.count) return found;
    }
  }
}

interface LedgerSchedule {
  scheduleId: string;
  opportunityId: string;
  occurrence: number;
  currency: string;
  totalAmount: string;
  recognisedFrom: string | null;
  reversedAt: string | null;
}

interface SubledgerPage {
  data: LedgerSchedule[];
  nextCursor: string | null;
}

/** As much of Medusa's order as says what of it has been fulfilled. */
interface Fulfillable {
  items?: { id: string; title: string; quantity: number }[] | null;
  fulfillments?: { canceled_at?: unknown; items?: { line_item_id: string; quantity: number }[] | null }[] | null;
}

function inForce({ fulfillments }: Fulfillable) {
  return (fulfillments ?? []).filter((one) => !one.canceled_at);
}

/** Each line with what of it lies in fulfilments that stand. */
function linesOf(order: Fulfillable): FoundOrder['lines'] {
  const parts = inForce(order).flatMap(({ items }) => items ?? []);
  return (order.items ?? []).map(({ id, title, quantity }) => ({
    name: title,
    ordered: quantity,
    fulfilled: parts.filter((part) => part.line_item_id === id).reduce((sum, part) => sum + part.quantity, 0),
  }));
}

/** Creates one ordinary deal and closes it; returns its id in the CRM. */
export async function closeSampleDeal(topology: TopologyInput): Promise<string> {
  const vendors = new Vendors(topology, () => []);
  const label = new Date().toISOString().slice(0, 19).replace(/[-:T]/g, '');
  const [deal] = await vendors.createDeals(planDeals(1, 4, label));
  await vendors.closeDeal(deal!.dealId);
  return deal!.dealId;
}

/** Runs `fn` over a list with at most {@link CONCURRENT_CALLS} under way; results in the order of the list. */
async function mapBounded<T, R>(list: readonly T[], fn: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < list.length; index = next++) results[index] = await fn(list[index]!, index);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_CALLS, list.length) }, worker));
  return results;
}

function expectedOf(dealId: string, { currency, amount }: PlannedDeal): ExpectedDeal {
  return { dealId, opportunityId: canonicalId('hubspot', TENANTS.hubspotPortal, 'deal', dealId), currency, amount };
}

function association(id: string, associationTypeId: number) {
  return {
    to: { id },
    types: [{ associationCategory: AssociationSpecAssociationCategoryEnum.HubspotDefined, associationTypeId }],
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
