import { randomUUID } from 'node:crypto';
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HubspotClient } from '@throughline/connectors/hubspot';
import type { Messaging } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from '@throughline/service';
import type { RevenueConfig } from './config.js';
import { DealsController } from './deals.controller.js';
import { HubspotWebhookController } from './hubspot-webhook.controller.js';
import { routes } from './routes.js';
import { Sweep } from './sweep.js';

@Module({
  controllers: [HubspotWebhookController, DealsController],
  providers: [
    {
      provide: HubspotClient,
      inject: [CONFIG],
      useFactory: (config: RevenueConfig) =>
        new HubspotClient({
          baseUrl: config.HUBSPOT_BASE_URL,
          accessToken: config.HUBSPOT_ACCESS_TOKEN,
          timeoutMs: config.HUBSPOT_TIMEOUT_MS,
        }),
    },
    { provide: ROUTES, inject: [HubspotClient, DATABASE, CONFIG], useFactory: routes },
    {
      provide: Sweep,
      inject: [HubspotClient, DATABASE, MESSAGING, CONFIG],
      useFactory: (hubspot: HubspotClient, database: Database, messaging: Messaging, config: RevenueConfig) =>
        new Sweep({ hubspot, database, messaging, config, instanceId: randomUUID(), clock: () => new Date() }),
    },
  ],
  exports: [ROUTES],
})
export class RevenueAdapterModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(Sweep) private readonly sweep: Sweep) {}

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweep.stop();
  }
}
