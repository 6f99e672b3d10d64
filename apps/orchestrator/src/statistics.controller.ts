import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { readStatistics, type Statistics } from '@throughline/process/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';

const statisticsQuery = z.strictObject({
  since: z.iso.datetime({ offset: true }).default('1970-01-01T00:00:00.000Z'),
  process: z.string().min(1).max(200).optional(),
});
type StatisticsQuery = z.infer<typeof statisticsQuery>;

class DurationView {
  @ApiProperty() count!: number;
  @ApiProperty({ type: Number, nullable: true, description: 'Median, in milliseconds.' }) p50Ms!: number | null;
  @ApiProperty({ type: Number, nullable: true, description: '99th percentile, in milliseconds.' })
  p99Ms!: number | null;
}

class StepDurationView {
  @ApiProperty({ example: 'billing' }) step!: string;
  @ApiProperty({ enum: ['forward', 'compensation'] }) direction!: 'forward' | 'compensation';
  @ApiProperty() count!: number;
  @ApiProperty() p50Ms!: number;
  @ApiProperty() p99Ms!: number;
}

class StatisticsView implements Statistics {
  @ApiProperty({ type: Object, additionalProperties: { type: 'number' }, example: { running: 3, completed: 47 } })
  counts!: Statistics['counts'];
  @ApiProperty({ type: DurationView, description: 'From the closing being published to the end of the process.' })
  completed!: DurationView & Statistics['completed'];
  @ApiProperty({
    type: [StepDurationView],
    description: 'From each command to its outcome; of a repeated step, all its runs.',
  })
  steps!: StepDurationView[];
}

@ApiTags('statistics')
@Controller('v1/statistics')
export class StatisticsController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get()
  @ApiOperation({ summary: 'Instances by status, and how long what has completed took.' })
  @ApiQuery({
    name: 'since',
    required: false,
    description: 'Only what began since then; ISO 8601. Default: everything.',
  })
  @ApiQuery({ name: 'process', required: false, description: 'Such as lead-to-cash. Default: all of them.' })
  @ApiOkResponse({ type: StatisticsView })
  statistics(@Query(new ZodPipe(statisticsQuery)) { since, process }: StatisticsQuery): Promise<StatisticsView> {
    return readStatistics(this.database, new Date(since), process);
  }
}
