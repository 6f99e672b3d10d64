import { Body, Controller, Get, HttpCode, HttpException, Inject, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import type { SandboxConfig } from '../config.js';
import { isVendorRefusal } from '../errors.js';
import { FaultBox } from '../faults/fault-box.js';
import { type Vendor, type VendorName, VENDORS } from '../http/vendor.js';
import { seedStore } from '../medusa/seed.js';
import { tables } from '../migrations/1732200000000-initial.js';
import { randomId } from '../random-id.js';
import { Courier } from '../webhooks/courier.js';
import { type InvoiceRow, type OrderRow, readInvoices, readOrders, readState, type State } from './read-overview.js';

const payment = z.strictObject({
  outOfBand: z.boolean().default(false).describe('Paid past Stripe, for example by bank transfer.'),
});

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

  @Post('reset')
  @HttpCode(204)
  @ApiOperation({ summary: 'Empties all three vendors, the webhook queue and the faults.' })
  async reset(): Promise<void> {
    await this.database.query({ name: 'reset', text: `TRUNCATE ${tables.join(', ')}` });
    await this.faults.load();
    await seedStore(this.database);
  }

  /** Asks a vendor as its API would be asked, past the faults. */
  private async act<T extends object = Record<string, unknown>>(
    name: VendorName,
    method: string,
    path: string,
    body = '',
  ): Promise<T> {
    const vendor = this.vendors.find((candidate) => candidate.name === name)!;
    const credentials = {
      hubspot: `Bearer ${this.config.HUBSPOT_ACCESS_TOKEN}`,
      stripe: `Bearer ${this.config.STRIPE_SECRET_KEY}`,
      medusa: `Basic ${Buffer.from(`${this.config.MEDUSA_API_KEY}:`).toString('base64')}`,
    };
    const request = {
      id: randomId('req_', 14),
      method,
      path,
      query: {},
      headers: { authorization: credentials[name] },
      body,
    };
    try {
      const answer = await this.database.transaction((tx) => vendor.answer(request, tx, new Date()));
      this.courier.nudge();
      return answer.body as T;
    } catch (error) {
      if (isVendorRefusal(error)) throw new HttpException(error.response.body as object, error.response.status);
      throw error;
    }
  }
}
