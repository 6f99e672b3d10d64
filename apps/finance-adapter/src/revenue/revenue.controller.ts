import { Controller, Get, Inject, NotFoundException, Param, Query } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import {
  standingEntries,
  type ChangeKind,
  type EntryKind,
  type LedgerEntry,
  type RevenueSchedule,
  type ScheduleChange,
} from './ledger.js';
import { findChanges, findEntries, findSchedules, listSchedules, sumRecognised } from './store.js';

class EntryView implements LedgerEntry {
  @ApiProperty({
    enum: ['recognition', 'adjustment', 'reversal'],
    description:
      'An adjustment takes back what was recognised already, on the day of a credit note; a reversal an entry of an earlier version.',
  })
  kind!: EntryKind;
  @ApiProperty({ description: 'From 1 over all versions; a reversal bears the sequence of the entry it takes back.' })
  sequence!: number;
  @ApiProperty({ description: 'Version of the plan that wrote it; 1 is the plan as it was recorded.' })
  planVersion!: number;
  @ApiProperty({ enum: ['recorded', 'shipment', 'credit-note', 'reversed'], description: 'Why that version was made.' })
  reason!: LedgerEntry['reason'];
  @ApiProperty({ format: 'date' }) periodStart!: string;
  @ApiProperty({ format: 'date' }) periodEnd!: string;
  @ApiProperty({ format: 'date', description: 'The day it counts for.' }) recognisedOn!: string;
  @ApiProperty({ example: '104.2100', description: 'Negative where revenue is taken back.' }) amount!: string;
}

class ChangeView implements ScheduleChange {
  @ApiProperty({ enum: ['shipment', 'credit-note'] }) kind!: ChangeKind;
  @ApiProperty({ format: 'uuid', description: 'Id of the fulfilment or the credit note.' }) changeId!: string;
  @ApiProperty({ format: 'date', description: 'Day of the shipment or the credit note.' }) effectiveOn!: string;
  @ApiProperty({ type: String, nullable: true, description: 'What a credit note took off; null for a shipment.' })
  amount!: string | null;
  @ApiProperty({ example: '1000.5000', description: 'What the schedule came to afterwards.' }) remainingAmount!: string;
  @ApiProperty({ description: 'Version that stood afterwards; a later shipment makes none.' }) planVersion!: number;
  @ApiProperty({ format: 'date-time' }) recordedAt!: string;
}

class ScheduleView implements RevenueSchedule {
  @ApiProperty({ format: 'uuid' }) scheduleId!: string;
  @ApiProperty({ format: 'uuid' }) orderId!: string;
  @ApiProperty({ format: 'uuid' }) invoiceId!: string;
  @ApiProperty({ format: 'uuid' }) opportunityId!: string;
  @ApiProperty({ description: 'Which closing of the opportunity, from 1.' }) occurrence!: number;
  @ApiProperty({ format: 'uuid' }) correlationId!: string;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '1250.5000', description: 'As it was recorded.' }) totalAmount!: string;
  @ApiProperty({
    example: '1000.5000',
    description: 'The total less credit notes, zero once reversed; the entries of all versions sum to it.',
  })
  remainingAmount!: string;
  @ApiProperty({ format: 'date' }) serviceStart!: string;
  @ApiProperty({ format: 'date', description: 'Inclusive.' }) serviceEnd!: string;
  @ApiProperty({ type: String, nullable: true, format: 'date', description: 'Settled by the first shipment.' })
  recognisedFrom!: string | null;
  @ApiProperty({ description: 'Of the plan in force.' }) planVersion!: number;
  @ApiProperty({ description: 'Of the plan as it was recorded.' }) entryCount!: number;
  @ApiProperty({ format: 'date-time' }) recordedAt!: string;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) reversedAt!: string | null;
}

class ScheduleWithEntriesView extends ScheduleView {
  @ApiProperty({ type: [EntryView], description: 'The plan in force, in the order of time; empty once reversed.' })
  plan!: EntryView[];
  @ApiProperty({
    type: [EntryView],
    description: 'All that was ever booked, version by version, what each takes back first.',
  })
  entries!: EntryView[];
  @ApiProperty({ type: [ChangeView], description: 'Shipments and credit notes, as they came.' }) changes!: ChangeView[];
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
  @ApiOperation({
    summary: 'One schedule: the plan in force, every entry of every version with its reason, and what changed it.',
  })
  @ApiOkResponse({ type: ScheduleWithEntriesView })
  @ApiNotFoundResponse({ description: 'No such schedule.' })
  async get(@Param('id', new ZodPipe(id)) scheduleId: string): Promise<ScheduleWithEntriesView> {
    const [schedule] = await findSchedules(this.database, [scheduleId], []);
    if (!schedule)
      throw new NotFoundException({
        code: 'REVENUE_SCHEDULE_UNKNOWN',
        message: `No schedule ${scheduleId} is known here.`,
      });
    const entries = (await findEntries(this.database, [scheduleId])).get(scheduleId) ?? [];
    const changes = (await findChanges(this.database, [scheduleId])).get(scheduleId) ?? [];
    return { ...schedule, plan: standingEntries(entries), entries, changes };
  }

  @Get('revenue/recognised')
  @ApiOperation({ summary: 'What a calendar month recognises per currency, reversals taken off.' })
  @ApiQuery({ name: 'month', example: '2026-11' })
  @ApiOkResponse({ type: RecognisedView })
  async recognised(@Query(new ZodPipe(monthFilter)) { month }: z.infer<typeof monthFilter>): Promise<RecognisedView> {
    return { month, totals: await sumRecognised(this.database, month) };
  }
}
