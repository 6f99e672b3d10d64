import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
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
import type { Messaging, Replay } from '@throughline/messaging';
import type { z } from 'zod';
import { openApiSchema } from '../open-api-schema.js';
import { RefusalFilter } from '../refusal.filter.js';
import { MESSAGING } from '../tokens.js';
import { byOf } from '../who.js';
import { ZodPipe } from '../zod-pipe.js';
import * as requests from './requests.js';
import { ReplayListView, ReplayView, toReplayView } from './views.js';

type Request<S extends z.ZodType> = z.infer<S>;

const Actor = ApiHeader({ name: 'x-actor', required: false, description: 'Who does it; or `actor` in the body.' });

/** Reads retained history again, into the consumer of this service. */
@ApiTags('replays')
@ApiBadRequestResponse({ description: 'A field at fault, or nobody named as the actor of a change.' })
@UseFilters(RefusalFilter)
@Controller('v1/replays')
export class ReplaysController {
  constructor(@Inject(MESSAGING) private readonly messaging: Messaging) {}

  @Post()
  @Actor
  @HttpCode(202)
  @ApiOperation({ summary: 'Begin a replay, or a dry run of one. It goes on by itself; ask for it by its id.' })
  @ApiBody({ schema: openApiSchema(requests.startReplay) })
  @ApiAcceptedResponse({ type: ReplayView })
  @ApiNotFoundResponse({ description: 'The consumer does not read such a topic.' })
  @ApiConflictResponse({ description: 'Another one is running, or the consumer cannot be rebuilt as it is.' })
  async start(
    @Body(new ZodPipe(requests.startReplay))
    { dryRun, actor: named, reason, ...request }: Request<typeof requests.startReplay>,
    @Headers('x-actor') actor?: string,
  ): Promise<ReplayView> {
    const { replays } = this.messaging;
    const by = byOf({ actor: named, reason }, actor);
    return this.view(await (dryRun ? replays.startDryRun(request, by) : replays.start(request, by)));
  }

  @Get()
  @ApiOperation({ summary: 'Replays of this service, whichever instance ran them.' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: '1 to 200; default 50.' })
  @ApiOkResponse({ type: ReplayListView })
  async list(
    @Query(new ZodPipe(requests.listReplays)) { limit }: Request<typeof requests.listReplays>,
  ): Promise<ReplayListView> {
    const replays = await this.messaging.replays.list(limit);
    return { service: this.messaging.service, replays: replays.map((replay) => this.view(replay)) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'How far a replay is, what it found, and how long it will take.' })
  @ApiOkResponse({ type: ReplayView })
  @ApiNotFoundResponse({ description: 'No such replay; a dry run is known to the instance that runs it alone.' })
  async get(@Param('id', new ZodPipe(requests.replayId)) id: string): Promise<ReplayView> {
    return this.view(await this.messaging.replays.find(id));
  }

  @Post(':id/cancel')
  @Actor
  @HttpCode(200)
  @ApiOperation({
    summary: 'Stop a replay, soon. What was taken in stays; a rebuild leaves the consumer waiting for another one.',
  })
  @ApiBody({ schema: openApiSchema(requests.cancelReplay) })
  @ApiOkResponse({ type: ReplayView, description: 'As it stands; one that is over stays what it is.' })
  @ApiNotFoundResponse({ description: 'No such replay.' })
  async cancel(
    @Param('id', new ZodPipe(requests.replayId)) id: string,
    @Body(new ZodPipe(requests.cancelReplay)) body: Request<typeof requests.cancelReplay>,
    @Headers('x-actor') actor?: string,
  ): Promise<ReplayView> {
    return this.view(await this.messaging.replays.cancel(id, byOf(body, actor)));
  }

  private view(replay: Replay): ReplayView {
    return toReplayView(this.messaging.service, replay, Date.now());
  }
}
