import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { actorOf, openApiSchema, ZodPipe } from '@throughline/service';
import type { z } from 'zod';
import type { StoredStandIn } from './find-stand-ins.js';
import * as requests from './requests.js';
import { TaskRefusalFilter } from './task-refusal.filter.js';
import { Tasks } from './tasks.js';
import { toAbsenceView, toDelegationView } from './to-view.js';
import { AbsenceListView, AbsenceView, DelegationListView, DelegationView } from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;

const Actor = ApiHeader({
  name: 'x-actor',
  required: false,
  description: 'A person of the directory; or `actor` in the body.',
});
const Person = ApiQuery({ name: 'person', required: false, description: 'Whom it is about, or who acts by it.' });
const Past = ApiQuery({ name: 'past', required: false, type: Boolean, description: 'Also what is over.' });
const Page = ApiQuery({ name: 'before', required: false, description: '`next` of the page before.' });
const Limit = ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' });

/** Who acts in whose name. */
@ApiTags('tasks')
@ApiBadRequestResponse({ description: 'A field at fault, or nobody named as the actor.' })
@ApiForbiddenResponse({ description: 'It is not for this person to say.' })
@UseFilters(TaskRefusalFilter)
@Controller('v1/delegations')
export class DelegationsController {
  constructor(private readonly tasks: Tasks) {}

  @Get()
  @ApiOperation({ summary: 'Who acts in whose name, now or to come.' })
  @Person
  @Past
  @Page
  @Limit
  @ApiOkResponse({ type: DelegationListView })
  async list(
    @Query(new ZodPipe(requests.listStandIns)) query: Request<typeof requests.listStandIns>,
  ): Promise<DelegationListView> {
    const { page, next } = await pageOf(this.tasks, 'delegation', query);
    const people = await this.tasks.people();
    return { delegations: page.map((one) => toDelegationView(one, people)), next };
  }

  @Post()
  @Actor
  @ApiOperation({ summary: 'Let another person act in your name between two times; the audit shows both names.' })
  @ApiBody({ schema: openApiSchema(requests.addDelegation) })
  @ApiCreatedResponse({ type: DelegationView })
  @ApiUnprocessableEntityResponse({ description: 'A person nobody knows, or a time that is over.' })
  async add(
    @Body(new ZodPipe(requests.addDelegation))
    { actor: named, delegate, ...rest }: Request<typeof requests.addDelegation>,
    @Headers('x-actor') actor?: string,
  ): Promise<DelegationView> {
    const by = actorOf(named, actor);
    const delegation = await this.tasks.addStandIn({ kind: 'delegation', delegate, ...rest }, by);
    return toDelegationView(delegation, await this.tasks.people());
  }

  @Post(':id/end')
  @Actor
  @HttpCode(200)
  @ApiOperation({ summary: 'End a delegation before its time: who delegated, or who acts by it.' })
  @ApiBody({ schema: openApiSchema(requests.endStandIn), required: false })
  @ApiOkResponse({ type: DelegationView })
  @ApiNotFoundResponse({ description: 'No such delegation.' })
  async end(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.endStandIn)) { actor: named }: Request<typeof requests.endStandIn>,
    @Headers('x-actor') actor?: string,
  ): Promise<DelegationView> {
    const ended = await this.tasks.endStandIn(id, 'delegation', actorOf(named, actor));
    return toDelegationView(ended, await this.tasks.people());
  }
}

/** Who is away. */
@ApiTags('tasks')
@ApiBadRequestResponse({ description: 'A field at fault, or nobody named as the actor.' })
@ApiForbiddenResponse({ description: 'It is not for this person to say.' })
@UseFilters(TaskRefusalFilter)
@Controller('v1/absences')
export class AbsencesController {
  constructor(private readonly tasks: Tasks) {}

  @Get()
  @ApiOperation({ summary: 'Who is away, now or to come.' })
  @Person
  @Past
  @Page
  @Limit
  @ApiOkResponse({ type: AbsenceListView })
  async list(
    @Query(new ZodPipe(requests.listStandIns)) query: Request<typeof requests.listStandIns>,
  ): Promise<AbsenceListView> {
    const { page, next } = await pageOf(this.tasks, 'absence', query);
    const people = await this.tasks.people();
    return { absences: page.map((one) => toAbsenceView(one, people)), next };
  }

  @Post()
  @Actor
  @ApiOperation({
    summary:
      'Say who is away between two times. What they hold goes to who acts for them, or back into the queue, when it begins.',
  })
  @ApiBody({ schema: openApiSchema(requests.addAbsence) })
  @ApiCreatedResponse({ type: AbsenceView })
  @ApiUnprocessableEntityResponse({ description: 'A person nobody knows, or a time that is over.' })
  async add(
    @Body(new ZodPipe(requests.addAbsence)) { actor: named, ...rest }: Request<typeof requests.addAbsence>,
    @Headers('x-actor') actor?: string,
  ): Promise<AbsenceView> {
    const by = actorOf(named, actor);
    const absence = await this.tasks.addStandIn({ kind: 'absence', ...rest }, by);
    return toAbsenceView(absence, await this.tasks.people());
  }

  @Post(':id/end')
  @Actor
  @HttpCode(200)
  @ApiOperation({ summary: 'End an absence before its time.' })
  @ApiBody({ schema: openApiSchema(requests.endStandIn), required: false })
  @ApiOkResponse({ type: AbsenceView })
  @ApiNotFoundResponse({ description: 'No such absence.' })
  async end(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.endStandIn)) { actor: named }: Request<typeof requests.endStandIn>,
    @Headers('x-actor') actor?: string,
  ): Promise<AbsenceView> {
    const ended = await this.tasks.endStandIn(id, 'absence', actorOf(named, actor));
    return toAbsenceView(ended, await this.tasks.people());
  }
}

async function pageOf(
  tasks: Tasks,
  kind: StoredStandIn['kind'],
  { person, past, before, limit }: Request<typeof requests.listStandIns>,
): Promise<{ page: StoredStandIn[]; next: string | null }> {
  const found = await tasks.findStandIns({ kind, person, before, limit: limit + 1, current: !past });
  const page = found.slice(0, limit);
  return { page, next: found.length > limit ? page.at(-1)!.id : null };
}
