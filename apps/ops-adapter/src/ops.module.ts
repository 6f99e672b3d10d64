import { Module } from '@nestjs/common';
import { MedusaClient } from '@throughline/connectors/medusa';
import type { Database } from '@throughline/postgres';
import { CONFIG, DATABASE, ROUTES } from '@throughline/service';
import { PollLoop } from './changes/poll-loop.js';
import type { OpsConfig } from './config.js';
import { OrderController } from './orders/order.controller.js';
import { OrderPlaces } from './orders/order-place.js';
import { opsRoutes } from './routes.js';

@Module({
  controllers: [OrderController],
  providers: [
    {
      provide: MedusaClient,
      inject: [CONFIG],
      useFactory: (config: OpsConfig) =>
        new MedusaClient({
          baseUrl: config.MEDUSA_BASE_URL,
          apiKey: config.MEDUSA_API_KEY,
          timeoutMs: config.MEDUSA_TIMEOUT_MS,
        }),
    },
    {
      provide: ROUTES,
      inject: [CONFIG, DATABASE, MedusaClient],
      useFactory: (config: OpsConfig, database: Database, medusa: MedusaClient) =>
        opsRoutes({
          medusa,
          database,
          places: new OrderPlaces(medusa, {
            salesChannelId: config.MEDUSA_SALES_CHANNEL_ID,
            shippingOptionId: config.MEDUSA_SHIPPING_OPTION_ID,
            regionIds: config.MEDUSA_REGION_IDS,
          }),
          storeId: config.MEDUSA_STORE_ID,
          now: () => new Date(),
        }),
    },
    PollLoop,
  ],
})
export class OpsModule {}
