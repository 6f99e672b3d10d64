import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { FinanceModule } from './finance.module.js';
import { migrations } from './migrations/index.js';

await startService({
  name: 'finance-adapter',
  description: 'Invoices and payments at Stripe, and the revenue-recognition subledger.',
  configShape,
  module: FinanceModule,
  migrations,
});
