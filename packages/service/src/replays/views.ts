import { ApiProperty } from '@nestjs/swagger';
import { progressOf, type Replay } from '@throughline/messaging';

const nullable = { type: String, nullable: true } as const;
const counted = {
  type: 'object' as const,
  properties: { new: { type: 'integer' as const }, known: { type: 'integer' as const } },
};

export class ReplayView {
  @ApiProperty({ description: 'Of a dry run, known to the instance that runs it alone.' }) id!: string;
  @ApiProperty() service!: string;
  @ApiProperty({ enum: ['missed', 'rebuild'] }) mode!: string;
  @ApiProperty({ description: 'Counts and takes in nothing.' }) dryRun!: boolean;
  @ApiProperty({ enum: ['running', 'done', 'cancelled', 'failed'] }) status!: string;
  @ApiProperty(nullable) topic!: string | null;
  @ApiProperty({ type: Number, nullable: true }) partition!: number | null;
  @ApiProperty(nullable) from!: string | null;
  @ApiProperty(nullable) to!: string | null;
  @ApiProperty(nullable) key!: string | null;
  @ApiProperty(nullable) type!: string | null;
  @ApiProperty({ description: 'Records to read.' }) recordsTotal!: number;
  @ApiProperty({ description: 'Records read so far.' }) recordsRead!: number;
  @ApiProperty({ type: Number, nullable: true, description: 'At the speed so far; null where that is not known.' })
  remainingMs!: number | null;
  @ApiProperty({ description: 'Of another key or type, or of a type without a route.' }) passedOver!: number;
  @ApiProperty({
    type: 'object',
    additionalProperties: counted,
    description: 'By type: new is taken in, or would be; known was skipped. Records that cannot be read: (unreadable).',
  })
  types!: Record<string, { new: number; known: number }>;
  @ApiProperty() actor!: string;
  @ApiProperty() reason!: string;
  @ApiProperty(nullable) cancelledBy!: string | null;
  @ApiProperty(nullable) cancelReason!: string | null;
  @ApiProperty(nullable) errorCode!: string | null;
  @ApiProperty(nullable) errorMessage!: string | null;
  @ApiProperty({ format: 'date-time' }) startedAt!: string;
  @ApiProperty({ ...nullable, format: 'date-time' }) endedAt!: string | null;
}

export class ReplayListView {
  @ApiProperty() service!: string;
  @ApiProperty({ type: [ReplayView], description: 'The newest first; dry runs are not recorded.' })
  replays!: ReplayView[];
}

export function toReplayView(service: string, replay: Replay, nowMs: number): ReplayView {
  const { request, counts, cancelled, error, endedAt } = replay;
  const { total, read } = progressOf(replay.ranges);
  const elapsedMs = nowMs - replay.startedAt.getTime();
  return {
    id: replay.id,
    service,
    mode: request.mode,
    dryRun: replay.dryRun,
    status: replay.status,
    topic: request.topic ?? null,
    partition: request.partition ?? null,
    from: request.from ?? null,
    to: request.to ?? null,
    key: request.key ?? null,
    type: request.type ?? null,
    recordsTotal: total,
    recordsRead: read,
    remainingMs: endedAt ? 0 : read > 0 ? Math.round((elapsedMs / read) * (total - read)) : null,
    passedOver: counts.passedOver,
    types: counts.types,
    actor: replay.by.actor,
    reason: replay.by.reason,
    cancelledBy: cancelled?.actor ?? null,
    cancelReason: cancelled?.reason ?? null,
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
    startedAt: replay.startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}
