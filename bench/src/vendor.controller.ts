import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Vendor, type Ended } from './vendor.js';

const kind = z.enum(['order', 'fulfilment', 'invoice', 'schedule']);
const watchRequest = z.object({ kind, count: z.int().min(1) });
const failRequest = z.object({ share: z.number().min(0).max(1) });

/** What the benchmark asks of the side that plays a vendor. */
@Controller('vendor')
export class VendorController {
  private watched: Promise<Ended[]> | undefined;

  constructor(@Inject(Vendor) private readonly vendor: Vendor) {}

  /** The next so many effects; `GET ended` is answered with them. In two requests, so that the deals may close in between. */
  @Post('watch')
  @HttpCode(204)
  watch(@Body() body: unknown): void {
    const { kind, count } = watchRequest.parse(body);
    this.watched = this.vendor.watch(kind, count);
  }

  /** Answered once they have happened: to ask again and again would cost what is measured. */
  @Get('ended')
  async ended(): Promise<Ended[] | undefined> {
    return this.watched;
  }

  @Get('count')
  count(@Query('kind') of: string): { count: number } {
    return { count: this.vendor.count(kind.parse(of)) };
  }

  @Post('fail')
  @HttpCode(204)
  fail(@Body() body: unknown): void {
    this.vendor.failFrom(failRequest.parse(body).share);
  }
}
