import { Module } from '@nestjs/common';
import type { Messaging } from '@throughline/messaging';
import { ProcessRunner, readVersionKeys } from '@throughline/process/postgres';
import { ServerClock, type Database } from '@throughline/postgres';
import { CONFIG, DATABASE, MESSAGING, ROUTES } from '@throughline/service';
import { BacktestsController } from './backtest/backtests.controller.js';
import type { OrchestratorConfig } from './config.js';
import { ActionLoop } from './control/action-loop.js';
import { ActionsController } from './control/actions.controller.js';
import { InstanceActions } from './control/instance-actions.js';
import { DealsController } from './deals.controller.js';
import { InstancesController } from './instances.controller.js';
import { warnOfEndingCalendars } from './load-calendars.js';
import { locatePolicyProblem } from './load-policies.js';
import { loadRules, RULES, toUrl, type Rules } from './load-rules.js';
import { orchestratorRoutes } from './routes.js';
import { StatisticsController } from './statistics.controller.js';
import { storePolicies } from './store-policies.js';
import { FileDirectory } from './tasks/file-directory.js';
import { People } from './tasks/people.js';
import { checkPolicyTerms, warnOfSuperfluousTerms } from './tasks/policy-terms.js';
import { ProcessTasks } from './tasks/process-tasks.js';
import { AbsencesController, DelegationsController } from './tasks/stand-ins.controller.js';
import { TaskLoop } from './tasks/task-loop.js';
import { Tasks } from './tasks/tasks.js';
import { TasksController } from './tasks/tasks.controller.js';
import { TimerLoop } from './timer-loop.js';
import { ValidationsController } from './validations.controller.js';
import { VersionsController } from './versions/versions.controller.js';

@Module({
  controllers: [
    InstancesController,
    ActionsController,
    VersionsController,
    DealsController,
    StatisticsController,
    BacktestsController,
    TasksController,
    DelegationsController,
    AbsencesController,
    ValidationsController,
  ],
  providers: [
    {
      provide: RULES,
      inject: [CONFIG, DATABASE],
      useFactory: async (config: OrchestratorConfig, database: Database): Promise<Rules> =>
        loadRules(
          {
            processes: config.PROCESSES_DIRECTORY,
            policies: config.POLICIES_DIRECTORY,
            calendars: config.CALENDARS_DIRECTORY,
          },
          await readVersionKeys(database),
        ),
    },
    {
      provide: FileDirectory,
      inject: [CONFIG],
      useFactory: ({ PEOPLE_FILE }: OrchestratorConfig) => new FileDirectory(PEOPLE_FILE),
    },
    {
      provide: ProcessRunner,
      inject: [DATABASE, RULES, FileDirectory, ServerClock, CONFIG],
      useFactory: async (
        database: Database,
        rules: Rules,
        directory: FileDirectory,
        clock: ServerClock,
        config: OrchestratorConfig,
      ) => {
        const policies = [...rules.policies.all.values()].map(({ file }) => file);
        const locate = (problem: string) => locatePolicyProblem(problem, toUrl(config.POLICIES_DIRECTORY));
        checkPolicyTerms(policies, new People(await directory.read()), locate);
        warnOfSuperfluousTerms(policies, locate);
        const tasks = new ProcessTasks(directory, clock, (from, instance) => runner.definitionOf(from, instance));
        const runner: ProcessRunner = new ProcessRunner(rules.processes, rules.compileStored, tasks);
        await runner.storeDefinitions(database);
        await storePolicies(database, rules.policies);
        warnOfEndingCalendars(rules.calendars.values(), clock.now());
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
