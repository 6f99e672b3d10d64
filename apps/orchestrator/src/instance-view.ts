import { ApiProperty } from '@nestjs/swagger';
import { actions, effects, statuses, stepStatuses, type Status, type StepStatus } from '@throughline/process';

const time = { type: String, format: 'date-time' } as const;
const timeOrNull = { ...time, nullable: true } as const;
const textOrNull = { type: String, nullable: true } as const;

export class ExternalIdView {
  @ApiProperty({ example: 'stripe' }) system!: string;
  @ApiProperty({ description: 'The account, portal or store within the system.' }) tenant!: string;
  @ApiProperty({ example: 'invoice' }) type!: string;
  @ApiProperty({ example: 'in_1QX' }) id!: string;
}

/** One command and what came of it. */
export class ExecutionView {
  @ApiProperty({
    ...textOrNull,
    description: 'Null where another process acts, or a person decides.',
    example: 'IssueInvoice',
  })
  command!: string | null;
  @ApiProperty({ ...textOrNull, description: 'The service that answered.', example: 'finance-adapter' })
  service!: string | null;
  @ApiProperty(timeOrNull) commandedAt!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'When the outcome is late.' }) dueAt!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'Promised by its owner until then.' }) slaDueAt!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'Since when that is, or was, not kept.' }) slaBreachedAt!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'When it is commanded again by itself.' }) retryAt!: string | null;
  @ApiProperty({ ...textOrNull, description: 'The last event that said it is moving.' }) progress!: string | null;
  @ApiProperty({ ...textOrNull, description: 'Who decided.' }) by!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'Since when the outcome is, or was, late.' }) overdueSince!: string | null;
  @ApiProperty({ ...textOrNull, description: 'The event that ended it.', example: 'InvoiceIssued' })
  outcome!: string | null;
  @ApiProperty(timeOrNull) outcomeAt!: string | null;
  @ApiProperty({ type: Number, nullable: true, description: 'From the command to its outcome, in milliseconds.' })
  durationMs!: number | null;
  @ApiProperty({
    description: 'How often it was commanded. Tries of one command against the vendor are counted by its service.',
  })
  attempts!: number;
  @ApiProperty({ type: [ExternalIdView], description: 'What it made or changed, as its system names it.' })
  externalIds!: ExternalIdView[];
  @ApiProperty({ ...textOrNull, description: 'Of a refusal: stable code.' }) reason!: string | null;
  @ApiProperty({ ...textOrNull, description: 'Of a refusal: path of the field.' }) field!: string | null;
  @ApiProperty({ ...textOrNull, description: 'Of a refusal: what is wrong and what to do.' }) message!: string | null;
}

export class PolicyView {
  @ApiProperty({ example: 'credit-approval' }) policy!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ description: 'The row of the table that decided.' }) rule!: string;
  @ApiProperty({ type: Object, additionalProperties: true }) outputs!: Record<string, unknown>;
}

export class ConditionView {
  @ApiProperty() value!: boolean;
  @ApiProperty({ type: [PolicyView], description: 'Policies that were asked for it.' }) policies!: PolicyView[];
}

/** What a person did about it, and why. */
export class DoneByView {
  @ApiProperty() by!: string;
  @ApiProperty() reason!: string;
  @ApiProperty(time) at!: string;
}

export class StepView extends ExecutionView {
  @ApiProperty({ example: 'billing' }) step!: string;
  @ApiProperty({ description: 'Who answers for it.' }) owner!: string;
  @ApiProperty({ enum: stepStatuses }) status!: StepStatus;
  @ApiProperty({ type: [String], description: 'Steps it waits for.' }) after!: string[];
  @ApiProperty({ type: ConditionView, nullable: true, description: 'Its condition, as it was evaluated.' })
  condition!: ConditionView | null;
  @ApiProperty({ type: PolicyView, nullable: true, description: 'What the policy of the checkpoint said.' })
  policy!: PolicyView | null;
  @ApiProperty({ type: DoneByView, nullable: true, description: 'A person let the process go on without it.' })
  skipped!: DoneByView | null;
  @ApiProperty({ type: ExecutionView, nullable: true, description: 'How it was undone.' })
  compensation!: ExecutionView | null;
}

export class WaitingForView {
  @ApiProperty() step!: string;
  @ApiProperty() owner!: string;
  @ApiProperty({ ...textOrNull, description: 'The command in flight, or the refused one; null before the start.' })
  command!: string | null;
  @ApiProperty({ type: [String], description: 'Any of these ends the wait.' }) events!: string[];
  @ApiProperty(time) since!: string;
  @ApiProperty(timeOrNull) dueAt!: string | null;
  @ApiProperty() isOverdue!: boolean;
  @ApiProperty({ description: 'A person must decide, or it was refused and the process cannot go on by itself.' })
  needsPerson!: boolean;
}

export class PaymentView {
  @ApiProperty({ format: 'uuid' }) paymentId!: string;
  @ApiProperty({ example: '1250.0000' }) amount!: string;
  @ApiProperty({ example: 'EUR' }) currency!: string;
  @ApiProperty(time) receivedAt!: string;
  @ApiProperty({ type: [ExternalIdView] }) externalIds!: ExternalIdView[];
  @ApiProperty({ ...textOrNull, description: 'The trace it arrived in.' }) traceId!: string | null;
}

export class AttentionView {
  @ApiProperty({
    enum: [
      'unexpected-event',
      'started-again',
      'earlier-stands',
      'irreversible',
      'not-undone',
      'fact-missing',
      'shown',
    ],
  })
  code!: string;
  @ApiProperty({ description: 'The event.' }) type!: string;
  @ApiProperty() messageId!: string;
  @ApiProperty(time) at!: string;
  @ApiProperty() message!: string;
  @ApiProperty({ type: DoneByView, nullable: true, description: 'Who has looked at it; null while nobody has.' })
  acknowledged!: DoneByView | null;
}

export class CauseView {
  @ApiProperty({ description: 'The event that refused or cancelled.' }) type!: string;
  @ApiProperty(time) at!: string;
  @ApiProperty({ ...textOrNull, description: 'The refused step; null for a cancellation.' }) step!: string | null;
  @ApiProperty({ ...textOrNull, example: 'total-mismatch' }) reason!: string | null;
  @ApiProperty({ ...textOrNull, example: 'amount' }) field!: string | null;
  @ApiProperty(textOrNull) message!: string | null;
}

export class HistoryEntryView {
  @ApiProperty() messageId!: string;
  @ApiProperty({ example: 'OrderCreated' }) type!: string;
  @ApiProperty({ enum: effects, description: 'What it did to the instance.' }) effect!: string;
  @ApiProperty(textOrNull) step!: string | null;
  @ApiProperty({ ...textOrNull, description: 'The service that wrote it; null for a timer.' }) source!: string | null;
  @ApiProperty({ type: [String], description: 'Commands sent because of it.' }) commands!: string[];
  @ApiProperty({ type: [ExternalIdView] }) externalIds!: ExternalIdView[];
  @ApiProperty({
    type: Object,
    additionalProperties: true,
    nullable: true,
    description: 'Of what a person did: who, why, with which facts. Of any input: the policies that were asked.',
  })
  detail!: Record<string, unknown> | null;
  @ApiProperty(time) occurredAt!: string;
  @ApiProperty(time) recordedAt!: string;
  @ApiProperty(textOrNull) traceId!: string | null;
}

export class InstanceSummaryView {
  @ApiProperty({ description: 'Grows with the time of creation.' }) id!: string;
  @ApiProperty({ example: 'lead-to-cash' }) process!: string;
  @ApiProperty({ description: 'Version of the definition; an instance keeps the one it started on.' }) version!: number;
  @ApiProperty({ description: 'Canonical id of what it is about.' }) key!: string;
  @ApiProperty({ description: 'Which closing of it, from 1.' }) occurrence!: number;
  @ApiProperty({ enum: statuses }) status!: Status;
  @ApiProperty({ type: Object, additionalProperties: true, description: 'Of the event that started it.' })
  attributes!: Record<string, unknown>;
  @ApiProperty({ ...textOrNull, description: 'What is at risk, exact.', example: '1250.0000' }) amount!: string | null;
  @ApiProperty({ ...textOrNull, example: 'EUR' }) currency!: string | null;
  @ApiProperty({ type: DoneByView, nullable: true, description: 'Who holds it, and why.' }) paused!: DoneByView | null;
  @ApiProperty({ description: 'Shared by every message of this instance.' }) correlationId!: string;
  @ApiProperty(textOrNull) traceId!: string | null;
  @ApiProperty(timeOrNull) startedAt!: string | null;
  @ApiProperty(timeOrNull) endedAt!: string | null;
  @ApiProperty({ type: Number, nullable: true, description: 'From the start to the end, in milliseconds.' })
  durationMs!: number | null;
  @ApiProperty({ type: CauseView, nullable: true, description: 'Why it was rejected, refused or cancelled.' })
  cause!: CauseView | null;
  @ApiProperty({ type: [AttentionView], description: 'What a person should look at.' }) attention!: AttentionView[];
  @ApiProperty({ type: [WaitingForView], description: 'What it waits for, and since when.' })
  waitingFor!: WaitingForView[];
}

export class TimerView {
  @ApiProperty({ ...textOrNull, description: 'The step, or its run; null for the whole instance.' })
  unit!: string | null;
  @ApiProperty({
    enum: ['due', 'sla', 'retry'],
    description: 'What happens then: it is late, a promise is broken, or it is asked again.',
  })
  kind!: 'due' | 'sla' | 'retry';
  @ApiProperty(time) at!: string;
}

export class AllowedActionView {
  @ApiProperty({ enum: actions }) action!: string;
  @ApiProperty({ ...textOrNull, description: 'For retry and skip.' }) unit!: string | null;
}

export class InstanceView extends InstanceSummaryView {
  @ApiProperty({ description: 'How often it was amended.' }) revision!: number;
  @ApiProperty({ ...timeOrNull, description: 'The whole is promised until then.' }) slaDueAt!: string | null;
  @ApiProperty({ ...timeOrNull, description: 'Since when that is, or was, not kept.' }) slaBreachedAt!: string | null;
  @ApiProperty({ type: [TimerView], description: 'What time will do, the next one first.' }) timers!: TimerView[];
  @ApiProperty({ type: [AllowedActionView], description: 'What a person may do now, with POST /v1/actions.' })
  actions!: AllowedActionView[];
  @ApiProperty({ type: [StepView], description: 'In the order of the definition.' }) steps!: StepView[];
  @ApiProperty({ type: [PaymentView] }) payments!: PaymentView[];
  @ApiProperty({ type: [HistoryEntryView], description: 'Every input, in the order in which it was taken.' })
  history!: HistoryEntryView[];
}
