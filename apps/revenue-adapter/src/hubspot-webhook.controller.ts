import { BadRequestException, Controller, HttpCode, Inject, Post, Req, UnauthorizedException } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import { hubspotErrors, parseWebhook, verifySignature, type DealHint } from '@throughline/connectors/hubspot';
import { codeOf } from '@throughline/contracts';
import type { Messaging } from '@throughline/messaging';
import { CONFIG, MESSAGING } from '@throughline/service';
import { counter } from '@throughline/telemetry';
import type { RevenueConfig } from './config.js';
import { storeWebhook } from './store-webhook.js';

/** As much of Express's request as is needed; Nest keeps the body as it came. */
export interface WebhookRequest {
  method: string;
  protocol: string;
  originalUrl: string;
  rawBody?: Buffer;
  get(header: string): string | undefined;
}

class WebhookReceipt {
  @ApiProperty({ description: 'Elements in the request.' })
  received!: number;

  @ApiProperty({ description: 'Of these, elements that were not stored before.' })
  stored!: number;
}

const refused = counter('throughline.webhooks.refused', {
  description: 'Webhook requests that were refused, by system and reason',
  unit: '{request}',
});
const elements = counter('throughline.revenue.webhook.elements', {
  description: 'Webhook elements, by what became of them',
  unit: '{element}',
});

@ApiTags('webhooks')
@Controller('webhooks/hubspot')
export class HubspotWebhookController {
  constructor(
    @Inject(CONFIG) private readonly config: RevenueConfig,
    @Inject(MESSAGING) private readonly messaging: Pick<Messaging, 'transaction'>,
  ) {}

  /** Verifies, stores, answers: everything else is done by the `ReadDeal` job. */
  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: "Takes HubSpot's webhooks: an array of events, signed (v3)." })
  @ApiHeader({ name: 'X-HubSpot-Signature-v3', required: true })
  @ApiHeader({
    name: 'X-HubSpot-Request-Timestamp',
    required: true,
    description: 'Epoch milliseconds, at most five minutes away.',
  })
  @ApiBody({ schema: { type: 'array', items: { type: 'object' } } })
  @ApiOkResponse({ type: WebhookReceipt })
  @ApiResponse({ status: 400, description: 'Signed, but not an array of HubSpot events. Nothing was stored.' })
  @ApiResponse({
    status: 401,
    description: 'Not signed by HubSpot, or too old, or from the future. Nothing was stored.',
  })
  async receive(@Req() request: WebhookRequest): Promise<WebhookReceipt> {
    const hints = this.read(request);
    const ours = hints.filter(({ portalId }) => portalId === this.config.HUBSPOT_PORTAL_ID);
    const stored = await this.messaging.transaction((tx) => storeWebhook(tx, ours));
    elements.add(stored, { outcome: 'stored' });
    elements.add(ours.length - stored, { outcome: 'duplicate' });
    elements.add(hints.length - ours.length, { outcome: 'other-portal' });
    return { received: hints.length, stored };
  }

  private read(request: WebhookRequest): DealHint[] {
    try {
      this.verify(request);
      return parseWebhook(request.rawBody ?? Buffer.alloc(0));
    } catch (error) {
      const code = codeOf(error);
      const answer = { code, message: (error as Error).message };
      if (code !== hubspotErrors.signature && code !== hubspotErrors.malformed) throw error;
      refused.add(1, { system: 'hubspot', reason: code === hubspotErrors.signature ? 'signature' : 'malformed' });
      throw code === hubspotErrors.signature ? new UnauthorizedException(answer) : new BadRequestException(answer);
    }
  }

  /** One signature must match one of the addresses HubSpot may have been told to call. */
  private verify(request: WebhookRequest): void {
    const seen = `${request.protocol}://${request.get('host')}${request.originalUrl}`;
    const uris = this.config.HUBSPOT_WEBHOOK_PUBLIC_URLS ?? [seen];
    const failures = uris.flatMap((uri) => {
      try {
        this.verifyFor(uri, request);
        return [];
      } catch (error) {
        return [error];
      }
    });
    if (failures.length === uris.length) throw failures[0];
  }

  private verifyFor(uri: string, request: WebhookRequest): void {
    const signed = {
      method: request.method,
      uri,
      rawBody: request.rawBody ?? Buffer.alloc(0),
      signature: request.get('x-hubspot-signature-v3'),
      timestamp: request.get('x-hubspot-request-timestamp'),
    };
    verifySignature(signed, this.config.HUBSPOT_CLIENT_SECRET, Date.now());
  }
}
