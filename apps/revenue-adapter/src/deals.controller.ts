import { Controller, Get, Inject, NotFoundException, Param } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiProperty, ApiTags } from '@nestjs/swagger';
import { DATABASE } from '@throughline/service';
import type { Database } from '@throughline/postgres';
import { opportunityCorrelationId } from '@throughline/contracts';
import { findDeal, type KnownDeal } from './deal-store.js';

class RejectionView {
  @ApiProperty({ example: 'total-mismatch' })
  reason!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'amount',
    description: "Path of HubSpot's own property names.",
  })
  field!: string | null;

  @ApiProperty({ description: 'What is wrong and what to do.' })
  message!: string;

  @ApiProperty({ format: 'date-time' })
  rejectedAt!: string;
}

class OccurrenceView {
  @ApiProperty({ description: 'Which closing of the deal, from 1.' })
  occurrence!: number;

  @ApiProperty({
    enum: ['won', 'rejected', 'reopened', 'passed'],
    description: '`passed`: over, or too old, before it was seen; nothing was started.',
  })
  status!: string;

  @ApiProperty({ format: 'uuid', description: 'Correlation id of every message of this closing.' })
  correlationId!: string;

  @ApiProperty({ format: 'date-time' })
  closedAt!: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  reopenedAt!: string | null;

  @ApiProperty({ type: RejectionView, nullable: true })
  rejection!: RejectionView | null;

  @ApiProperty({
    type: String,
    nullable: true,
    format: 'date-time',
    description: 'When the edit was made by which it was last amended.',
  })
  amendedAt!: string | null;

  @ApiProperty({
    type: RejectionView,
    nullable: true,
    description: 'Why the deal as it stands amends nothing; what was told before stands.',
  })
  amendmentRejection!: RejectionView | null;

  @ApiProperty({ type: String, nullable: true, description: 'As written to HubSpot.' })
  orderNumber!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'As written to HubSpot.' })
  invoiceNumber!: string | null;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  writtenBackAt!: string | null;
}

class DealView {
  @ApiProperty({ description: 'In HubSpot.' })
  dealId!: string;

  @ApiProperty({ format: 'uuid' })
  opportunityId!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: String, nullable: true })
  stage!: string | null;

  @ApiProperty({ description: 'Of the last snapshot; opaque.' })
  sourceVersion!: string;

  @ApiProperty({ format: 'date-time', description: 'When HubSpot last changed the deal, as of the last snapshot.' })
  modifiedAt!: string;

  @ApiProperty({ format: 'date-time', description: 'When the last snapshot was taken.' })
  readAt!: string;

  @ApiProperty({
    description: 'It was edited in HubSpot into what cannot become an order; what was started for it is unchanged.',
  })
  isEditedAfterClose!: boolean;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  deletedAt!: string | null;

  @ApiProperty({ type: [OccurrenceView] })
  occurrences!: OccurrenceView[];
}

@ApiTags('deals')
@Controller('v1/deals')
export class DealsController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get(':id')
  @ApiOperation({ summary: 'What is known of a deal: its last snapshot, and what became of each time it was won.' })
  @ApiParam({ name: 'id', description: 'HubSpot deal id, or canonical opportunity id.' })
  @ApiOkResponse({ type: DealView })
  @ApiNotFoundResponse({ description: 'No such deal was ever read.' })
  async deal(@Param('id') id: string): Promise<DealView> {
    const known = await findDeal(this.database, id);
    if (known) return toView(known);
    throw new NotFoundException({
      code: 'REVENUE_DEAL_UNKNOWN',
      message: `Deal ${id} was never read: neither a webhook nor a sweep has named it.`,
    });
  }
}

function toView({ state, readAt, writeBacks }: KnownDeal): DealView {
  return {
    dealId: state.dealId,
    opportunityId: state.opportunityId,
    name: state.name,
    stage: state.stage,
    sourceVersion: state.sourceVersion,
    modifiedAt: state.modifiedAt,
    readAt,
    isEditedAfterClose: state.isEditedAfterClose,
    deletedAt: state.deletedAt,
    occurrences: state.closings.map((closing) => {
      const writeBack = writeBacks.find(({ occurrence }) => occurrence === closing.occurrence);
      return {
        occurrence: closing.occurrence,
        status: closing.status,
        correlationId: opportunityCorrelationId(state.opportunityId, closing.occurrence),
        closedAt: closing.closedAt,
        reopenedAt: closing.reopenedAt ?? null,
        rejection: closing.rejection ?? null,
        amendedAt: closing.amendedAt ?? null,
        amendmentRejection: closing.amendmentRejection ?? null,
        orderNumber: writeBack?.orderNumber ?? null,
        invoiceNumber: writeBack?.invoiceNumber ?? null,
        writtenBackAt: writeBack?.writtenAt ?? null,
      };
    }),
  };
}
