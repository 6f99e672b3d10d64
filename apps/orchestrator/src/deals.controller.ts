import { Controller, Get, Inject, NotFoundException, Param } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { findCorrelated, findOccurrences, readHistory, ProcessRunner } from '@throughline/process/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import { InstanceSummaryView, InstanceView } from './instance-view.js';
import { toInstanceView, toSummaryView } from './to-instance-view.js';

/** Instances of other processes that are shown with a deal. */
const LINKED_MAX = 200;

const dealId = z.string().min(1).max(200);

class DealView {
  @ApiProperty({ format: 'uuid' }) opportunityId!: string;
  @ApiProperty({ type: [InstanceView], description: 'One per closing, the first one first, also rejected ones.' })
  occurrences!: InstanceView[];
  @ApiProperty({ type: [InstanceSummaryView], description: 'Instances of the other processes that this deal set off.' })
  linked!: InstanceSummaryView[];
}

@ApiTags('deals')
@Controller('v1/deals')
export class DealsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly runner: ProcessRunner,
  ) {}

  @Get(':id')
  @ApiOperation({ summary: 'Where a deal stands: every closing of it, with all that followed.' })
  @ApiParam({ name: 'id', description: 'Canonical opportunity id, or the id of the deal in the CRM.' })
  @ApiOkResponse({ type: DealView })
  @ApiNotFoundResponse({ description: 'No event of this deal has arrived.' })
  async get(@Param('id', new ZodPipe(dealId)) id: string): Promise<DealView> {
    const instances = await findOccurrences(this.database, { process: 'lead-to-cash', id, externalType: 'deal' });
    const [first] = instances;
    if (!first) {
      const message = `No event of deal ${id} has arrived: it was not closed-won yet, or revenue-adapter has not read it.`;
      throw new NotFoundException({ code: 'DEAL_UNKNOWN', message });
    }
    const ids = instances.map((instance) => instance.id);
    const history = await readHistory(this.database, ids);
    const occurrences = instances.map(async (instance) => {
      const process = await this.runner.definitionOf(this.database, instance);
      const own = history.filter(({ instanceId }) => instanceId === instance.id);
      return toInstanceView(process, instance, own);
    });
    const correlated = await findCorrelated(
      this.database,
      instances.map(({ correlationId }) => correlationId),
      LINKED_MAX,
    );
    const linked = correlated
      .filter(({ id: other }) => !ids.includes(other))
      .map(async (instance) => toSummaryView(await this.runner.definitionOf(this.database, instance), instance));
    return {
      opportunityId: first.key,
      occurrences: await Promise.all(occurrences),
      linked: await Promise.all(linked),
    };
  }
}
