import { Controller, Get, Inject, Optional, Req, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Messaging } from '@throughline/messaging';
import type { Database } from '@throughline/postgres';
import { answerMetrics } from '@throughline/telemetry/sdk';
import type { Request, Response } from 'express';
import { Lifecycle } from './lifecycle.js';
import { DATABASE, MESSAGING } from './tokens.js';

interface Health {
  status: 'ok';
  messaging?: unknown;
}

/** The database must answer within this time for the service to be ready, in milliseconds. */
const DATABASE_ANSWER_MS = 2_000;

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Lifecycle) private readonly lifecycle: Lifecycle,
    @Optional() @Inject(MESSAGING) private readonly messaging: Messaging | undefined,
  ) {}

  @Get('health/ready')
  @ApiOperation({
    summary: 'Whether this instance can take work: database reachable, consumers joined, not shutting down.',
  })
  async ready(): Promise<Health> {
    const messaging = this.messaging?.health();
    const reasons = [
      ...(this.lifecycle.stopping ? ['shutting down'] : []),
      ...(this.lifecycle.started ? [] : ['still starting']),
      ...(messaging && !messaging.ready ? messaging.reasons : []),
      ...(await this.databaseProblems()),
    ];
    if (reasons.length > 0) throw new ServiceUnavailableException({ status: 'unavailable', reasons, messaging });
    return { status: 'ok', messaging };
  }

  @Get('health/live')
  @ApiOperation({
    summary: 'Whether this instance makes progress; a stuck consumer or worker makes it fail, and a restart is safe.',
  })
  live(): Health {
    const messaging = this.messaging?.health();
    if (messaging && !messaging.live)
      throw new ServiceUnavailableException({ status: 'stuck', reasons: messaging.reasons, messaging });
    return { status: 'ok', messaging };
  }

  @Get('metrics')
  @ApiExcludeEndpoint()
  metrics(@Req() request: Request, @Res() response: Response): void {
    answerMetrics(request, response);
  }

  private async databaseProblems(): Promise<string[]> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${DATABASE_ANSWER_MS} ms`)), DATABASE_ANSWER_MS);
    });
    try {
      await Promise.race([this.database.pool.query('SELECT 1'), limit]);
      return [];
    } catch (error) {
      return [`database: ${(error as Error).message}`];
    } finally {
      clearTimeout(timer);
    }
  }
}
