import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ServerClock, type Database } from '@throughline/postgres';
import { mapSteps, migrateInstance, type MigrationInput, type Process, type StepMapping } from '@throughline/process';
import {
  ProcessRunner,
  readHistory,
  readInstancesOnVersion,
  readProcessNames,
  readVersionNumbers,
  readVersions,
} from '@throughline/process/postgres';
import { byOf, DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import type { z } from 'zod';
import { InstanceActions, MIGRATE } from '../control/instance-actions.js';
import { previewBy } from '../control/preview-of.js';
import { ActionSummaryView, toActionSummaryView } from '../control/views.js';
import { ProcessRefusalFilter } from '../process-refusal.filter.js';
import * as requests from './requests.js';
import { MigrationPreviewView, VersionListView } from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;
type Plan = Pick<Request<typeof requests.previewMigration>, 'from' | 'to' | 'renames'>;

@ApiTags('processes')
@Controller('v1/processes')
@UseFilters(ProcessRefusalFilter)
export class VersionsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly runner: ProcessRunner,
    private readonly actions: InstanceActions,
    private readonly clock: ServerClock,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Every version of every process, and what runs on it.' })
  @ApiOkResponse({ type: VersionListView })
  async list(): Promise<VersionListView> {
    const versions = await readVersions(this.database);
    return {
      versions: versions.map(({ process, version, storedAt, instances }) => ({
        process,
        version,
        active: this.runner.isActive(process, version),
        storedAt: storedAt.toISOString(),
        instances,
      })),
    };
  }

  @Post(':name/migrations/preview')
  @HttpCode(200)
  @ApiOperation({
    summary:
      'How instances would go on with another version: the mapping of steps, and per instance what would change.',
  })
  @ApiBody({ schema: openApiSchema(requests.previewMigration) })
  @ApiOkResponse({ type: MigrationPreviewView, description: 'Nothing is written, nothing is sent.' })
  @ApiBadRequestResponse({ description: 'The versions cannot be mapped.' })
  @ApiNotFoundResponse({ description: 'No such process or version.' })
  async preview(
    @Param('name', new ZodPipe(requests.processName)) name: string,
    @Body(new ZodPipe(requests.previewMigration)) body: Request<typeof requests.previewMigration>,
  ): Promise<MigrationPreviewView> {
    const { from, to, mapping } = await this.plan(name, body);
    const { after, limit, includeEnded } = body;
    const on = { process: name, version: body.from, includeEnded };
    const found = await readInstancesOnVersion(this.database, on, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const history = await readHistory(
      this.database,
      page.map(({ id }) => id),
    );
    const byInstance = Map.groupBy(history, ({ instanceId }) => instanceId);
    const now = (await this.clock.read(this.database)).toISOString();
    const input: MigrationInput = { kind: 'migration', id: 'preview', from: body.from, to: body.to, by: 'preview', reason: 'preview' }; // prettier-ignore
    return {
      mapping,
      instances: page.map((instance) =>
        previewBy(instance, () =>
          migrateInstance(from, to, mapping, instance.state, byInstance.get(instance.id) ?? [], input, now),
        ),
      ),
      next: found.length > limit ? page.at(-1)!.id : null,
    };
  }

  @Post(':name/migrations')
  @ApiHeader({ name: 'x-actor', required: false, description: 'Who does it; or `actor` in the body.' })
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Take instances to another version, each atomically under its lock; what is unsafe stays where it is, with the reason.',
  })
  @ApiBody({ schema: openApiSchema(requests.requestMigration) })
  @ApiOkResponse({ type: ActionSummaryView, description: 'An action: GET /v1/actions/:id tells how far it is.' })
  @ApiBadRequestResponse({ description: 'The versions cannot be mapped, or nobody does it.' })
  @ApiNotFoundResponse({ description: 'No such process or version.' })
  @ApiConflictResponse({ description: 'The id belongs to another action.' })
  async migrate(
    @Param('name', new ZodPipe(requests.processName)) name: string,
    @Body(new ZodPipe(requests.requestMigration)) body: Request<typeof requests.requestMigration>,
    @Headers('x-actor') actor?: string,
  ): Promise<ActionSummaryView> {
    const by = byOf(body, actor);
    await this.plan(name, body);
    const { id, from, to, renames, includeEnded } = body;
    const parameters = { process: name, from, to, renames, includeEnded };
    const request = { id, action: MIGRATE, parameters, ...by };
    return toActionSummaryView(await this.actions.begin(request, { process: name, version: from, includeEnded }));
  }

  private async plan(
    name: string,
    { from, to, renames }: Plan,
  ): Promise<{ from: Process; to: Process; mapping: StepMapping }> {
    const known = await readVersionNumbers(this.database, name);
    if (known.length === 0) {
      const names = await readProcessNames(this.database);
      const message = `There is no process ${name}; known: ${names.join(', ') || 'none'}.`;
      throw new NotFoundException({ code: 'PROCESS_UNKNOWN', message });
    }
    const unknown = [from, to].find((version) => !known.includes(version));
    if (unknown !== undefined) {
      const message = `There is no version ${unknown} of ${name}; known: ${known.join(', ')}.`;
      throw new NotFoundException({ code: 'PROCESS_UNKNOWN', message });
    }
    const [old, next] = await Promise.all(
      [from, to].map((version) => this.runner.definitionOf(this.database, { process: name, version })),
    );
    return { from: old!, to: next!, mapping: mapSteps(old!, next!, renames) };
  }
}
