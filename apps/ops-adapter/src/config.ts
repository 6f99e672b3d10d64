import { serviceConfigShape } from '@throughline/service';
import { z } from 'zod';

const milliseconds = z.coerce.number().int().min(100).max(86_400_000);

/** Everything ops-adapter reads from the environment. */
export const configShape = {
  ...serviceConfigShape,
  PORT: serviceConfigShape.PORT.default(4102),
  /** The Medusa server, or the sandbox. */
  MEDUSA_BASE_URL: z.url(),
  /** Secret API key (`sk_...`) of a user who may write customers, products and orders. */
  MEDUSA_API_KEY: z.string().min(1),
  /** `store_...`: the tenant in external ids. */
  MEDUSA_STORE_ID: z.string().min(1),
  /** Limit of one call to Medusa. */
  MEDUSA_TIMEOUT_MS: milliseconds.default(10_000),
  /** How often changes made by people are looked for. */
  MEDUSA_POLL_INTERVAL_MS: milliseconds.default(5_000),
  /** How far each poll goes back behind the newest change it has seen: longer than Medusa's longest transaction. */
  MEDUSA_POLL_OVERLAP_MS: milliseconds.default(30_000),
  /** Sales channel of new orders; found by itself where there is no choice to make: the oldest that is enabled. */
  MEDUSA_SALES_CHANNEL_ID: z.string().min(1).optional(),
  /** Shipping option of new orders, without which Medusa cannot fulfil them. Default: the oldest. */
  MEDUSA_SHIPPING_OPTION_ID: z.string().min(1).optional(),
  /** Regions of new orders, as `USD=reg_1,EUR=reg_2`. Default: the oldest region of each currency. */
  MEDUSA_REGION_IDS: z
    .string()
    .regex(/^\s*[A-Z]{3}=\w+(\s*,\s*[A-Z]{3}=\w+)*\s*$/, 'is not a list like USD=reg_1,EUR=reg_2')
    .transform((list) => Object.fromEntries(list.split(',').map((pair) => pair.trim().split('=') as [string, string])))
    .optional(),
} as const;

export type OpsConfig = z.infer<z.ZodObject<typeof configShape>>;
