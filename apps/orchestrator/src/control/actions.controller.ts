import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { findAudit, type StoredAction } from '@throughline/process/postgres';
import { byOf, DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import type { z } from 'zod';
import { ProcessRefusalFilter } from '../process-refusal.filter.js';
import { InstanceActions, type Meant } from './instance-actions.js';
import * as requests from './requests.js';
import {
  ActionListView,
  ActionPreviewView,
  ActionView,
  ActionAuditView,
  toActionSummaryView,
  toAuditEntryView,
} from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;

const Actor = ApiHeader({ name: 'x-actor', required: false, description: 'Who does it; or `actor` in the body.' });

@ApiTags('actions')
@Controller('v1')
@UseFilters(ProcessRefusalFilter)
export class ActionsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly actions: InstanceActions,
  ) {}

  @Post('actions/preview')
  @HttpCode(200)
  @ApiOperation({ summary: 'What an action would do to each instance now. Nothing is written, nothing is sent.' })
  @ApiBody({ schema: openApiSchema(requests.previewAction) })
  @ApiOkResponse({ type: ActionPreviewView })
  @ApiBadRequestResponse({ description: 'Not an action, or too many instances.' })
  preview(
    @Body(new ZodPipe(requests.previewAction)) body: Request<typeof requests.previewAction>,
  ): Promise<ActionPreviewView> {
    return this.actions.preview(body, meantBy(body), body.limit);
  }

  @Post('actions')
  @Actor
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Pause, resume, retry, skip, cancel, keep or repair instances, or acknowledge what came at the wrong moment. Each is done or refused by itself, in bounded transactions.',
  })
  @ApiBody({ schema: openApiSchema(requests.requestAction) })
  @ApiOkResponse({ type: ActionView, description: 'As it stands after two seconds at most; what is pending goes on.' })
  @ApiBadRequestResponse({ description: 'Not an action, nobody who does it, or too many instances.' })
  @ApiConflictResponse({ description: 'The id belongs to another action.' })
  async request(
    @Body(new ZodPipe(requests.requestAction)) body: Request<typeof requests.requestAction>,
    @Headers('x-actor') actor?: string,
  ): Promise<ActionView> {
    const { id, action } = body;
    return this.view(await this.actions.request({ id, action, ...byOf(body, actor) }, body, meantBy(body)));
  }

  @Get('actions')
  @ApiOperation({ summary: 'Actions, the newest first.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' })
  @ApiOkResponse({ type: ActionListView })
  async list(
    @Query(new ZodPipe(requests.listActions)) { limit }: Request<typeof requests.listActions>,
  ): Promise<ActionListView> {
    return { actions: (await this.actions.list(limit)).map(toActionSummaryView) };
  }

  @Get('actions/:id')
  @ApiOperation({ summary: 'How far an action is, and what became of each instance.' })
  @ApiOkResponse({ type: ActionView })
  @ApiNotFoundResponse({ description: 'No such action.' })
  async get(@Param('id', new ZodPipe(requests.actionId)) id: string): Promise<ActionView> {
    return this.view(await this.actions.read(id));
  }

  @Post('actions/:id/stop')
  @Actor
  @HttpCode(200)
  @ApiOperation({ summary: 'Do nothing more of an action. What was done stays, and what is pending was not done.' })
  @ApiBody({ schema: openApiSchema(requests.stopAction) })
  @ApiOkResponse({ type: ActionView, description: 'As it stands; one that is over stays what it is.' })
  @ApiNotFoundResponse({ description: 'No such action.' })
  async stop(
    @Param('id', new ZodPipe(requests.actionId)) id: string,
    @Body(new ZodPipe(requests.stopAction)) body: Request<typeof requests.stopAction>,
    @Headers('x-actor') actor?: string,
  ): Promise<ActionView> {
    return this.view(await this.actions.stop(id, byOf(body, actor)));
  }

  @Get('audit')
  @ApiOperation({
    summary: 'What people did to instances: who, when, why, and what was before and after. Kept for good.',
  })
  @ApiQuery({ name: 'instance', required: false, description: 'Only what was done to this one.' })
  @ApiQuery({ name: 'action', required: false, description: 'Only what this action did.' })
  @ApiQuery({ name: 'actor', required: false, description: 'Only what this one did.' })
  @ApiQuery({ name: 'outcome', required: false, enum: ['done', 'refused'] })
  @ApiQuery({ name: 'before', required: false, description: '`next` of the page before.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' })
  @ApiOkResponse({ type: ActionAuditView })
  async audit(
    @Query(new ZodPipe(requests.listAudit)) query: Request<typeof requests.listAudit>,
  ): Promise<ActionAuditView> {
    const { instance: instanceId, action: actionId, limit, ...same } = query;
    const found = await findAudit(this.database, { instanceId, actionId, ...same }, limit + 1);
    const page = found.slice(0, limit);
    return { entries: page.map(toAuditEntryView), next: found.length > limit ? page.at(-1)!.id : null };
  }

  private async view(action: StoredAction): Promise<ActionView> {
    return {
      ...toActionSummaryView(action),
      results: (await this.actions.results(action.id)).map(toAuditEntryView),
    };
  }
}

type Selection = Pick<Request<typeof requests.previewAction>, 'ids' | 'filter' | 'seen'>;
function meantBy({ ids, filter, seen }: Selection): Meant {
  if (seen) return { seen };
  return ids ? { ids } : { filter: filter ?? {} };
}
