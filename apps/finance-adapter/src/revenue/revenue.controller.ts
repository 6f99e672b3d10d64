import { Controller, Get, Inject, NotFoundException, Param, Query } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import {
  findEntries,
  findSchedules,
  listSchedules,
  sumRecognised,
  type EntryKind,
  type LedgerEntry,
  type RevenueSchedule,
} from './store.js';

class EntryView implements LedgerEntry {
  @ApiProperty({ enum: ['recognition', 'reversal'] }) kind!: EntryKind;
  @ApiProperty({ description: 'From 1, in the order of time.' }) sequence!: number;
  @ApiProperty({ format: 'date' }) periodStart!: string;
  @ApiProperty({ format: 'date' }) periodEnd!: string;
  @ApiProperty({ format: 'date', description: 'The day it counts for.' }) recognisedOn!: string;
  @ApiProperty({ example: '104.2100', description: 'Negative in a reversal.' }) amount!: string;
}

class ScheduleView implements RevenueSchedule {
  @ApiProperty({ format: 'uuid' }) scheduleId!: string;
  @ApiProperty({ format: 'uuid' }) orderId!: string;
  @ApiProperty({ format: 'uuid' }) invoiceId!: string;
  @ApiProperty({ format: 'uuid' }) opportunityId!: string;
  @ApiProperty({ description: 'Which closing of the opportunity, from 1.' }) occurrence!: number;
  @ApiProperty({ format: 'uuid' }) correlationId!: string;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '1250.5000' }) totalAmount!: string;
  @ApiProperty({ format: 'date' }) serviceStart!: string;
  @ApiProperty({ format: 'date', description: 'Inclusive.' }) serviceEnd!: string;
  @ApiProperty() entryCount!: number;
  @ApiProperty({ format: 'date-time' }) recordedAt!: string;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) reversedAt!: string | null;
}

class ScheduleWithEntriesView extends ScheduleView {
  @ApiProperty({ type: [EntryView] }) entries!: EntryView[];
}

class SchedulePageView {
  @ApiProperty({ type: [ScheduleView] }) data!: ScheduleView[];
  @ApiProperty({ type: String, nullable: true, description: 'Pass it as `cursor` for the next page; null at the end.' })
  nextCursor!: string | null;
}

class RecognisedSumView {
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '104.2100' }) amount!: string;
}

class RecognisedView {
  @ApiProperty({ example: '2026-11' }) month!: string;
  @ApiProperty({ type: [RecognisedSumView] }) totals!: RecognisedSumView[];
}

const id = z.uuid();
const filter = z.strictObject({
  orderId: id.optional(),
  opportunityId: id.optional(),
  cursor: id.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
const monthFilter = z.strictObject({
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'is not a month like 2026-11'),
});

/** The revenue-recognition subledger, read only: schedules and their dated entries, and what a month comes to. */
@ApiTags('revenue recognition')
@Controller('v1')
export class RevenueController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get('revenue-schedules')
  @ApiOperation({ summary: 'Schedules by order or opportunity, or all, page by page.' })
  @ApiQuery({ name: 'orderId', required: false })
  @ApiQuery({ name: 'opportunityId', required: false })
  @ApiQuery({ name: 'cursor', required: false, description: '`nextCursor` of the page before.' })
  @ApiQuery({ name: 'limit', required: false, description: '1 to 500, default 100.' })
  @ApiOkResponse({ type: SchedulePageView })
  async list(@Query(new ZodPipe(filter)) query: z.infer<typeof filter>): Promise<SchedulePageView> {
    const { cursor: after, limit, ...by } = query;
    const found = await listSchedules(this.database, { ...by, after, limit: limit + 1 });
    const data = found.slice(0, limit);
    return { data, nextCursor: found.length > limit ? data.at(-1)!.scheduleId : null };
  }

  @Get('revenue-schedules/:id')
  @ApiOperation({ summary: 'One schedule with its entries, recognitions before reversals.' })
  @ApiOkResponse({ type: ScheduleWithEntriesView })
  @ApiNotFoundResponse({ description: 'No such schedule.' })
  async get(@Param('id', new ZodPipe(id)) scheduleId: string): Promise<ScheduleWithEntriesView> {
    const [schedule] = await findSchedules(this.database, [scheduleId], []);
    if (!schedule)
      throw new NotFoundException({
        code: 'REVENUE_SCHEDULE_UNKNOWN',
        message: `No schedule ${scheduleId} is known here.`,
      });
    const entries = await findEntries(this.database, [scheduleId]);
    return { ...schedule, entries: entries.get(scheduleId) ?? [] };
  }

  @Get('revenue/recognised')
  @ApiOperation({ summary: 'What a calendar month recognises per currency, reversals taken off.' })
  @ApiQuery({ name: 'month', example: '2026-11' })
  @ApiOkResponse({ type: RecognisedView })
  async recognised(@Query(new ZodPipe(monthFilter)) { month }: z.infer<typeof monthFilter>): Promise<RecognisedView> {
    return { month, totals: await sumRecognised(this.database, month) };
  }
}
