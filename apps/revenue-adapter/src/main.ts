import { messagingMigrations } from '@throughline/messaging';
import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { revenueMigrations } from './migrations/index.js';
import { RevenueAdapterModule } from './revenue-adapter.module.js';

await startService({
  name: 'revenue-adapter',
  description: 'The revenue side: HubSpot deals in, order and invoice numbers back.',
  configShape,
  module: RevenueAdapterModule,
  migrations: [...messagingMigrations, ...revenueMigrations],
});
