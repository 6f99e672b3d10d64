import { BadRequestException, Body, ConflictException, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import { ServerClock, type Database } from '@throughline/postgres';
import { differenceKinds, statuses, type Course, type DifferenceKind, type Status } from '@throughline/process';
import { ProcessRunner } from '@throughline/process/postgres';
import { DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import { parse } from 'yaml';
import { z } from 'zod';
import { RULES, type Rules } from '../load-rules.js';
import { readCandidate, runBacktest, whyNotStarted, type Candidate } from './backtest.js';
import { summarise, type Comparison, type Summary } from './summarise.js';

const backtestRequest = z.strictObject({
  candidate: z.string().min(1).max(200_000).describe('A process definition or a policy, as YAML.'),
  since: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], {
      error: 'must be a day or a moment, for example 2026-10-01 or 2026-10-01T08:00:00Z',
    })
    .describe('Only instances that started since then.'),
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'must be a number')
    .default('0')
    .describe('`next` of the answer before.'),
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Until when time passes for instances that are still open: `at` of the answer before. Default: now.'),
  limit: z.number().int().min(1).max(100_000).default(10_000).describe('Instances looked at, the oldest first.'),
  differences: z.number().int().min(0).max(10_000).default(1_000).describe('Differing instances told one by one.'),
});
type BacktestRequest = z.infer<typeof backtestRequest>;

class CourseView implements Course {
  @ApiProperty({ enum: statuses }) status!: Status;
  @ApiProperty({ type: [String], description: 'Steps done, in order.' }) path!: string[];
  @ApiProperty({ type: [String], description: 'Checkpoints at which a person was asked.' }) approvals!: string[];
  @ApiProperty({
    type: Object,
    additionalProperties: { type: 'string' },
    description: 'By checkpoint: rule and outputs of its policy, as JSON.',
  })
  terms!: Record<string, string>;
  @ApiProperty({ type: [String] }) commands!: string[];
  @ApiProperty({ type: [String], description: 'Promises broken, and what was late.' }) breaches!: string[];
}

class ComparisonView implements Comparison {
  @ApiProperty({ description: 'Of the instance.' }) id!: string;
  @ApiProperty() process!: string;
  @ApiProperty() version!: number;
  @ApiProperty() key!: string;
  @ApiProperty() occurrence!: number;
  @ApiProperty({ type: String, nullable: true }) amount!: string | null;
  @ApiProperty({ type: String, nullable: true }) currency!: string | null;
  @ApiProperty({ enum: differenceKinds, isArray: true }) differs!: DifferenceKind[];
  @ApiProperty({ type: CourseView }) was!: CourseView;
  @ApiProperty({ type: CourseView }) would!: CourseView;
  @ApiProperty({ type: [String], description: 'Nobody was asked there then: taken as approved.' }) assumed!: string[];
  @ApiProperty({ type: String, nullable: true, description: 'Why it could not be compared.' })
  blocked!: string | null;
}

class CandidateView implements Pick<Candidate, 'kind' | 'name' | 'version' | 'baseline'> {
  @ApiProperty({ enum: ['process', 'policy'] }) kind!: 'process' | 'policy';
  @ApiProperty() name!: string;
  @ApiProperty() version!: number;
  @ApiProperty({
    enum: ['recorded', 'in force'],
    description: 'What it is compared with: what happened, or the rules in force.',
  })
  baseline!: 'recorded' | 'in force';
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Why a start with it would be refused: its version is kept with other content, and must be raised.',
  })
  refusedAtStart!: string | null;
}

class BacktestView {
  @ApiProperty({ type: CandidateView }) candidate!: CandidateView;
  @ApiProperty({ format: 'date-time' }) since!: string;
  @ApiProperty({ format: 'date-time', description: 'Until when time passed for instances that are still open.' })
  at!: string;
  @ApiProperty({ description: 'More instances started since then than were looked at.' }) isCutShort!: boolean;
  @ApiProperty({ type: String, nullable: true, description: 'Where to go on, as `after`; null where that was all.' })
  next!: string | null;
  @ApiProperty({ type: Object, additionalProperties: true, description: 'Counts and sums of what would change.' })
  summary!: Summary;
  @ApiProperty({ type: [ComparisonView], description: 'Those that would differ, or could not be compared.' })
  differences!: ComparisonView[];
}

@ApiTags('processes')
@Controller('v1/backtests')
export class BacktestsController {
  private isRunning = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RULES) private readonly rules: Rules,
    private readonly runner: ProcessRunner,
    private readonly clock: ServerClock,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'What recorded instances would have become by a candidate policy or process; changes nothing.',
  })
  @ApiBody({ schema: openApiSchema(backtestRequest) })
  @ApiOkResponse({ type: BacktestView })
  @ApiBadRequestResponse({ description: 'The candidate cannot be used; every problem is named.' })
  @ApiConflictResponse({ description: 'This instance of the service runs one already.' })
  async run(@Body(new ZodPipe(backtestRequest)) request: BacktestRequest): Promise<BacktestView> {
    const candidate = this.read(request.candidate);
    const since = new Date(request.since);
    if (this.isRunning)
      throw new ConflictException({
        code: 'BACKTEST_RUNNING',
        message: 'A backtest is running here; ask again when it has ended.',
      });
    this.isRunning = true;
    try {
      const { after, limit } = request;
      const now = request.at === undefined ? this.clock.now() : new Date(request.at);
      const { comparisons, next } = await runBacktest({ database: this.database, runner: this.runner }, candidate, {
        since,
        after,
        limit,
        now,
      });
      const told = comparisons.filter(({ differs, blocked }) => differs.length > 0 || blocked !== null);
      return {
        candidate: {
          kind: candidate.kind,
          name: candidate.name,
          version: candidate.version,
          baseline: candidate.baseline,
          refusedAtStart: (await whyNotStarted({ database: this.database, runner: this.runner }, candidate)) ?? null,
        },
        since: since.toISOString(),
        at: now.toISOString(),
        isCutShort: next !== null,
        next,
        summary: summarise(comparisons),
        differences: told.slice(0, request.differences),
      };
    } finally {
      this.isRunning = false;
    }
  }

  private read(text: string): Candidate {
    try {
      return readCandidate(parse(text), this.rules);
    } catch (error) {
      throw new BadRequestException({ code: 'CANDIDATE_INVALID', message: (error as Error).message });
    }
  }
}
