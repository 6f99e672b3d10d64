import { startService } from '@throughline/service';
import { configShape } from './config.js';
import { migrations } from './migrations.js';
import { OrchestratorModule } from './orchestrator.module.js';

await startService({
  name: 'orchestrator',
  description: 'Runs the business processes: takes lifecycle events, sends commands, and knows where each deal stands.',
  configShape,
  module: OrchestratorModule,
  migrations,
});
