import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { migrations } from './migrations/index.js';
import { OpsModule } from './ops.module.js';

await startService({
  name: 'ops-adapter',
  description: 'Orders and fulfilments at Medusa.',
  configShape,
  module: OpsModule,
  migrations,
});
