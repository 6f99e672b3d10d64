import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { Initial1732200000000 } from './migrations/1732200000000-initial.js';
import { SandboxModule } from './sandbox.module.js';

await startService({
  name: 'sandbox',
  description:
    'HubSpot, Medusa and Stripe in miniature: /crm, /admin and /v1 speak to the vendors’ own SDKs; /sandbox is for people and tests.',
  configShape,
  module: SandboxModule,
  migrations: [Initial1732200000000],
  messaging: false,
});
