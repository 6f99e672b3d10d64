import { Controller, Get, Inject, NotFoundException, Param } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Database } from '@throughline/postgres';
import { DATABASE, ZodPipe } from '@throughline/service';
import { z } from 'zod';
import { findCreditNotes, type CreditNoteRecord } from '../credit-notes/store.js';
import { findInvoice, findPayments, type InvoiceRecord, type InvoiceStatus, type PaymentRecord } from './store.js';

class PaymentView implements PaymentRecord {
  @ApiProperty({ format: 'uuid' }) paymentId!: string;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '1250.5000' }) amount!: string;
  @ApiProperty({ format: 'date-time' }) receivedAt!: string;
}

class CreditNoteView implements CreditNoteRecord {
  @ApiProperty({ format: 'uuid' }) creditNoteId!: string;
  @ApiProperty({ type: String, nullable: true, format: 'uuid', description: 'Null: a person made it at Stripe.' })
  returnId!: string | null;
  @ApiProperty() creditNoteNumber!: string;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '250.0000' }) amount!: string;
  @ApiProperty({ format: 'date-time' }) issuedAt!: string;
  @ApiProperty({ type: String, nullable: true, format: 'date-time', description: 'When a person voided it at Stripe.' })
  voidedAt!: string | null;
}

class InvoiceView implements InvoiceRecord {
  @ApiProperty({ format: 'uuid' }) invoiceId!: string;
  @ApiProperty({ format: 'uuid' }) orderId!: string;
  @ApiProperty({ format: 'uuid' }) opportunityId!: string;
  @ApiProperty({ description: 'Which closing of the opportunity, from 1.' }) occurrence!: number;
  @ApiProperty({ format: 'uuid' }) correlationId!: string;
  @ApiProperty({ enum: ['draft', 'issued', 'rejected', 'voided', 'credited'] }) status!: InvoiceStatus;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: '1250.5000' }) totalAmount!: string;
  @ApiProperty({ type: String, nullable: true }) stripeCustomerId!: string | null;
  @ApiProperty({ type: String, nullable: true }) stripeInvoiceId!: string | null;
  @ApiProperty({ type: String, nullable: true }) invoiceNumber!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) issuedAt!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) voidedAt!: string | null;
  @ApiProperty({ type: String, nullable: true }) stripeCreditNoteId!: string | null;
  @ApiProperty({ type: String, nullable: true }) creditNoteNumber!: string | null;
  @ApiProperty({ type: String, nullable: true }) creditedAmount!: string | null;
  @ApiProperty({ type: String, nullable: true, format: 'date-time' }) creditedAt!: string | null;
  @ApiProperty({ type: Object, nullable: true, description: 'Why it was refused: reason, field, message.' })
  rejection!: InvoiceRecord['rejection'];
  @ApiProperty({ type: [PaymentView] }) payments!: PaymentView[];
  @ApiProperty({ type: [CreditNoteView], description: 'Of parts; the one that took the invoice back stands above.' })
  creditNotes!: CreditNoteView[];
}

/** What finance-adapter knows of an invoice; Stripe is its master. */
@ApiTags('invoices')
@Controller('v1/invoices')
export class InvoiceController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Get(':id')
  @ApiOperation({ summary: 'One invoice by our id, with its payments and the credit notes of its parts.' })
  @ApiOkResponse({ type: InvoiceView })
  @ApiNotFoundResponse({ description: 'No command named this invoice yet.' })
  async get(@Param('id', new ZodPipe(z.uuid())) id: string): Promise<InvoiceView> {
    const invoice = await findInvoice(this.database, id);
    if (!invoice) throw new NotFoundException({ code: 'INVOICE_UNKNOWN', message: `No invoice ${id} is known here.` });
    const [payments, creditNotes] = [await findPayments(this.database, id), await findCreditNotes(this.database, id)];
    return { ...invoice, payments, creditNotes };
  }
}
