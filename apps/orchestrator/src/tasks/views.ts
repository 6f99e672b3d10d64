import { ApiProperty } from '@nestjs/swagger';
import { taskEventKinds, taskStatuses } from './task.js';

const time = { type: String, format: 'date-time' } as const;
const timeOrNull = { ...time, nullable: true } as const;
const textOrNull = { type: String, nullable: true } as const;
const anything = { type: 'object', additionalProperties: true } as const;

export class PersonView {
  @ApiProperty({ example: 'carla' }) id!: string;
  @ApiProperty({ example: 'Carla Conti', description: 'The id, where the directory does not know them.' })
  name!: string;
}

export class TaskSummaryView {
  @ApiProperty() id!: string;
  @ApiProperty({ description: 'Send it with an action to be told if another one was faster.' }) version!: number;
  @ApiProperty({
    enum: taskStatuses,
    description: 'open: in the queue of its roles. claimed: somebody holds it. sent-back: the requester has to answer.',
  })
  status!: string;
  @ApiProperty({ example: 'lead-to-cash' }) process!: string;
  @ApiProperty() instanceId!: string;
  @ApiProperty({ description: 'What the instance is about: the id of the opportunity or the order.' }) key!: string;
  @ApiProperty({ description: 'What it calls itself, where its facts say so.' }) title!: string;
  @ApiProperty({ example: 'credit-approval' }) checkpoint!: string;
  @ApiProperty({ description: 'The run of the step that waits.' }) unit!: string;
  @ApiProperty({ description: 'Who answers for the step.' }) owner!: string;
  @ApiProperty({ type: [String], description: 'Whose people may decide now.' }) roles!: string[];
  @ApiProperty({ type: PersonView, nullable: true }) assignee!: PersonView | null;
  @ApiProperty({ type: PersonView, nullable: true, description: 'In whose name the assignee holds it.' })
  actsFor!: PersonView | null;
  @ApiProperty({ type: PersonView, nullable: true, description: 'They do not decide on it.' })
  requestedBy!: PersonView | null;
  @ApiProperty({ ...textOrNull, description: 'What is at risk, exact.', example: '12000.0000' }) amount!: string | null;
  @ApiProperty({ ...textOrNull, example: 'EUR' }) currency!: string | null;
  @ApiProperty(time) openedAt!: string;
  @ApiProperty(timeOrNull) dueAt!: string | null;
  @ApiProperty() isOverdue!: boolean;
  @ApiProperty({ ...timeOrNull, description: 'Since when those above may decide, too.' }) escalatedAt!: string | null;
  @ApiProperty({ description: 'How many people have to approve.' }) approvalsNeeded!: number;
  @ApiProperty({ description: 'How many have.' }) approvalsGiven!: number;
  @ApiProperty(timeOrNull) endedAt!: string | null;
}

export class FactView {
  @ApiProperty({ example: 'totalAmount' }) name!: string;
  @ApiProperty({ example: 'Total amount' }) label!: string;
  @ApiProperty({ ...textOrNull, description: 'From the contract of the event it came with.' }) description!:
    string | null;
  @ApiProperty({ nullable: true, description: 'As the event carried it; amounts are exact text.' }) value!: unknown;
}

class TaskPolicyView {
  @ApiProperty() policy!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ description: 'The rule of it that decided.' }) rule!: string;
  @ApiProperty({ ...textOrNull, description: 'Why that rule.' }) because!: string | null;
}

class TaskFormFieldView {
  @ApiProperty() name!: string;
  @ApiProperty() label!: string;
  @ApiProperty({ enum: ['text', 'number', 'money', 'date', 'boolean', 'choice'] }) type!: string;
  @ApiProperty() required!: boolean;
  @ApiProperty({ type: [String], nullable: true }) options!: string[] | null;
}

class TaskApprovalView {
  @ApiProperty({ type: PersonView }) by!: PersonView;
  @ApiProperty({ type: PersonView, nullable: true }) onBehalfOf!: PersonView | null;
  @ApiProperty(time) at!: string;
  @ApiProperty(textOrNull) reason!: string | null;
  @ApiProperty(anything) values!: Record<string, unknown>;
}

class AttachmentView {
  @ApiProperty() name!: string;
  @ApiProperty({ description: 'Where the document lies.' }) uri!: string;
  @ApiProperty(textOrNull) sha256!: string | null;
  @ApiProperty({ type: PersonView }) by!: PersonView;
  @ApiProperty(time) at!: string;
}

export class TaskEventView {
  @ApiProperty() id!: string;
  @ApiProperty() taskId!: string;
  @ApiProperty(time) at!: string;
  @ApiProperty({ enum: taskEventKinds, description: 'seconding: the first of two approvals.' }) kind!: string;
  @ApiProperty({ type: PersonView, description: 'system: time, or the process itself.' }) by!: PersonView;
  @ApiProperty({ type: PersonView, nullable: true }) onBehalfOf!: PersonView | null;
  @ApiProperty(textOrNull) reason!: string | null;
  @ApiProperty({ ...anything, nullable: true }) details!: Record<string, unknown> | null;
  @ApiProperty({ enum: taskStatuses }) status!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ type: [PersonView], description: 'Who was told.' }) notified!: PersonView[];
  @ApiProperty({
    ...anything,
    nullable: true,
    description: 'Where something was decided: by which policy and version.',
  })
  policy!: object | null;
  @ApiProperty({ ...anything, nullable: true, description: 'Where something was decided: on which facts.' })
  facts!: Record<string, unknown> | null;
}

export class TaskView extends TaskSummaryView {
  @ApiProperty({ description: 'Path of the instance it belongs to.' }) instance!: string;
  @ApiProperty() occurrence!: number;
  @ApiProperty() correlationId!: string;
  @ApiProperty(textOrNull) traceId!: string | null;
  @ApiProperty({ ...textOrNull, description: 'Where TRACE_VIEWER_URL is configured.' }) traceUrl!: string | null;
  @ApiProperty({ type: [FactView], description: 'What the decision stands on.' }) facts!: FactView[];
  @ApiProperty({ type: TaskPolicyView }) policy!: TaskPolicyView;
  @ApiProperty({ ...anything, description: 'How it is worked on, as the policy says.' }) terms!: object;
  @ApiProperty({ type: [TaskFormFieldView], description: 'What whoever approves fills in.' })
  form!: TaskFormFieldView[];
  @ApiProperty({ type: [TaskApprovalView] }) approvals!: TaskApprovalView[];
  @ApiProperty({ type: [AttachmentView] }) attachments!: AttachmentView[];
  @ApiProperty({ ...textOrNull, description: 'What the requester is asked, while it is sent back.' }) question!:
    string | null;
  @ApiProperty(timeOrNull) remindAt!: string | null;
  @ApiProperty(timeOrNull) escalateAt!: string | null;
  @ApiProperty(timeOrNull) expiresAt!: string | null;
  @ApiProperty(timeOrNull) followUpAt!: string | null;
  @ApiProperty({ type: [String], nullable: true, description: 'What the actor may do now; null where nobody asks.' })
  actions!: string[] | null;
  @ApiProperty({ type: [TaskEventView], description: 'Everything that was done, for good.' }) history!: TaskEventView[];
}

export class TaskListView {
  @ApiProperty({
    type: [TaskSummaryView],
    description: 'The one that is due first comes first; where only ended ones are asked for, the one that ended last.',
  })
  tasks!: TaskSummaryView[];
  @ApiProperty({ ...textOrNull, description: 'Pass as `after` for the next page; null on the last.' }) next!:
    string | null;
}

export class ToldView {
  @ApiProperty({ type: [TaskEventView], description: 'In the order of time.' }) events!: TaskEventView[];
  @ApiProperty({ description: 'Pass as `after` to go on here.' }) next!: string;
}

export class AbsenceView {
  @ApiProperty() id!: string;
  @ApiProperty({ type: PersonView }) person!: PersonView;
  @ApiProperty(time) startsAt!: string;
  @ApiProperty(time) endsAt!: string;
  @ApiProperty(textOrNull) reason!: string | null;
  @ApiProperty() madeBy!: string;
  @ApiProperty(time) madeAt!: string;
  @ApiProperty({ ...textOrNull, description: 'Who ended it before its time.' }) endedBy!: string | null;
  @ApiProperty(timeOrNull) endedAt!: string | null;
}

export class DelegationView extends AbsenceView {
  @ApiProperty({ type: PersonView, description: 'Acts in the name of the person.' }) delegate!: PersonView;
}

export class AbsenceListView {
  @ApiProperty({ type: [AbsenceView], description: 'The newest first.' }) absences!: AbsenceView[];
  @ApiProperty({ ...textOrNull, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}

export class DelegationListView {
  @ApiProperty({ type: [DelegationView], description: 'The newest first.' }) delegations!: DelegationView[];
  @ApiProperty({ ...textOrNull, description: 'Pass as `before` for the next page; null on the last.' }) next!:
    string | null;
}
