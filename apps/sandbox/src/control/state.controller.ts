import { Body, Controller, Get, HttpCode, HttpException, Inject, Param, Post, Put } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database, Tx } from '@throughline/postgres';
import { CONFIG, DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import type { SandboxConfig } from '../config.js';
import { isVendorRefusal } from '../errors.js';
import { FaultBox } from '../faults/fault-box.js';
import { type Vendor, type VendorName, VENDORS } from '../http/vendor.js';
import { plus } from '../medusa/order.js';
import { seedStore } from '../medusa/seed.js';
import { setStock } from '../medusa/stock.js';
import { tables } from '../migrations/1732200000000-initial.js';
import { randomId } from '../random-id.js';
import { creditable, type Invoice } from '../stripe/invoice.js';
import { Courier } from '../webhooks/courier.js';
import {
  type InvoiceRow,
  type OrderRow,
  readInvoices,
  readOrders,
  readState,
  readStock,
  type State,
  type StockRow,
} from './read-overview.js';

const payment = z.strictObject({
  outOfBand: z.boolean().default(false).describe('Paid past Stripe, for example by bank transfer.'),
});

const stockOnHand = z.strictObject({
  quantity: z
    .number()
    .min(0)
    .nullable()
    .describe('How much is there now; 0: out of stock. null: stock is no longer kept, there is always enough.'),
});
const returned = z.strictObject({
  items: z
    .array(z.strictObject({ id: z.string().describe('The line of the order.'), quantity: z.number().positive() }))
    .min(1)
    .optional()
    .describe('Without it all that was fulfilled and has not come back.'),
});
const credit = z.strictObject({
  amount: z
    .int()
    .positive()
    .optional()
    .describe('In minor units, as Stripe counts them; everything that is not credited yet where it is left out.'),
  giveBack: z
    .enum(['balance', 'refund', 'outside'])
    .default('balance')
    .describe(
      'Where what was paid goes: to the customer’s balance, back to the card, or past Stripe. An open invoice asks for less.',
    ),
  memo: z.string().min(1).optional().describe('Printed on the credit note.'),
});
const GIVEN_BACK = { balance: 'credit_amount', refund: 'refund_amount', outside: 'out_of_band_amount' } as const;

/** What a person at Stripe's or Medusa's dashboard does and sees. */
@ApiTags('control')
@Controller('sandbox')
export class StateController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: SandboxConfig,
    @Inject(VENDORS) private readonly vendors: Vendor[],
    @Inject(FaultBox) private readonly faults: FaultBox,
    @Inject(Courier) private readonly courier: Courier,
  ) {}

  @Get('state')
  @ApiOperation({ summary: 'How much of everything there is, and what is still under way.' })
  state(): Promise<State> {
    return this.database.transaction(readState);
  }

  @Get('orders')
  @ApiOperation({ summary: 'The newest orders and drafts in Medusa.' })
  orders(): Promise<OrderRow[]> {
    return this.database.transaction(readOrders);
  }

  @Get('invoices')
  @ApiOperation({ summary: 'The newest invoices at Stripe; amounts in minor units.' })
  invoices(): Promise<InvoiceRow[]> {
    return this.database.transaction(readInvoices);
  }

  @Post('invoices/:id/pay')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pays an open invoice in full, as its customer would.' })
  @ApiBody({ schema: openApiSchema(payment), required: false })
  async pay(@Param('id') id: string, @Body() body: unknown): Promise<{ id: string; status: unknown }> {
    const { outOfBand } = new ZodPipe<z.infer<typeof payment>>(payment).transform(body ?? {});
    const form = outOfBand ? 'paid_out_of_band=true' : 'payment_method=pm_card_visa';
    const invoice = await this.act('stripe', 'POST', `/v1/invoices/${id}/pay`, form);
    return { id, status: invoice.status };
  }

  @Post('invoices/:id/credit')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Credits a part of an open or paid invoice, or all that is left of it, as a person at Stripe would.',
  })
  @ApiBody({ schema: openApiSchema(credit), required: false })
  async credit(
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<{ id: string; number: string; amount: number }> {
    const { giveBack, memo, ...wanted } = new ZodPipe<z.infer<typeof credit>>(credit).transform(body ?? {});
    const invoice = await this.act<Invoice>('stripe', 'GET', `/v1/invoices/${id}`);
    const amount = wanted.amount ?? creditable(invoice);
    const owed = Math.min(amount, invoice.amount_remaining);
    const form = new URLSearchParams({ invoice: id, amount: String(amount) });
    if (amount > owed) form.set(GIVEN_BACK[giveBack], String(amount - owed));
    if (memo !== undefined) form.set('memo', memo);
    const note = await this.act<{ id: string; number: string }>('stripe', 'POST', '/v1/credit_notes', form.toString());
    return { id: note.id, number: note.number, amount };
  }

  @Post('orders/:id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancels an order in Medusa as a person there would, its fulfilments first.' })
  async cancelOrder(@Param('id') id: string): Promise<{ id: string }> {
    const { order } = await this.act<{ order: { fulfillments: { id: string; canceled_at: string | null }[] } }>(
      'medusa',
      'GET',
      `/admin/orders/${id}`,
    );
    for (const fulfillment of order.fulfillments.filter(({ canceled_at }) => canceled_at === null)) {
      await this.act('medusa', 'POST', `/admin/orders/${id}/fulfillments/${fulfillment.id}/cancel`, '{}');
    }
    await this.act('medusa', 'POST', `/admin/orders/${id}/cancel`);
    return { id };
  }

  @Get('stock')
  @ApiOperation({ summary: 'What Medusa sells under which SKU, and how much of it is there.' })
  stock(): Promise<StockRow[]> {
    return this.database.transaction(readStock);
  }

  @Put('stock/:sku')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Sets how much of a SKU is in stock; from then on orders of it are sent, and wait when it is out.',
  })
  @ApiBody({ schema: openApiSchema(stockOnHand) })
  async setStock(@Param('sku') sku: string, @Body() body: unknown): Promise<StockRow> {
    const { quantity } = new ZodPipe<z.infer<typeof stockOnHand>>(stockOnHand).transform(body ?? {});
    return this.database.transaction(async (tx) => {
      await setStock(tx, new Date(), sku, quantity);
      const found = (await readStock(tx)).find((row) => row.sku === sku);
      return found ?? { sku, product: sku, stocked: null, reserved: null };
    });
  }

  @Post('orders/:id/return')
  @HttpCode(200)
  @ApiOperation({ summary: 'Goods of an order come back: requests the return in Medusa, and receives it.' })
  @ApiBody({ schema: openApiSchema(returned), required: false })
  receiveReturn(@Param('id') id: string, @Body() body: unknown): Promise<{ id: string; status: unknown }> {
    const { items } = new ZodPipe<z.infer<typeof returned>>(returned).transform(body ?? {});
    return this.asPerson(async (tx) => {
      const medusa = <T extends object>(method: string, path: string, sent = ''): Promise<T> =>
        this.ask<T>(tx, 'medusa', method, `/admin/${path}`, sent);
      const { order } = await medusa<{ order: { items: { id: string; detail: ReturnCounts }[] } }>(
        'GET',
        `orders/${id}`,
      );
      const all = order.items
        .map((item) => ({ id: item.id, quantity: stillOut(item.detail) }))
        .filter(({ quantity }) => quantity > 0);
      const begun = await medusa<MedusaReturn>('POST', 'returns', JSON.stringify({ order_id: id }));
      const path = `returns/${begun.return.id}`;
      const wanted = JSON.stringify({ items: items ?? all });
      await medusa('POST', `${path}/request-items`, wanted);
      await medusa('POST', `${path}/request`, '{}');
      await medusa('POST', `${path}/receive`, '{}');
      await medusa('POST', `${path}/receive-items`, wanted);
      const done = await medusa<MedusaReturn>('POST', `${path}/receive/confirm`, '{}');
      return { id: done.return.id, status: done.return.status };
    });
  }

  @Post('reset')
  @HttpCode(204)
  @ApiOperation({ summary: 'Empties all three vendors, the webhook queue and the faults.' })
  async reset(): Promise<void> {
    await this.database.query({ name: 'reset', text: `TRUNCATE ${tables.join(', ')}` });
    await this.faults.load();
    await seedStore(this.database);
  }

  /** Asks a vendor as its API would be asked, past the faults. */
  private act<T extends object = Record<string, unknown>>(
    name: VendorName,
    method: string,
    path: string,
    body = '',
  ): Promise<T> {
    return this.asPerson((tx) => this.ask<T>(tx, name, method, path, body));
  }

  /** All of it, or nothing. */
  private async asPerson<T>(acts: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      const result = await this.database.transaction(acts);
      this.courier.nudge();
      return result;
    } catch (error) {
      if (isVendorRefusal(error)) throw new HttpException(error.response.body as object, error.response.status);
      throw error;
    }
  }

  private async ask<T extends object>(
    tx: Tx,
    name: VendorName,
    method: string,
    path: string,
    body: string,
  ): Promise<T> {
    const vendor = this.vendors.find((candidate) => candidate.name === name)!;
    const credentials = {
      hubspot: `Bearer ${this.config.HUBSPOT_ACCESS_TOKEN}`,
      stripe: `Bearer ${this.config.STRIPE_SECRET_KEY}`,
      medusa: `Basic ${Buffer.from(`${this.config.MEDUSA_API_KEY}:`).toString('base64')}`,
    };
    const headers = { authorization: credentials[name] };
    const request = { id: randomId('req_', 14), method, path, query: {}, headers, body };
    return (await vendor.answer(request, tx, new Date())).body as T;
  }
}

interface MedusaReturn {
  return: { id: string; status: string };
}

interface ReturnCounts {
  fulfilled_quantity: number;
  return_requested_quantity: number;
  return_received_quantity: number;
}

function stillOut(counts: ReturnCounts): number {
  return plus(counts.fulfilled_quantity, -plus(counts.return_requested_quantity, counts.return_received_quantity));
}
