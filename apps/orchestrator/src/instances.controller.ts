import { Controller, Get, Inject, NotFoundException, Param, Query, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { readHistory, readInstance, searchInstances, searchOrders, ProcessRunner } from '@throughline/process/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import { ApiFilter, filterShape, toFilter } from './instance-filter.js';
import { InstanceSummaryView, InstanceView } from './instance-view.js';
import { ProcessRefusalFilter } from './process-refusal.filter.js';
import { toInstanceView, toSummaryView } from './to-instance-view.js';

const instanceId = z.string().regex(/^\d{1,18}$/, 'must be the number of an instance');

const listQuery = z.strictObject({
  ...filterShape,
  sort: z.enum(searchOrders).optional(),
  before: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
});
type ListQuery = z.infer<typeof listQuery>;

class InstanceListView {
  @ApiProperty({ type: [InstanceSummaryView], description: 'In the order asked for.' })
  instances!: InstanceSummaryView[];
  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'Pass as `before` for the next page; null on the last. A page that looked at very many may be short and not the last.',
  })
  next!: string | null;
}

@ApiTags('instances')
@Controller('v1/instances')
@UseFilters(ProcessRefusalFilter)
export class InstancesController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly runner: ProcessRunner,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Instances that meet every condition given.' })
  @ApiFilter
  @ApiQuery({
    name: 'sort',
    required: false,
    enum: searchOrders,
    description: 'newest (default), oldest, amount (the most first, one currency), age (longest in its status first).',
  })
  @ApiQuery({ name: 'before', required: false, description: '`next` of the page before.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 500; default 50.' })
  @ApiOkResponse({ type: InstanceListView })
  @ApiBadRequestResponse({ description: 'A condition that is none, or amounts without their currency.' })
  async list(@Query(new ZodPipe(listQuery)) query: ListQuery): Promise<InstanceListView> {
    const { sort, before, limit, ...conditions } = query;
    const filter = toFilter(conditions, Date.now(), (owner) => this.runner.stepsOf(owner));
    const { instances, next } = await searchInstances(this.database, filter, { limit, order: sort, before });
    const views = instances.map(async (instance) => {
      return toSummaryView(await this.runner.definitionOf(this.database, instance), instance);
    });
    return { instances: await Promise.all(views), next };
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
