import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Optional,
  Param,
  Patch,
  Post,
  Query,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import {
  groupStatuses,
  letterStatuses,
  releaseStatuses,
  type DeadLetters,
  type Messaging,
  type Selection,
} from '@throughline/messaging';
import type { z } from 'zod';
import type { ServiceConfig } from '../config.js';
import { openApiSchema } from '../open-api-schema.js';
import { RefusalFilter } from '../refusal.filter.js';
import { CONFIG, MESSAGING } from '../tokens.js';
import { byOf } from '../who.js';
import { ZodPipe } from '../zod-pipe.js';
import * as requests from './requests.js';
import { toAuditEntryView, toGroupView, toLetterSummaryView, toLetterView, toReleaseView } from './to-view.js';
import {
  AuditView,
  GroupListView,
  GroupView,
  LetterListView,
  LetterView,
  MovedView,
  PreviewView,
  ReleaseListView,
  ReleaseView,
} from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;

const Actor = ApiHeader({ name: 'x-actor', required: false, description: 'Who does it; or `actor` in the body.' });
const Page = ApiQuery({ name: 'before', required: false, description: '`next` of the page before.' });
const Limit = ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' });

/** What this service gave up on: to find, understand, try again, correct or put aside. */
@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'A field at fault, or nobody named as the actor of a change.' })
@UseFilters(RefusalFilter)
@Controller('v1/dead-letters')
export class DeadLettersController {
  private readonly deadLetters: DeadLetters;

  constructor(
    @Inject(MESSAGING) private readonly messaging: Messaging,
    @Optional() @Inject(CONFIG) private readonly config: Partial<ServiceConfig> = {},
  ) {
    this.deadLetters = messaging.deadLetters;
  }

  @Get()
  @ApiOperation({ summary: 'Letters that meet every condition given.' })
  @ApiQuery({ name: 'group', required: false, description: 'Fingerprint.' })
  @ApiQuery({ name: 'status', required: false, enum: letterStatuses })
  @ApiQuery({ name: 'type', required: false })
  @ApiQuery({ name: 'key', required: false, description: 'Of the message.' })
  @ApiQuery({ name: 'code', required: false, description: 'Of the error.' })
  @ApiQuery({ name: 'since', required: false, description: 'Last failure at or after, ISO 8601.' })
  @ApiQuery({ name: 'until', required: false, description: 'Last failure before, ISO 8601.' })
  @Page
  @Limit
  @ApiOkResponse({ type: LetterListView })
  async list(
    @Query(new ZodPipe(requests.listLetters)) query: Request<typeof requests.listLetters>,
  ): Promise<LetterListView> {
    const found = await this.deadLetters.findLetters({ ...query, limit: query.limit + 1 });
    const { page, more } = pageOf(found, query.limit);
    const letters = page.map((letter) => toLetterSummaryView(letter, this.config.TRACE_VIEWER_URL));
    return { service: this.messaging.service, letters, next: more ? page.at(-1)!.id : null };
  }

  @Get('groups')
  @ApiOperation({ summary: 'Letters grouped by defect, with who looks after it.' })
  @ApiQuery({ name: 'status', required: false, enum: groupStatuses })
  @ApiQuery({ name: 'owner', required: false })
  @Page
  @Limit
  @ApiOkResponse({ type: GroupListView })
  async listGroups(
    @Query(new ZodPipe(requests.listGroups)) query: Request<typeof requests.listGroups>,
  ): Promise<GroupListView> {
    const { page, more } = pageOf(await this.deadLetters.findGroups({ ...query, limit: query.limit + 1 }), query.limit);
    const groups = page.map(toGroupView);
    return { service: this.messaging.service, groups, next: more ? groups.at(-1)!.fingerprint : null };
  }

  @Get('groups/:fingerprint')
  @ApiOperation({ summary: 'One group.' })
  @ApiOkResponse({ type: GroupView })
  @ApiNotFoundResponse({ description: 'No such group.' })
  async getGroup(@Param('fingerprint', new ZodPipe(requests.fingerprint)) fingerprint: string): Promise<GroupView> {
    return toGroupView(await this.deadLetters.readGroup(fingerprint));
  }

  @Patch('groups/:fingerprint')
  @Actor
  @ApiOperation({ summary: 'Set who looks after a group, where it stands, and what is known of it.' })
  @ApiBody({ schema: openApiSchema(requests.changeGroup) })
  @ApiOkResponse({ type: GroupView })
  @ApiNotFoundResponse({ description: 'No such group.' })
  async changeGroup(
    @Param('fingerprint', new ZodPipe(requests.fingerprint)) fingerprint: string,
    @Body(new ZodPipe(requests.changeGroup)) { status, owner, notes, ...who }: Request<typeof requests.changeGroup>,
    @Headers('x-actor') actor?: string,
  ): Promise<GroupView> {
    const change = {
      ...(status && { status }),
      ...(owner !== undefined && { owner }),
      ...(notes !== undefined && { notes }),
    };
    return toGroupView(await this.deadLetters.changeGroup(fingerprint, change, byOf(who, actor)));
  }

  @Post('retry')
  @Actor
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Put letters back into the queue, at their old place and under their old id; what happened already does not happen again.',
  })
  @ApiBody({ schema: openApiSchema(requests.moveLetters) })
  @ApiOkResponse({ type: MovedView, description: 'Back in the queue; their status says how they fare.' })
  @ApiNotFoundResponse({ description: 'No such letter or group.' })
  @ApiConflictResponse({ description: 'None of them can be retried as it is.' })
  retry(
    @Body(new ZodPipe(requests.moveLetters)) body: Request<typeof requests.moveLetters>,
    @Headers('x-actor') actor?: string,
  ): Promise<MovedView> {
    return this.deadLetters.retry(selectionOf(body), byOf(body, actor));
  }

  @Post('archive')
  @Actor
  @HttpCode(200)
  @ApiOperation({
    summary: 'Put letters, or a group with its letters, aside. Keys that waited for them go on without them.',
  })
  @ApiBody({ schema: openApiSchema(requests.moveLetters) })
  @ApiOkResponse({ type: MovedView })
  @ApiNotFoundResponse({ description: 'No such letter or group.' })
  @ApiConflictResponse({ description: 'None of them can be archived as it is.' })
  archive(
    @Body(new ZodPipe(requests.moveLetters)) body: Request<typeof requests.moveLetters>,
    @Headers('x-actor') actor?: string,
  ): Promise<MovedView> {
    return this.deadLetters.archive(selectionOf(body), byOf(body, actor));
  }

  @Post('restore')
  @Actor
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take archived letters, or a group with its letters, out again. Keys that went on are not held again.',
  })
  @ApiBody({ schema: openApiSchema(requests.moveLetters) })
  @ApiOkResponse({ type: MovedView })
  @ApiNotFoundResponse({ description: 'No such letter or group.' })
  @ApiConflictResponse({ description: 'None of them is archived.' })
  restore(
    @Body(new ZodPipe(requests.moveLetters)) body: Request<typeof requests.moveLetters>,
    @Headers('x-actor') actor?: string,
  ): Promise<MovedView> {
    return this.deadLetters.restore(selectionOf(body), byOf(body, actor));
  }

  @Get('releases')
  @ApiOperation({ summary: 'Staged releases.' })
  @ApiQuery({ name: 'status', required: false, enum: releaseStatuses })
  @Page
  @Limit
  @ApiOkResponse({ type: ReleaseListView })
  async listReleases(
    @Query(new ZodPipe(requests.listReleases)) query: Request<typeof requests.listReleases>,
  ): Promise<ReleaseListView> {
    const { page, more } = pageOf(
      await this.deadLetters.findReleases({ ...query, limit: query.limit + 1 }),
      query.limit,
    );
    return { service: this.messaging.service, releases: page.map(toReleaseView), next: more ? page.at(-1)!.id : null };
  }

  @Post('releases')
  @Actor
  @ApiOperation({
    summary:
      'Put letters back in stages: one, a tenth, all. It stops by itself when one dies again or the defect strikes anew.',
  })
  @ApiBody({ schema: openApiSchema(requests.moveLetters) })
  @ApiCreatedResponse({ type: ReleaseView })
  @ApiNotFoundResponse({ description: 'No such letter or group.' })
  @ApiConflictResponse({ description: 'Nothing to release, or another release has one of the letters.' })
  async release(
    @Body(new ZodPipe(requests.moveLetters)) body: Request<typeof requests.moveLetters>,
    @Headers('x-actor') actor?: string,
  ): Promise<ReleaseView> {
    return toReleaseView(await this.deadLetters.release(selectionOf(body), byOf(body, actor)));
  }

  @Get('releases/:id')
  @ApiOperation({ summary: 'How far a release has come.' })
  @ApiOkResponse({ type: ReleaseView })
  @ApiNotFoundResponse({ description: 'No such release.' })
  async getRelease(@Param('id', new ZodPipe(requests.id)) id: string): Promise<ReleaseView> {
    return toReleaseView(await this.deadLetters.readRelease(id));
  }

  @Post('releases/:id/cancel')
  @Actor
  @HttpCode(200)
  @ApiOperation({ summary: 'Put nothing more back. What was put back goes on.' })
  @ApiBody({ schema: openApiSchema(requests.cancelRelease) })
  @ApiOkResponse({ type: ReleaseView })
  @ApiNotFoundResponse({ description: 'No such release.' })
  @ApiConflictResponse({ description: 'It has ended.' })
  async cancelRelease(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.cancelRelease)) body: Request<typeof requests.cancelRelease>,
    @Headers('x-actor') actor?: string,
  ): Promise<ReleaseView> {
    return toReleaseView(await this.deadLetters.cancelRelease(id, byOf(body, actor)));
  }

  @Get('audit')
  @ApiOperation({ summary: 'Every action on dead letters and replays: who, when, why, before and after.' })
  @ApiQuery({
    name: 'target',
    required: false,
    description: '`letter:<id>`, `group:<fingerprint>`, `release:<id>` or `replay:<id>`.',
  })
  @ApiQuery({ name: 'actor', required: false })
  @Page
  @Limit
  @ApiOkResponse({ type: AuditView })
  async audit(
    @Query(new ZodPipe(requests.listAudit)) { target, actor, before, limit }: Request<typeof requests.listAudit>,
  ): Promise<AuditView> {
    const [targetType, targetId] = (target?.split(':') ?? []) as [
      'letter' | 'group' | 'release' | 'replay' | undefined,
      string?,
    ];
    const found = await this.deadLetters.findAudit({ targetType, targetId, actor, before, limit: limit + 1 });
    const { page, more } = pageOf(found, limit);
    return {
      service: this.messaging.service,
      entries: page.map(toAuditEntryView),
      next: more ? page.at(-1)!.id : null,
    };
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Everything that is kept of a letter: where from, what it carried, how it failed, how it was edited.',
  })
  @ApiParam({ name: 'id', description: 'Number of the letter.' })
  @ApiOkResponse({ type: LetterView })
  @ApiNotFoundResponse({ description: 'No such letter.' })
  async get(@Param('id', new ZodPipe(requests.id)) id: string): Promise<LetterView> {
    return toLetterView(this.messaging.service, await this.deadLetters.readLetter(id), this.config.TRACE_VIEWER_URL);
  }

  @Post(':id/preview')
  @HttpCode(200)
  @ApiOperation({
    summary: 'What a retry would do now, with this edit if one is given. Nothing leaves, nothing is written.',
  })
  @ApiBody({ schema: openApiSchema(requests.previewLetter), required: false })
  @ApiOkResponse({ type: PreviewView })
  @ApiNotFoundResponse({ description: 'No such letter.' })
  preview(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.previewLetter)) edit: Request<typeof requests.previewLetter>,
  ): Promise<PreviewView> {
    return this.deadLetters.preview(id, Object.keys(edit).length > 0 ? edit : undefined);
  }

  @Patch(':id')
  @Actor
  @ApiOperation({
    summary:
      'Correct what a letter carries, checked against its schema. The original is kept; a retry is a step of its own.',
    description: 'With the version that was seen, nothing is stored where somebody has changed the letter since.',
  })
  @ApiBody({ schema: openApiSchema(requests.editLetter) })
  @ApiOkResponse({ type: LetterView })
  @ApiNotFoundResponse({ description: 'No such letter.' })
  @ApiConflictResponse({ description: 'It does not wait for a person, or somebody has changed it since.' })
  async edit(
    @Param('id', new ZodPipe(requests.id)) id: string,
    @Body(new ZodPipe(requests.editLetter))
    { actor: named, reason, version, ...edit }: Request<typeof requests.editLetter>,
    @Headers('x-actor') actor?: string,
  ): Promise<LetterView> {
    const letter = await this.deadLetters.edit(id, edit, byOf({ actor: named, reason }, actor), version);
    return toLetterView(this.messaging.service, letter, this.config.TRACE_VIEWER_URL);
  }
}

function selectionOf({ ids, group }: { ids?: string[] | undefined; group?: string | undefined }): Selection {
  return group === undefined ? { ids: ids! } : { group };
}

function pageOf<T>(found: T[], limit: number): { page: T[]; more: boolean } {
  return { page: found.slice(0, limit), more: found.length > limit };
}
