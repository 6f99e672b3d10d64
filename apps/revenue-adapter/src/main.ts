import { messagingMigrations } from '@throughline/messaging';
import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { Revenue1763800000000 } from './migrations/1763800000000-revenue.js';
import { RevenueAdapterModule } from './revenue-adapter.module.js';

await startService({
  name: 'revenue-adapter',
  description: 'The revenue side: HubSpot deals in, order and invoice numbers back.',
  configShape,
  module: RevenueAdapterModule,
  migrations: [...messagingMigrations, Revenue1763800000000],
});
