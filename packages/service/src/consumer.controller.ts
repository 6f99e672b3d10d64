import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Messaging } from '@throughline/messaging';
import { MESSAGING } from './tokens.js';

class PartitionView {
  @ApiProperty() topic!: string;
  @ApiProperty() partition!: number;
  @ApiProperty({ description: 'Records between what was taken in and the end.' }) lagMessages!: number;
  @ApiProperty({ description: 'Age of the oldest record not taken in yet; 0 at the end.' }) lagSeconds!: number;
  @ApiProperty({ description: 'It stands still because too much work waits.' }) paused!: boolean;
  @ApiProperty({
    description: 'Its broker does not say where it ends: the figures are as they were seen last.',
    required: false,
  })
  unknown?: boolean;
  @ApiProperty({
    description: 'From this offset on Kafka serves nothing: it seems damaged, and waits.',
    required: false,
  })
  refusedAt?: string;
}

class DependencyView {
  @ApiProperty({ description: 'The system that is called; "state" is what waits parked of our own.' })
  dependency!: string;
  @ApiProperty({ description: 'Rows that wait or run, without those behind held keys.' }) pending!: number;
  @ApiProperty({ description: 'Keys that wait behind a message that failed and is tried again.' }) parkedKeys!: number;
  @ApiProperty({ description: 'Since the first failure of the one that has waited longest.' }) parkedSeconds!: number;
  @ApiProperty({ description: 'Keys that wait for a dead letter to be put back or let go.' }) heldKeys!: number;
  @ApiProperty({ description: 'It is down: its work waits, and it is probed.' }) paused!: boolean;
}

export class ConsumerView {
  @ApiProperty() service!: string;
  @ApiProperty({ description: 'The name in the inbox, and of the Kafka group.' }) consumer!: string;
  @ApiProperty({ type: [String] }) topics!: string[];
  @ApiProperty({ description: 'In the group, and nothing it needs is away.' }) ready!: boolean;
  @ApiProperty({ type: [String] }) reasons!: string[];
  @ApiProperty({ type: [PartitionView], description: 'Those this instance reads.' }) partitions!: PartitionView[];
  @ApiProperty({ type: [DependencyView], description: 'Of all instances.' }) work!: DependencyView[];
  @ApiProperty({ description: 'Dead letters that wait for a person.' }) deadLetters!: number;
  @ApiProperty({ type: String, nullable: true, description: 'The rebuild that has the consumer to itself.' })
  rebuild!: string | null;
}

@ApiTags('consumer')
@Controller('v1/consumer')
export class ConsumerController {
  constructor(@Inject(MESSAGING) private readonly messaging: Messaging) {}

  @Get()
  @ApiOperation({ summary: 'What this instance reads and how far it is behind, and what waits in the service.' })
  @ApiOkResponse({ type: ConsumerView })
  async get(): Promise<ConsumerView> {
    const { messaging } = this;
    const { ready, reasons, group, partitions, work } = messaging.health();
    const [deadLetters, rebuild] = await Promise.all([
      messaging.deadLetters.countWaiting(),
      messaging.replays.rebuilding(),
    ]);
    return {
      service: messaging.service,
      consumer: group,
      topics: messaging.replays.topics,
      ready,
      reasons,
      partitions,
      work: Object.entries(work).map(([dependency, { pending, parkedKeys, parkedSeconds, heldKeys, paused }]) => {
        return { dependency, pending, parkedKeys, parkedSeconds, heldKeys, paused };
      }),
      deadLetters,
      rebuild: rebuild ?? null,
    };
  }
}
