import {
  BadRequestException,
  Controller,
  Headers,
  HttpCode,
  Inject,
  Post,
  Req,
  UnauthorizedException,
  type RawBodyRequest,
} from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { verifyWebhook, type Stripe } from '@throughline/connectors/stripe';
import { codeOf } from '@throughline/contracts';
import type { Messaging } from '@throughline/messaging';
import { CONFIG, MESSAGING } from '@throughline/service';
import { counter } from '@throughline/telemetry';
import type { IncomingMessage } from 'node:http';
import type { FinanceConfig } from '../config.js';
import { receiveEvents } from './receive-event.js';

const refused = counter('throughline.webhooks.refused', {
  description: 'Webhook requests that were refused, by system and reason',
  unit: '{request}',
});

/** Stripe's way in: signed, stored once, answered; what it means is found out later by a job. */
@ApiTags('webhooks')
@Controller('webhooks')
export class StripeWebhookController {
  constructor(
    @Inject(CONFIG) private readonly config: FinanceConfig,
    @Inject(MESSAGING) private readonly messaging: Messaging,
  ) {}

  @Post('stripe')
  @HttpCode(200)
  @ApiOperation({ summary: 'Receives one event of Stripe, signed with the endpoint secret.' })
  @ApiOkResponse({ description: 'Stored, or known already.' })
  @ApiUnauthorizedResponse({
    description: 'Wrong signature, or a timestamp more than 5 minutes off. Nothing is stored.',
  })
  @ApiBadRequestResponse({ description: 'Signed, but no event.' })
  async receive(
    @Req() request: RawBodyRequest<IncomingMessage>,
    @Headers('stripe-signature') signature?: string,
  ): Promise<{ received: true }> {
    await receiveEvents(this.messaging, [this.verify(request.rawBody ?? Buffer.alloc(0), signature)], 'webhook');
    return { received: true };
  }

  private verify(body: Buffer, signature: string | undefined): Stripe.Event {
    try {
      return verifyWebhook(body, signature, this.config.STRIPE_WEBHOOK_SECRET, new Date());
    } catch (error) {
      const code = codeOf(error);
      const { message } = error as Error;
      if (code === 'STRIPE_SIGNATURE_INVALID') {
        refused.add(1, { system: 'stripe', reason: 'signature' });
        throw new UnauthorizedException({ code, message });
      }
      if (code === 'STRIPE_WEBHOOK_MALFORMED') {
        refused.add(1, { system: 'stripe', reason: 'malformed' });
        throw new BadRequestException({ code, message });
      }
      throw error;
    }
  }
}
