import {
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import type { NextFunction, Request, Response } from 'express';
import type { SandboxConfig } from './config.js';
import { DealsController } from './control/deals.controller.js';
import { PageController } from './control/page.controller.js';
import { StateController } from './control/state.controller.js';
import { FaultBox } from './faults/fault-box.js';
import { FaultsController } from './faults/faults.controller.js';
import { LateRequests } from './faults/late-requests.js';
import { HubspotVendor } from './hubspot/hubspot.js';
import { Gateway } from './http/gateway.js';
import { type Vendor, VENDORS } from './http/vendor.js';
import { MedusaVendor } from './medusa/medusa.js';
import { seedStore } from './medusa/seed.js';
import { StripeVendor } from './stripe/stripe.js';
import { Courier } from './webhooks/courier.js';
import { WebhookQueue } from './webhooks/webhook-queue.js';

const log = logger('sandbox');
const onError = (error: unknown): void => log.error({ err: error }, 'a background task failed and will run again');

const targetsOf = (config: SandboxConfig) => ({
  hubspot: config.HUBSPOT_WEBHOOK_URLS,
  stripe: config.STRIPE_WEBHOOK_URLS,
});

@Module({
  controllers: [DealsController, StateController, FaultsController, PageController],
  providers: [
    { provide: FaultBox, inject: [DATABASE], useFactory: (database: Database) => new FaultBox(database) },
    {
      provide: WebhookQueue,
      inject: [FaultBox, CONFIG],
      useFactory: (faults: FaultBox, config: SandboxConfig) => new WebhookQueue(faults, targetsOf(config)),
    },
    {
      provide: Courier,
      inject: [DATABASE, FaultBox, CONFIG],
      useFactory: (database: Database, faults: FaultBox, config: SandboxConfig) =>
        new Courier(database, faults, {
          targets: targetsOf(config),
          secrets: { hubspot: config.HUBSPOT_CLIENT_SECRET, stripe: config.STRIPE_WEBHOOK_SECRET },
          timeoutMs: config.WEBHOOK_TIMEOUT_MS,
          retryMs: config.WEBHOOK_RETRY_MS,
          retryMaxMs: config.WEBHOOK_RETRY_MAX_MS,
          maxAttempts: { hubspot: 10, stripe: 8_640 },
          onError,
        }),
    },
    {
      provide: VENDORS,
      inject: [WebhookQueue, CONFIG],
      useFactory: (webhooks: WebhookQueue, config: SandboxConfig): Vendor[] => [
        new HubspotVendor({
          accessToken: config.HUBSPOT_ACCESS_TOKEN,
          portalId: config.HUBSPOT_PORTAL_ID,
          searchLagMs: config.SEARCH_LAG_MS,
          webhooks,
        }),
        new MedusaVendor({ apiKey: config.MEDUSA_API_KEY }),
        new StripeVendor({ secretKey: config.STRIPE_SECRET_KEY, searchLagMs: config.SEARCH_LAG_MS, webhooks }),
      ],
    },
    {
      provide: LateRequests,
      inject: [DATABASE, VENDORS, Courier],
      useFactory: (database: Database, vendors: Vendor[], courier: Courier) =>
        new LateRequests(database, vendors, () => courier.nudge(), onError),
    },
    {
      provide: Gateway,
      inject: [VENDORS, DATABASE, FaultBox, LateRequests, Courier],
      useFactory: (
        vendors: Vendor[],
        database: Database,
        faults: FaultBox,
        lateRequests: LateRequests,
        courier: Courier,
      ) => new Gateway({ vendors, database, faults, lateRequests, courier, logger: log }),
    },
  ],
})
export class SandboxModule implements NestModule, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(FaultBox) private readonly faults: FaultBox,
    @Inject(Gateway) private readonly gateway: Gateway,
    @Inject(LateRequests) private readonly lateRequests: LateRequests,
    @Inject(Courier) private readonly courier: Courier,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((request: Request, response: Response, next: NextFunction) => {
        this.gateway.handle(request, response).then((handled) => (handled ? undefined : next()), next);
      })
      .forRoutes('{*path}');
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.faults.load();
    await seedStore(this.database);
    this.lateRequests.start();
    this.courier.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.lateRequests.stop();
    await this.courier.stop();
    await this.faults.flush();
  }
}
