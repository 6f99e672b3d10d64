import { Module } from '@nestjs/common';
import { ProcessRunner } from '@throughline/process/postgres';
import { ServerClock, type Database } from '@throughline/postgres';
import { CONFIG, DATABASE, ROUTES } from '@throughline/service';
import { pathToFileURL } from 'node:url';
import type { OrchestratorConfig } from './config.js';
import { ActionLoop } from './control/action-loop.js';
import { ActionsController } from './control/actions.controller.js';
import { InstanceActions } from './control/instance-actions.js';
import { DealsController } from './deals.controller.js';
import { InstancesController } from './instances.controller.js';
import { compileStored, loadProcesses } from './load-processes.js';
import { orchestratorRoutes } from './routes.js';
import { StatisticsController } from './statistics.controller.js';
import { TimerLoop } from './timer-loop.js';

@Module({
  controllers: [InstancesController, ActionsController, DealsController, StatisticsController],
  providers: [
    {
      provide: ProcessRunner,
      inject: [DATABASE, CONFIG],
      useFactory: async (database: Database, config: OrchestratorConfig) => {
        const directory = config.PROCESSES_DIRECTORY;
        const definitions = loadProcesses(directory ? pathToFileURL(`${directory}/`) : undefined);
        const runner = new ProcessRunner(definitions, compileStored);
        await runner.storeDefinitions(database);
        return runner;
      },
    },
    {
      provide: ServerClock,
      inject: [DATABASE],
      useFactory: async (database: Database) => {
        const clock = new ServerClock();
        await clock.read(database);
        return clock;
      },
    },
    { provide: ROUTES, inject: [ProcessRunner, ServerClock], useFactory: orchestratorRoutes },
    InstanceActions,
    ActionLoop,
    TimerLoop,
  ],
})
export class OrchestratorModule {}
