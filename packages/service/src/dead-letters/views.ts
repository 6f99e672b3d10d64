import { ApiProperty } from '@nestjs/swagger';
import { groupStatuses, letterStatuses, releaseStatuses } from '@throughline/messaging';

const nullable = { type: String, nullable: true } as const;
const text = {
  oneOf: [
    { type: 'string' as const },
    { type: 'object' as const, properties: { base64: { type: 'string' as const } } },
  ],
};

export class LetterSummaryView {
  @ApiProperty() id!: string;
  @ApiProperty({ enum: letterStatuses, description: 'new: waits for a person. retrying: is in the work queue.' })
  status!: string;
  @ApiProperty({ description: 'Fingerprint of its defect.' }) group!: string;
  @ApiProperty({ enum: ['record', 'state', 'effect', 'job'], description: 'record: nobody could read it.' })
  kind!: string;
  @ApiProperty(nullable) type!: string | null;
  @ApiProperty({ ...text, nullable: true }) key!: Text | null;
  @ApiProperty(nullable) messageId!: string | null;
  @ApiProperty() errorCode!: string;
  @ApiProperty() errorMessage!: string;
  @ApiProperty({ description: 'Failed ones, over all retries.' }) attempts!: number;
  @ApiProperty({ format: 'date-time' }) firstFailedAt!: string;
  @ApiProperty({ format: 'date-time' }) failedAt!: string;
  @ApiProperty({ description: 'What came after it with its key waits for it.' }) held!: boolean;
  @ApiProperty(nullable) traceId!: string | null;
  @ApiProperty({ ...nullable, description: 'Where TRACE_VIEWER_URL is configured.' }) traceUrl!: string | null;
}

/** Text where it is text. */
export type Text = string | { base64: string };

class ContentView {
  @ApiProperty({ ...text, nullable: true }) key!: Text | null;
  @ApiProperty({ type: 'object', additionalProperties: text, nullable: true }) headers!: Record<string, Text> | null;
  @ApiProperty({ ...nullable, description: 'The raw value in base64.' }) value!: string | null;
  @ApiProperty({ nullable: true, description: 'The decoded value, or the payload of a job.' }) payload!: unknown;
  @ApiProperty({ ...nullable, description: 'Why it cannot be decoded.' }) problem!: string | null;
}

class EditView {
  @ApiProperty({ format: 'date-time' }) at!: string;
  @ApiProperty() actor!: string;
  @ApiProperty() reason!: string;
}

export class LetterView extends LetterSummaryView {
  @ApiProperty() service!: string;
  @ApiProperty({ description: 'Another one after every change. Opaque: to be sent with an edit, and nothing else.' })
  version!: string;
  @ApiProperty(nullable) topic!: string | null;
  @ApiProperty({ type: Number, nullable: true }) partition!: number | null;
  @ApiProperty(nullable) offset!: string | null;
  @ApiProperty({ type: ContentView }) content!: ContentView;
  @ApiProperty({ type: ContentView, nullable: true, description: 'What it held before its first edit.' })
  original!: ContentView | null;
  @ApiProperty({ type: [EditView] }) edits!: EditView[];
  @ApiProperty(nullable) errorStack!: string | null;
  @ApiProperty({ ...nullable, description: 'Of the service that failed.' }) serviceVersion!: string | null;
  @ApiProperty({ ...nullable, description: 'The system it is work for.' }) dependency!: string | null;
  @ApiProperty({
    ...nullable,
    description: 'An earlier letter that must be retried or archived before this one can run.',
  })
  waitsFor!: string | null;
  @ApiProperty({ ...nullable, format: 'date-time' }) handledAt!: string | null;
  @ApiProperty({ ...nullable, format: 'date-time' }) archivedAt!: string | null;
}

export class LetterListView {
  @ApiProperty() service!: string;
  @ApiProperty({ type: [LetterSummaryView], description: 'The newest first.' }) letters!: LetterSummaryView[];
  @ApiProperty({ ...nullable, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}

class LetterCountsView {
  @ApiProperty() new!: number;
  @ApiProperty() retrying!: number;
  @ApiProperty() handled!: number;
  @ApiProperty() archived!: number;
}

export class GroupView {
  @ApiProperty() fingerprint!: string;
  @ApiProperty({ enum: groupStatuses }) status!: string;
  @ApiProperty(nullable) owner!: string | null;
  @ApiProperty() notes!: string;
  @ApiProperty({
    ...nullable,
    format: 'date-time',
    description: 'It was fixed or archived, and then a letter came in.',
  })
  reopenedAt!: string | null;
  @ApiProperty({ type: LetterCountsView }) counts!: LetterCountsView;
  @ApiProperty({ format: 'date-time' }) firstFailedAt!: string;
  @ApiProperty({ format: 'date-time' }) failedAt!: string;
  @ApiProperty({ description: 'Of the newest letter.' }) errorCode!: string;
  @ApiProperty({ description: 'Of the newest letter.' }) errorMessage!: string;
  @ApiProperty({ type: [String] }) types!: string[];
}

export class GroupListView {
  @ApiProperty() service!: string;
  @ApiProperty({ type: [GroupView], description: 'The one that failed last comes first.' }) groups!: GroupView[];
  @ApiProperty({ ...nullable, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}

class RefusedView {
  @ApiProperty() id!: string;
  @ApiProperty() why!: string;
}

export class MovedView {
  @ApiProperty({ type: [String], description: 'Numbers of the letters it was done to.' }) done!: string[];
  @ApiProperty({ type: [RefusedView], description: 'Left as they are.' }) refused!: RefusedView[];
}

class ProgressView {
  @ApiProperty() total!: number;
  @ApiProperty({ description: 'Put back so far.' }) released!: number;
  @ApiProperty() handled!: number;
  @ApiProperty({ description: 'Put back and in the work queue.' }) waiting!: number;
  @ApiProperty({ description: 'Dead again.' }) failed!: number;
  @ApiProperty({ description: 'Letters of the same defect that came in since.' }) newcomers!: number;
}

export class ReleaseView {
  @ApiProperty() id!: string;
  @ApiProperty({ enum: releaseStatuses, description: 'stopped: by itself, see why.' }) status!: string;
  @ApiProperty({ ...nullable, description: 'The group, where it is one.' }) group!: string | null;
  @ApiProperty() actor!: string;
  @ApiProperty() reason!: string;
  @ApiProperty(nullable) why!: string | null;
  @ApiProperty({ format: 'date-time' }) createdAt!: string;
  @ApiProperty({ ...nullable, format: 'date-time' }) endedAt!: string | null;
  @ApiProperty({ type: ProgressView }) progress!: ProgressView;
}

export class ReleaseListView {
  @ApiProperty() service!: string;
  @ApiProperty({ type: [ReleaseView], description: 'The newest first.' }) releases!: ReleaseView[];
  @ApiProperty({ ...nullable, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}

class RecordedCallView {
  @ApiProperty() scope!: string;
  @ApiProperty() call!: string;
  @ApiProperty({ nullable: true }) request!: unknown;
  @ApiProperty({ nullable: true }) response!: unknown;
}

class ChangesView {
  @ApiProperty() table!: string;
  @ApiProperty() inserted!: number;
  @ApiProperty() updated!: number;
  @ApiProperty() deleted!: number;
}

class PreviewedMessageView {
  @ApiProperty() type!: string;
  @ApiProperty() key!: string;
  @ApiProperty() payload!: unknown;
  @ApiProperty() correlationId!: string;
}

class PreviewedJobView {
  @ApiProperty() type!: string;
  @ApiProperty() key!: string;
  @ApiProperty() id!: string;
  @ApiProperty() payload!: unknown;
}

class PreviewErrorView {
  @ApiProperty() code!: string;
  @ApiProperty() message!: string;
  @ApiProperty() retry!: string;
}

export class PreviewView {
  @ApiProperty({
    enum: ['handled', 'call', 'fail', 'nothing'],
    description: 'call: it would go as far as nextCall, and what follows depends on the answer.',
  })
  outcome!: string;
  @ApiProperty({ type: [RecordedCallView], description: 'Made before, and not made again.' })
  recordedCalls!: RecordedCallView[];
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true }) nextCall!: unknown;
  @ApiProperty({ type: [PreviewedMessageView] }) emits!: PreviewedMessageView[];
  @ApiProperty({ type: [PreviewedJobView] }) jobs!: PreviewedJobView[];
  @ApiProperty({ type: [ChangesView], description: 'Rows of this service’s own tables.' }) changes!: ChangesView[];
  @ApiProperty({ type: PreviewErrorView, nullable: true }) error!: PreviewErrorView | null;
  @ApiProperty({ type: [String], description: 'What the preview could not see.' }) notes!: string[];
}

class AuditEntryView {
  @ApiProperty() id!: string;
  @ApiProperty({ format: 'date-time' }) at!: string;
  @ApiProperty() actor!: string;
  @ApiProperty() action!: string;
  @ApiProperty({ description: 'letter:<id>, group:<fingerprint> or release:<id>' }) target!: string;
  @ApiProperty(nullable) reason!: string | null;
  @ApiProperty({ nullable: true }) before!: unknown;
  @ApiProperty({ nullable: true }) after!: unknown;
}

export class AuditView {
  @ApiProperty() service!: string;
  @ApiProperty({ type: [AuditEntryView], description: 'The newest first.' }) entries!: AuditEntryView[];
  @ApiProperty({ ...nullable, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}
