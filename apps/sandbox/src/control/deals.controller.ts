import { Body, Controller, Get, HttpCode, HttpException, Inject, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import type { SandboxConfig } from '../config.js';
import { multiplyDecimals, sumDecimals } from '../decimal.js';
import { isVendorRefusal } from '../errors.js';
import { byPerson, Crm } from '../hubspot/crm.js';
import { associationKind, defaultKind } from '../hubspot/object-types.js';
import { dealStages } from '../hubspot/properties.js';
import { Courier } from '../webhooks/courier.js';
import { WebhookQueue } from '../webhooks/webhook-queue.js';

import { type DealRow, readDeals } from './read-overview.js';

const decimal = z.union([z.string().regex(/^-?\d+(\.\d+)?$/), z.number()]).transform(String);
const line = z.strictObject({
  name: z.string(),
  quantity: decimal.default('1'),
  price: decimal,
  sku: z.string().optional(),
  productId: z.string().optional(),
});
const newDeal = z.strictObject({
  name: z.string().default('A deal'),
  companyId: z.string().optional().describe('An existing company; without it one is made from `company`.'),
  company: z
    .strictObject({
      name: z.string().default('Acme'),
      domain: z.string().optional(),
      country: z.string().optional(),
      billingEmail: z.string().optional(),
    })
    .nullable()
    .default({ name: 'Acme' })
    .describe('null: a deal without a company.'),
  currency: z.string().default('EUR'),
  amount: decimal.optional().describe('Without it the sum of the lines.'),
  lines: z.array(line).default([{ name: 'Platform licence', quantity: '1', price: '1200' }]),
  contractStart: z.iso.date().optional(),
  contractEnd: z.iso.date().optional(),
  stage: z.enum(dealStages.map(({ id }) => id) as [string, ...string[]]).default('contractsent'),
});
const dealChange = z.strictObject({
  properties: z
    .record(z.string(), z.union([z.string(), z.number(), z.null()]))
    .default({})
    .describe('HubSpot properties of the deal.'),
  lines: z
    .array(
      z.strictObject({
        id: z.string(),
        quantity: decimal.optional(),
        price: decimal.optional(),
        name: z.string().optional(),
      }),
    )
    .default([]),
  addLines: z.array(line).default([]),
  removeLines: z.array(z.string()).default([]),
});
const reopening = z.strictObject({ stage: z.string().default('contractsent') });

type NewDeal = z.infer<typeof newDeal>;
type DealChange = z.infer<typeof dealChange>;

/** A salesperson at the CRM: what is done here is seen by the app as a person's change (CRM_UI). */
@ApiTags('deals')
@Controller('sandbox/deals')
export class DealsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: SandboxConfig,
    @Inject(WebhookQueue) private readonly webhooks: WebhookQueue,
    @Inject(Courier) private readonly courier: Courier,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The newest deals with company, lines and the numbers written back.' })
  list(): Promise<DealRow[]> {
    return this.database.transaction((tx) => readDeals(tx));
  }

  @Post()
  @ApiOperation({ summary: 'Creates a deal with its company and line items.' })
  @ApiBody({ schema: openApiSchema(newDeal) })
  create(@Body(new ZodPipe<NewDeal>(newDeal)) input: NewDeal): Promise<{ id: string }> {
    return this.asPerson(async (crm) => {
      const { company } = input;
      const companyId =
        input.companyId ??
        (company &&
          (
            await crm.create('companies', {
              name: company.name,
              domain: company.domain,
              country: company.country,
              billing_email: company.billingEmail,
            })
          ).id);
      const deal = await crm.create('deals', {
        dealname: input.name,
        deal_currency_code: input.currency,
        dealstage: input.stage,
        amount: input.amount ?? total(input.lines),
        closedate: input.stage === 'closedwon' ? crm.now.toISOString() : undefined,
        contract_start_date: input.contractStart,
        contract_end_date: input.contractEnd,
      });
      if (companyId) await crm.associate(deal.id, companyId, associationKind(5));
      await addLines(crm, deal.id, input.lines);
      return { id: deal.id };
    });
  }

  @Patch(':id')
  @ApiOperation({
    summary: 'Edits a deal and its line items, all in one moment; the amount follows the lines unless it is given.',
  })
  @ApiBody({ schema: openApiSchema(dealChange) })
  edit(
    @Param('id') id: string,
    @Body(new ZodPipe<DealChange>(dealChange)) change: DealChange,
  ): Promise<{ id: string }> {
    return this.asPerson(async (crm) => {
      for (const { id: lineId, ...properties } of change.lines) await crm.update('line_items', lineId, properties);
      for (const lineId of change.removeLines) await crm.archive('line_items', lineId);
      await addLines(crm, id, change.addLines);
      const linesChanged = change.lines.length + change.removeLines.length + change.addLines.length > 0;
      // HubSpot's line item editor keeps the amount in step; who wants them to differ says so.
      const amount = linesChanged ? (await crm.find('deals', id)).properties.hs_tcv : undefined;
      await crm.update('deals', id, { amount: amount ?? undefined, ...change.properties });
      return { id };
    });
  }

  @Post(':id/close')
  @HttpCode(200)
  @ApiOperation({ summary: 'Sets the deal to closed-won, today.' })
  close(@Param('id') id: string): Promise<{ id: string }> {
    return this.asPerson(async (crm) => {
      await crm.update('deals', id, { dealstage: 'closedwon', closedate: crm.now.toISOString() });
      return { id };
    });
  }

  @Post(':id/reopen')
  @HttpCode(200)
  @ApiOperation({ summary: 'Takes a closed deal back to an open stage.' })
  @ApiBody({ schema: openApiSchema(reopening), required: false })
  reopen(@Param('id') id: string, @Body() body: unknown): Promise<{ id: string }> {
    const { stage } = new ZodPipe<z.infer<typeof reopening>>(reopening).transform(body ?? {});
    return this.asPerson(async (crm) => {
      await crm.update('deals', id, { dealstage: stage, closedate: null });
      return { id };
    });
  }

  private async asPerson<T>(act: (crm: Crm) => Promise<T>): Promise<T> {
    const options = {
      portalId: this.config.HUBSPOT_PORTAL_ID,
      searchLagMs: this.config.SEARCH_LAG_MS,
      webhooks: this.webhooks,
    };
    try {
      const result = await this.database.transaction((tx) => act(new Crm(tx, new Date(), options, byPerson)));
      this.courier.nudge();
      return result;
    } catch (error) {
      if (isVendorRefusal(error)) throw new HttpException(error.response.body as object, error.response.status);
      throw error;
    }
  }
}

async function addLines(crm: Crm, dealId: string, lines: NewDeal['lines']): Promise<void> {
  for (const { name, quantity, price, sku, productId } of lines) {
    const { id } = await crm.create('line_items', { name, quantity, price, hs_sku: sku, hs_product_id: productId });
    await crm.associate(id, dealId, defaultKind('line_items', 'deals'));
  }
}

function total(lines: NewDeal['lines']): string {
  return sumDecimals(lines.map(({ quantity, price }) => multiplyDecimals(quantity, price)));
}
