import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import type { RefusalReason } from '@throughline/contracts';
import type { Database } from '@throughline/postgres';
import { findOccurrences, ProcessRunner, type StoredInstance } from '@throughline/process/postgres';
import { DATABASE, openApiSchema, ZodPipe } from '@throughline/service';
import { logger } from '@throughline/telemetry';
import {
  opportunityRequest,
  validateOpportunity,
  type Approval,
  type OpportunityRequest,
  type Unchecked,
  type Validation,
} from './validate-opportunity.js';

const log = logger('validations');

/** What the database may add to the time a person waits. */
const LOOK_UP_LIMIT_MS = 20;

class ApprovalView implements Approval {
  @ApiProperty({ example: 'credit-approval' }) checkpoint!: string;
  @ApiProperty({ type: [String], description: 'Who may decide.', example: ['credit-controller'] }) roles!: string[];
  @ApiProperty({ type: String, nullable: true, description: 'By when, from then on.', example: '4 business hours' })
  due!: string | null;
  @ApiProperty({ description: 'Whether two people have to agree.' }) fourEyes!: boolean;
  @ApiProperty() policy!: string;
  @ApiProperty() version!: number;
  @ApiProperty({ description: 'The rule of the policy that says so.', example: 'above-the-limit' }) rule!: string;
  @ApiProperty({ description: 'Why, for a person.' }) reason!: string;
}

class RefusalView {
  @ApiProperty({ type: String, description: 'Stable code of the refusal.', example: 'total-mismatch' })
  reason!: RefusalReason;
  @ApiProperty({ description: 'Path of the field that caused it.', example: 'totalAmount' }) field!: string;
  @ApiProperty({ description: 'What is wrong and what to do, for a person.' }) message!: string;
}

class UncheckedView implements Unchecked {
  @ApiProperty({ example: 'already-started' }) check!: string;
  @ApiProperty({ description: 'Why it could not be told, and what that means.' }) message!: string;
}

class StartedView {
  @ApiProperty() process!: string;
  @ApiProperty() occurrence!: number;
  @ApiProperty({ example: 'running' }) status!: string;
}

class ValidationView implements Validation {
  @ApiProperty({
    enum: ['passes', 'needs-approval', 'refused'],
    description: 'Never "passes" while a checkpoint could not be told.',
  })
  outcome!: Validation['outcome'];
  @ApiProperty({ type: [ApprovalView] }) approvals!: ApprovalView[];
  @ApiProperty({ type: [RefusalView], description: 'The most basic first.' }) refusals!: RefusalView[];
  @ApiProperty({
    type: Object,
    additionalProperties: { type: 'number' },
    description: 'Version of every policy that was asked.',
    example: { 'credit-approval': 1 },
  })
  policyVersions!: Record<string, number>;
  @ApiProperty({ type: [StartedView], description: 'What was started for this opportunity before, if it was named.' })
  started!: StartedView[];
  @ApiProperty({ type: [UncheckedView], description: 'What could not be told. Empty where everything was.' })
  degraded!: UncheckedView[];
}

@ApiTags('validations')
@Controller('v1/validations')
export class ValidationsController {
  /** Look-ups that did not answer in time and have not answered since: while there is one, nobody else waits for the database. */
  private late = 0;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly runner: ProcessRunner,
  ) {}

  @Post('opportunity')
  @HttpCode(200)
  @ApiOperation({
    summary: 'What would happen if this deal closed now: passes, needs which approvals, or is refused, and why.',
    description:
      'The same rules and policies as for a deal that closes; nothing is started and nothing is kept. It needs no other system: ' +
      'while the database is away, only `started` is missing, and `degraded` says so.',
  })
  @ApiBody({ schema: openApiSchema(opportunityRequest) })
  @ApiOkResponse({ type: ValidationView })
  @ApiBadRequestResponse({ description: 'Malformed; names every field at fault.' })
  @ApiPayloadTooLargeResponse({ description: 'More than 1 MB.' })
  async opportunity(@Body(new ZodPipe(opportunityRequest)) request: OpportunityRequest): Promise<ValidationView> {
    const processes = this.runner.startedBy('OpportunityClosedWon');
    const validation = validateOpportunity(processes, request, new Date());
    const { opportunityId } = request;
    if (!opportunityId) return { ...validation, started: [] };
    const found = await this.lookUp(async () => {
      const ofEach = processes.map(({ name: process }) =>
        findOccurrences(this.database, { process, id: opportunityId, externalType: 'deal' }),
      );
      return (await Promise.all(ofEach)).flat();
    });
    if (found) return { ...validation, started: found.map(toStartedView) };
    const message = 'The database does not answer: whether this deal was started before is not known. The rest stands.';
    return { ...validation, started: [], degraded: [...validation.degraded, { check: 'already-started', message }] };
  }

  /** Undefined where the database does not answer within the time that a person can be kept waiting. */
  private async lookUp<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.late > 0) return undefined;
    const answer = ask().catch((error: unknown) => {
      log.warn({ err: error }, 'the database does not answer; validations go on without it');
      return undefined;
    });
    const late = Symbol('late');
    const limit = Promise.withResolvers<typeof late>();
    const timeout = setTimeout(() => limit.resolve(late), LOOK_UP_LIMIT_MS);
    const found = await Promise.race([answer, limit.promise]);
    clearTimeout(timeout);
    if (found !== late) return found;
    this.late += 1;
    void answer.finally(() => (this.late -= 1));
    return undefined;
  }
}

const toStartedView = ({ process, occurrence, status }: StoredInstance): StartedView => ({
  process,
  occurrence,
  status,
});
