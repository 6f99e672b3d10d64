import { Body, Controller, Delete, Get, HttpCode, Inject, Put } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { openApiSchema, ZodPipe } from '@throughline/service';
import { z } from 'zod';

import { faultPlan } from './fault.js';
import { FaultBox } from './fault-box.js';

type FaultPlan = z.infer<typeof faultPlan>;

@ApiTags('faults')
@Controller('sandbox/faults')
export class FaultsController {
  constructor(@Inject(FaultBox) private readonly faults: FaultBox) {}

  @Get()
  @ApiOperation({ summary: 'The faults in force, each with how often it has fired.' })
  @ApiResponse({ status: 200, description: 'The plan; `fired` counts since it was put.' })
  list(): ReturnType<FaultBox['describe']> {
    return this.faults.describe();
  }

  @Put()
  @ApiOperation({
    summary: 'Replaces all faults.',
    description:
      'Of several that match a request the first that fires strikes; webhook faults combine. Decisions depend on the seed, the place in the list and the number of the match alone.',
  })
  @ApiBody({ schema: openApiSchema(faultPlan) })
  async replace(@Body(new ZodPipe<FaultPlan>(faultPlan)) plan: FaultPlan): Promise<ReturnType<FaultBox['describe']>> {
    await this.faults.replace(plan.seed, plan.faults);
    return this.faults.describe();
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Removes all faults. Effects that are still to come (timeout-then-apply) come all the same.',
  })
  async clear(): Promise<void> {
    await this.faults.replace(1, []);
  }
}
