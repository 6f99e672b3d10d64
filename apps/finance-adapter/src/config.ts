import { serviceConfigShape } from '@throughline/service';
import { z } from 'zod';

const milliseconds = z.coerce.number().int().min(100).max(86_400_000);

/** Everything finance-adapter reads from the environment. */
export const configShape = {
  ...serviceConfigShape,
  PORT: serviceConfigShape.PORT.default(4103),
  /** Stripe, or the sandbox. */
  STRIPE_BASE_URL: z.url().default('https://api.stripe.com'),
  /** `sk_...` or a restricted key that may write customers, products, invoices and credit notes and read events. */
  STRIPE_SECRET_KEY: z.string().min(1),
  /** `whsec_...` of the endpoint that points at /webhooks/stripe. */
  STRIPE_WEBHOOK_SECRET: z.string().min(1),
  /** `acct_...`: the tenant in external ids. */
  STRIPE_ACCOUNT_ID: z.string().min(1),
  /** Limit of one call to Stripe. */
  STRIPE_TIMEOUT_MS: milliseconds.default(10_000),
  /** Days until an invoice is due. */
  STRIPE_PAYMENT_TERMS_DAYS: z.coerce.number().int().min(0).max(365).default(30),
  /** How often lost webhooks are looked for. */
  STRIPE_SWEEP_INTERVAL_MS: milliseconds.default(60_000),
  /** How far each sweep goes back behind the newest event it has seen. */
  STRIPE_SWEEP_OVERLAP_MS: milliseconds.default(600_000),
} as const;

export type FinanceConfig = z.infer<z.ZodObject<typeof configShape>>;
