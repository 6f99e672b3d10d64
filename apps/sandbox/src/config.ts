import { httpConfigShape } from '@throughline/service';
import { z } from 'zod';

const urls = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((url) => url.trim())
      .filter((url) => url !== ''),
  )
  .pipe(z.array(z.url()));
const milliseconds = (initial: number) => z.coerce.number().int().min(0).max(86_400_000).default(initial);

/** The sandbox's environment; secrets have no defaults. */
export const configShape = {
  ...httpConfigShape,
  PORT: httpConfigShape.PORT.default(4104),
  /** Bearer token that the CRM endpoints ask for. */
  HUBSPOT_ACCESS_TOKEN: z.string().min(1),
  /** Secret of the app whose webhooks are signed. */
  HUBSPOT_CLIENT_SECRET: z.string().min(1),
  HUBSPOT_PORTAL_ID: z.coerce.number().int().positive().default(4711),
  /** Where HubSpot's webhooks go: comma-separated, in turn, the next one where nobody answers. Empty: nowhere. */
  HUBSPOT_WEBHOOK_URLS: urls,
  STRIPE_SECRET_KEY: z.string().startsWith('sk_'),
  STRIPE_WEBHOOK_SECRET: z.string().min(1),
  STRIPE_WEBHOOK_URLS: urls,
  /** The secret API key that the Admin API asks for (basic authentication). */
  MEDUSA_API_KEY: z.string().min(1),
  /** How far searches (HubSpot, Stripe) are behind the writes. */
  SEARCH_LAG_MS: milliseconds(2_000),
  WEBHOOK_TIMEOUT_MS: milliseconds(5_000),
  /** Wait before a webhook's second attempt; doubles from there up to WEBHOOK_RETRY_MAX_MS. */
  WEBHOOK_RETRY_MS: milliseconds(1_000),
  WEBHOOK_RETRY_MAX_MS: milliseconds(30_000),
} as const;

export type SandboxConfig = z.infer<z.ZodObject<typeof configShape>>;
