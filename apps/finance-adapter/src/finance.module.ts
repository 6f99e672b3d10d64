import { Module } from '@nestjs/common';
import { StripeClient } from '@throughline/connectors/stripe';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, ROUTES } from '@throughline/service';
import type { FinanceConfig } from './config.js';
import { InvoiceController } from './invoices/invoice.controller.js';
import { StripeWebhookController } from './payments/stripe-webhook.controller.js';
import { SweepLoop } from './payments/sweep-loop.js';
import { RevenueController } from './revenue/revenue.controller.js';
import { financeRoutes } from './routes.js';

@Module({
  controllers: [StripeWebhookController, InvoiceController, RevenueController],
  providers: [
    {
      provide: StripeClient,
      inject: [CONFIG],
      useFactory: (config: FinanceConfig) =>
        new StripeClient({
          baseUrl: config.STRIPE_BASE_URL,
          secretKey: config.STRIPE_SECRET_KEY,
          timeoutMs: config.STRIPE_TIMEOUT_MS,
        }),
    },
    {
      provide: ROUTES,
      inject: [CONFIG, DATABASE, StripeClient],
      useFactory: (config: FinanceConfig, database: Database, stripe: StripeClient) =>
        financeRoutes({
          stripe,
          database,
          tenant: { accountId: config.STRIPE_ACCOUNT_ID, paymentTermsDays: config.STRIPE_PAYMENT_TERMS_DAYS },
          now: () => new Date(),
        }),
    },
    SweepLoop,
  ],
})
export class FinanceModule {}
