import { Controller, Get, Inject, NotFoundException, Param, Query } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import {
  findOrder,
  findOrderByMedusaId,
  findOrdersOf,
  type Fulfilment,
  type LifeCycle,
  type Rejection,
  type SalesOrder,
  type SalesOrderLine,
} from './store.js';

class RejectionView implements Rejection {
  @ApiProperty({ example: 'total-mismatch' }) reason!: string;
  @ApiProperty({ type: String, nullable: true, example: 'totalAmount' }) field!: string | null;
  @ApiProperty() message!: string;
}

class OrderLineView implements SalesOrderLine {
  @ApiProperty({ description: 'Id of the line in the deal.' }) lineItemId!: string;
  @ApiProperty({ example: 'PLATFORM' }) sku!: string;
  @ApiProperty() name!: string;
  @ApiProperty({ example: '2.5000' }) quantity!: string;
  @ApiProperty({ type: String, nullable: true }) medusaVariantId!: string | null;
  @ApiProperty({ description: 'Its delivery was commanded.' }) requested!: boolean;
  @ApiProperty({ type: [String], description: 'Fulfilments in Medusa that were told as shipments of it.' })
  shippedIn!: string[];
  @ApiProperty({ description: "What waits for stock, in Medusa's units." }) backordered!: number;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) fulfilledAt!: string | null;
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'number' },
    description: "By return in Medusa: what came back with it, in Medusa's units.",
  })
  returnedIn!: Record<string, number>;
}

class OrderView implements SalesOrder {
  @ApiProperty({ format: 'uuid' }) orderId!: string;
  @ApiProperty({ format: 'uuid' }) opportunityId!: string;
  @ApiProperty({ description: 'Which closing of the opportunity, from 1.' }) occurrence!: number;
  @ApiProperty({ format: 'uuid' }) correlationId!: string;
  @ApiProperty({ enum: ['creating', 'created', 'rejected', 'cancelled'] }) lifeCycle!: LifeCycle;
  @ApiProperty({ enum: ['open', 'partial', 'fulfilled'] }) fulfilment!: Fulfilment;
  @ApiProperty({ type: String, nullable: true, example: 'USD' }) currency!: string | null;
  @ApiProperty({ type: String, nullable: true, example: '1250.5000' }) totalAmount!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date' }) serviceStart!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date' }) serviceEnd!: string | null;
  @ApiProperty({ type: [OrderLineView] }) lines!: OrderLineView[];
  @ApiProperty({ type: String, nullable: true, example: '1042' }) orderNumber!: string | null;
  @ApiProperty({ type: String, nullable: true }) medusaOrderId!: string | null;
  @ApiProperty({ type: String, nullable: true }) medusaCustomerId!: string | null;
  @ApiProperty({ type: [String] }) medusaFulfilmentIds!: string[];
  @ApiProperty({ type: String, nullable: true, description: 'The reading of Medusa this is. Opaque.' })
  sourceVersion!: string | null;
  @ApiProperty({ type: RejectionView, nullable: true }) rejection!: RejectionView | null;
  @ApiProperty({ format: 'date-time' }) requestedAt!: string;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) createdAt!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) provisionedAt!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) releasedAt!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) cancelledAt!: string | null;
  @ApiProperty({ description: 'Grows with every change, from 1.' }) version!: number;
  @ApiProperty({ format: 'date-time' }) updatedAt!: string;
}

class OrderListView {
  @ApiProperty({ type: [OrderView] }) data!: OrderView[];
}

const filter = z.strictObject({ opportunityId: z.uuid() });

/** What ops-adapter knows of orders; Medusa is their master. */
@ApiTags('orders')
@Controller('v1/orders')
export class OrderController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get()
  @ApiOperation({ summary: 'The orders of one opportunity, one per closing.' })
  @ApiQuery({ name: 'opportunityId', format: 'uuid' })
  @ApiOkResponse({ type: OrderListView })
  async list(@Query(new ZodPipe(filter)) { opportunityId }: z.infer<typeof filter>): Promise<OrderListView> {
    return { data: await findOrdersOf(this.database, opportunityId) };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One order, by our id or by the one Medusa gave it.' })
  @ApiParam({ name: 'id', example: 'order_01M81DDEY0BQD3E0B5CQ5V0NGM' })
  @ApiOkResponse({ type: OrderView })
  @ApiNotFoundResponse({ description: 'No command named this order yet.' })
  async get(@Param('id', new ZodPipe(z.string().min(1).max(200))) id: string): Promise<OrderView> {
    const ours = z.uuid().safeParse(id).success;
    const order = await (ours ? findOrder(this.database, id) : findOrderByMedusaId(this.database, id));
    if (!order) throw new NotFoundException({ code: 'ORDER_UNKNOWN', message: `No order ${id} is known here.` });
    return order;
  }
}
