import { ApiProperty } from '@nestjs/swagger';
import { statuses, type Status } from '@throughline/process';
import type { StoredAction, StoredAuditEntry } from '@throughline/process/postgres';

const time = { type: String, format: 'date-time' } as const;
const textOrNull = { type: String, nullable: true } as const;
const places = { type: Object, additionalProperties: true, nullable: true } as const;

export class CommandView {
  @ApiProperty({ example: 'IssueInvoice' }) type!: string;
  @ApiProperty({ description: 'The step, or its run.' }) unit!: string;
  @ApiProperty({ enum: ['forward', 'compensation'] }) direction!: string;
  @ApiProperty({ type: Object, additionalProperties: true }) payload!: Record<string, unknown>;
}

export class InstancePreviewView {
  @ApiProperty() id!: string;
  @ApiProperty({ example: 'lead-to-cash' }) process!: string;
  @ApiProperty() version!: number;
  @ApiProperty() key!: string;
  @ApiProperty() occurrence!: number;
  @ApiProperty({ enum: statuses }) status!: Status;
  @ApiProperty({
    description: 'Entries of its attention so far: what an acknowledgement of what is shown here passes as `seen`.',
  })
  seen!: number;
  @ApiProperty({ enum: ['done', 'refused'], description: 'What would come of it now.' }) outcome!: 'done' | 'refused';
  @ApiProperty({ ...textOrNull, description: 'Of a refusal.' }) why!: string | null;
  @ApiProperty({ enum: statuses, nullable: true, description: 'The status it would have.' })
  statusAfter!: Status | null;
  @ApiProperty({ type: [CommandView], description: 'What would be sent.' }) commands!: CommandView[];
  @ApiProperty({ type: [String], description: 'Checkpoints that would be put before a person.' }) asks!: string[];
  @ApiProperty({ ...places, description: 'By place: what stands there now.' }) before!: Record<string, unknown> | null;
  @ApiProperty({ ...places, description: 'By place: what would stand there.' }) after!: Record<string, unknown> | null;
}

export class ActionPreviewView {
  @ApiProperty({ description: 'Instances that are meant.' }) total!: number;
  @ApiProperty({ type: [InstancePreviewView], description: 'The first of them.' }) instances!: InstancePreviewView[];
}

export class ActionAuditEntryView {
  @ApiProperty() id!: string;
  @ApiProperty(time) at!: string;
  @ApiProperty({ description: 'Who.' }) actor!: string;
  @ApiProperty({ example: 'retry' }) action!: string;
  @ApiProperty({ description: 'Shared by all instances of a bulk action.' }) actionId!: string;
  @ApiProperty() instanceId!: string;
  @ApiProperty({ description: 'Why.' }) reason!: string;
  @ApiProperty({ enum: ['done', 'refused'] }) outcome!: string;
  @ApiProperty({ ...textOrNull, description: 'Of a refusal.' }) why!: string | null;
  @ApiProperty({ type: [String], description: 'Commands that were sent.' }) commands!: string[];
  @ApiProperty({ ...places, description: 'By place: what stood there.' }) before!: Record<string, unknown> | null;
  @ApiProperty({ ...places, description: 'By place: what stood there afterwards.' })
  after!: Record<string, unknown> | null;
}

export class ActionAuditView {
  @ApiProperty({ type: [ActionAuditEntryView], description: 'The newest first.' }) entries!: ActionAuditEntryView[];
  @ApiProperty({ ...textOrNull, description: 'Pass as `before` for the next page; null on the last.' })
  next!: string | null;
}

export class ActionSummaryView {
  @ApiProperty() id!: string;
  @ApiProperty({ example: 'retry' }) action!: string;
  @ApiProperty({ type: Object, additionalProperties: true }) parameters!: Record<string, unknown>;
  @ApiProperty({ description: 'Who.' }) actor!: string;
  @ApiProperty({ description: 'Why.' }) reason!: string;
  @ApiProperty({ enum: ['running', 'done', 'stopped'], description: 'stopped: what is pending was not done.' })
  status!: string;
  @ApiProperty({ description: 'Instances.' }) total!: number;
  @ApiProperty() done!: number;
  @ApiProperty() refused!: number;
  @ApiProperty({ description: 'Not done yet; or, of a stopped one, not done.' }) pending!: number;
  @ApiProperty(time) requestedAt!: string;
  @ApiProperty({ ...time, nullable: true }) endedAt!: string | null;
  @ApiProperty(textOrNull) stoppedBy!: string | null;
  @ApiProperty(textOrNull) stoppedBecause!: string | null;
}

export class ActionView extends ActionSummaryView {
  @ApiProperty({
    type: [ActionAuditEntryView],
    description: 'The last 200 results; all of them: GET /v1/audit?action=.',
  })
  results!: ActionAuditEntryView[];
}

export class ActionListView {
  @ApiProperty({ type: [ActionSummaryView], description: 'The newest first.' }) actions!: ActionSummaryView[];
}

export function toAuditEntryView({ at, ...entry }: StoredAuditEntry): ActionAuditEntryView {
  return { ...entry, at: at.toISOString() };
}

export function toActionSummaryView({ requestedAt, endedAt, ...action }: StoredAction): ActionSummaryView {
  return { ...action, requestedAt: requestedAt.toISOString(), endedAt: endedAt?.toISOString() ?? null };
}
