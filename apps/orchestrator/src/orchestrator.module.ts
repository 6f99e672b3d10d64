import { Module } from '@nestjs/common';
import type { Messaging } from '@throughline/messaging';
import { ProcessRunner } from '@throughline/process/postgres';
import { ServerClock, type Database } from '@throughline/postgres';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from '@throughline/service';
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
import { FileDirectory } from './tasks/file-directory.js';
import { ProcessTasks } from './tasks/process-tasks.js';
import { AbsencesController, DelegationsController } from './tasks/stand-ins.controller.js';
import { TaskLoop } from './tasks/task-loop.js';
import { Tasks } from './tasks/tasks.js';
import { TasksController } from './tasks/tasks.controller.js';
import { TimerLoop } from './timer-loop.js';

@Module({
  controllers: [
    InstancesController,
    ActionsController,
    DealsController,
    StatisticsController,
    TasksController,
    DelegationsController,
    AbsencesController,
  ],
  providers: [
    {
      provide: FileDirectory,
      inject: [CONFIG],
      useFactory: ({ PEOPLE_FILE }: OrchestratorConfig) => new FileDirectory(PEOPLE_FILE),
    },
    {
      provide: ProcessRunner,
      inject: [DATABASE, CONFIG, FileDirectory, ServerClock],
      useFactory: async (
        database: Database,
        config: OrchestratorConfig,
        directory: FileDirectory,
        clock: ServerClock,
      ) => {
        const { PROCESSES_DIRECTORY } = config;
        const definitions = loadProcesses(PROCESSES_DIRECTORY ? pathToFileURL(`${PROCESSES_DIRECTORY}/`) : undefined);
        const tasks = new ProcessTasks(directory, clock, (from, instance) => runner.definitionOf(from, instance));
        const runner: ProcessRunner = new ProcessRunner(definitions, compileStored, tasks);
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
    {
      provide: Tasks,
      inject: [DATABASE, MESSAGING, ProcessRunner, ServerClock, FileDirectory],
      useFactory: (
        database: Database,
        messaging: Messaging,
        runner: ProcessRunner,
        clock: ServerClock,
        directory: FileDirectory,
      ) => new Tasks({ database, messaging, runner, clock, directory }),
    },
    TaskLoop,
  ],
})
export class OrchestratorModule {}
