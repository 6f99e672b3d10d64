import { Controller, Get, Inject, NotFoundException, Param, Query } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { statuses } from '@throughline/process';
import { findInstances, readHistory, readInstance, ProcessRunner } from '@throughline/process/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import { InstanceSummaryView, InstanceView } from './instance-view.js';
import { toInstanceView, toSummaryView } from './to-instance-view.js';

const instanceId = z.string().regex(/^\d{1,18}$/, 'must be the number of an instance');

const listQuery = z.strictObject({
  key: z.string().min(1).max(200).optional(),
  externalId: z.string().min(1).max(200).optional(),
  status: z.enum(statuses).optional(),
  before: instanceId.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
});
type ListQuery = z.infer<typeof listQuery>;

class InstanceListView {
  @ApiProperty({ type: [InstanceSummaryView], description: 'The newest first.' }) instances!: InstanceSummaryView[];
  @ApiProperty({ type: String, nullable: true, description: 'Pass as `before` for the next page; null on the last.' })
  next!: string | null;
}

@ApiTags('instances')
@Controller('v1/instances')
export class InstancesController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly runner: ProcessRunner,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Instances that meet every condition given.' })
  @ApiQuery({ name: 'key', required: false, description: 'Canonical id of the opportunity.' })
  @ApiQuery({ name: 'externalId', required: false, description: 'Id of anything it made or is about, in any system.' })
  @ApiQuery({ name: 'status', required: false, enum: statuses })
  @ApiQuery({ name: 'before', required: false, description: '`next` of the page before.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 500; default 50.' })
  @ApiOkResponse({ type: InstanceListView })
  async list(@Query(new ZodPipe(listQuery)) query: ListQuery): Promise<InstanceListView> {
    const found = await findInstances(this.database, { ...query, limit: query.limit + 1 });
    const page = found.slice(0, query.limit);
    return { instances: page.map(toSummaryView), next: found.length > page.length ? page.at(-1)!.id : null };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One instance: path taken, what it waits for since when, events, commands, payments.' })
  @ApiOkResponse({ type: InstanceView })
  @ApiNotFoundResponse({ description: 'No such instance.' })
  async get(@Param('id', new ZodPipe(instanceId)) id: string): Promise<InstanceView> {
    const instance = await readInstance(this.database, id);
    if (!instance) throw new NotFoundException({ code: 'INSTANCE_UNKNOWN', message: `There is no instance ${id}.` });
    const process = await this.runner.definitionOf(this.database, instance);
    return toInstanceView(process, instance, await readHistory(this.database, [id]));
  }
}
