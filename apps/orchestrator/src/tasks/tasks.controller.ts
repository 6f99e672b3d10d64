import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Optional,
  Param,
  Post,
  Query,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { applyDecorators } from '@nestjs/common';
import { actorOf, CONFIG, openApiSchema, ZodPipe } from '@throughline/service';
import type { z } from 'zod';
import type { OrchestratorConfig } from '../config.js';
import { ProcessRefusalFilter } from '../process-refusal.filter.js';
import type { Action } from './decide-task/action.js';
import * as requests from './requests.js';
import { TaskRefusalFilter } from './task-refusal.filter.js';
import { Tasks } from './tasks.js';
import { toTaskEventView, toTaskSummaryView, toTaskView } from './to-view.js';
import { TaskListView, TaskView, ToldView } from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;

interface Acting {
  actor?: string | undefined;
  version?: number | undefined;
  onBehalfOf?: string | undefined;
}

const Actor = ApiHeader({
  name: 'x-actor',
  required: false,
  description: 'A person of the directory; or `actor` in the body.',
});
const Filter = applyDecorators(
  ...Object.entries(requests.listTasks.shape).map(([name, condition]) =>
    ApiQuery({ name, required: false, ...(condition.description && { description: condition.description }) }),
  ),
);

/** An action on one task: who may do it, and what it answers, is the same for all. */
const Acts = (summary: string, body: z.ZodType): MethodDecorator =>
  applyDecorators(
    Actor,
    HttpCode(200),
    ApiParam({ name: 'id', description: 'Number of the task.' }),
    ApiOperation({ summary }),
    ApiBody({ schema: openApiSchema(body), required: false }),
    ApiOkResponse({ type: TaskView, description: 'The task after it.' }),
    ApiForbiddenResponse({ description: 'Not this person: no role, their own request, or a second person is needed.' }),
    ApiNotFoundResponse({ description: 'No such task.' }),
    ApiConflictResponse({
      description: 'Not now: another one was faster, holds it, or has to answer. The message says who.',
    }),
    ApiUnprocessableEntityResponse({
      description: 'A reason, an answer of the form, a person or an address is missing or wrong.',
    }),
  );

/** Decisions that people owe at the checkpoints of processes. */
@ApiTags('tasks')
@ApiBadRequestResponse({ description: 'A field at fault, or nobody named as the actor.' })
@UseFilters(TaskRefusalFilter, ProcessRefusalFilter)
@Controller('v1/tasks')
export class TasksController {
  constructor(
    private readonly tasks: Tasks,
    @Optional() @Inject(CONFIG) private readonly config: Partial<OrchestratorConfig> = {},
  ) {}

  @Get()
  @Actor
  @ApiOperation({ summary: 'Tasks that meet every condition given.' })
  @Filter
  @ApiOkResponse({ type: TaskListView })
  async list(
    @Query(new ZodPipe(requests.listTasks)) query: Request<typeof requests.listTasks>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskListView> {
    const { mine, status, instance, overdue, amountMin, limit, ...same } = query;
    const now = this.tasks.now();
    const found = await this.tasks.find({
      ...same,
      limit: limit + 1,
      statuses: status,
      instanceId: instance,
      amountFrom: amountMin,
      ...(mine && { mine: await this.tasks.reachOf(actorOf(undefined, actor)) }),
      ...(overdue && { overdueAt: now }),
    });
    const page = found.slice(0, limit);
    const people = await this.tasks.people();
    return {
      tasks: page.map((task) => toTaskSummaryView(task, people, now.toISOString())),
      next: found.length > limit ? page.at(-1)!.id : null,
    };
  }

  @Get('told')
  @Actor
  @ApiOperation({
    summary:
      'What a person was told: offered, assigned, reminded, escalated, sent back, decided. For a page, or for a mailer.',
  })
  @ApiQuery({ name: 'person', required: false, description: 'Default: who asks.' })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the answer before.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' })
  @ApiOkResponse({ type: ToldView })
  async told(
    @Query(new ZodPipe(requests.listTold)) { person, after, limit }: Request<typeof requests.listTold>,
    @Headers('x-actor') actor?: string,
  ): Promise<ToldView> {
    const events = await this.tasks.told(person ?? actorOf(undefined, actor), after, limit);
    const people = await this.tasks.people();
    return { events: events.map((event) => toTaskEventView(event, people)), next: events.at(-1)?.id ?? after };
  }

  @Get(':id')
  @Actor
  @ApiOperation({ summary: 'One task: facts, policy and rule, form, documents, history, and what the actor may do.' })
  @ApiOkResponse({ type: TaskView })
  @ApiNotFoundResponse({ description: 'No such task.' })
  get(@Param('id', new ZodPipe(requests.id)) id: string, @Headers('x-actor') actor?: string): Promise<TaskView> {
    return this.view(id, actor?.trim());
  }

  @Post(':id/claim')
  @Acts('Take a task out of the queue; after an escalation, those above may take it from who holds it.', requests.act)
  claim(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.act)) { reason, ...by }: Request<typeof requests.act>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'claim', reason }, by, actor);
  }

  @Post(':id/release')
  @Acts('Put a task back into the queue.', requests.act)
  release(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.act)) { reason, ...by }: Request<typeof requests.act>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'release', reason }, by, actor);
  }

  @Post(':id/assign')
  @Acts('Give a task to another person of its roles.', requests.give)
  assign(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.give)) { reason, to, ...by }: Request<typeof requests.give>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'assign', to, reason }, by, actor);
  }

  @Post(':id/delegate')
  @Acts('Let another person decide this task in your name; they need no role of their own.', requests.give)
  delegate(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.give)) { reason, to, ...by }: Request<typeof requests.give>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'delegate', to, reason }, by, actor);
  }

  @Post(':id/approve')
  @Acts('Approve. The process goes on at once; where two people must, after the second.', requests.approve)
  approve(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.approve)) { reason, values, ...by }: Request<typeof requests.approve>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'approve', values, reason }, by, actor);
  }

  @Post(':id/reject')
  @Acts('Reject. One rejection is enough; the process answers it at once.', requests.actForAReason)
  reject(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.actForAReason)) { reason, ...by }: Request<typeof requests.actForAReason>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'reject', reason }, by, actor);
  }

  @Post(':id/send-back')
  @Acts('Ask the requester; nobody decides until they have answered.', requests.sendBack)
  sendBack(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.sendBack)) { reason, to, ...by }: Request<typeof requests.sendBack>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'send-back', to, reason }, by, actor);
  }

  @Post(':id/resubmit')
  @Acts('Answer what was sent back; it goes to who asked, and its time begins anew.', requests.act)
  resubmit(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.act)) { reason, ...by }: Request<typeof requests.act>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'resubmit', reason }, by, actor);
  }

  @Post(':id/attachments')
  @Acts('Attach a document by its address; its content stays where it lies.', requests.attach)
  attach(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.attach)) { reason, name, uri, sha256, ...by }: Request<typeof requests.attach>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'add-attachment', name, uri, sha256, reason }, by, actor);
  }

  @Post(':id/follow-up')
  @Acts('Look at it again at a time; it is held until then.', requests.followUp)
  followUp(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.followUp)) { reason, at, ...by }: Request<typeof requests.followUp>,
    @Headers('x-actor') actor?: string,
  ): Promise<TaskView> {
    return this.act(id, { kind: 'set-follow-up', at, reason }, by, actor);
  }

  private async act(id: string, action: Action, by: Acting, header: string | undefined): Promise<TaskView> {
    const person = actorOf(by.actor, header);
    await this.tasks.act(id, action, { id: person, onBehalfOf: by.onBehalfOf, seenVersion: by.version });
    return this.view(id, person);
  }

  private async view(id: string, person: string | undefined): Promise<TaskView> {
    const story = await this.tasks.read(id, person);
    return toTaskView({ ...story, viewerUrl: this.config.TRACE_VIEWER_URL });
  }
}
