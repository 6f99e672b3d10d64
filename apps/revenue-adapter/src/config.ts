import { commaSeparated, serviceConfigShape } from '@throughline/service';
import { z } from 'zod';

const milliseconds = z.coerce.number().int();

/** Everything this service reads from its environment. */
export const configShape = {
  ...serviceConfigShape,
  PORT: serviceConfigShape.PORT.default(4101),
  /** `https://api.hubapi.com`, or the sandbox. */
  HUBSPOT_BASE_URL: z.url().default('https://api.hubapi.com'),
  /** Access token of the private app: scopes crm.objects.deals (read, write), .companies, .line_items (read). */
  HUBSPOT_ACCESS_TOKEN: z.string().min(1),
  /** Client secret of the app; webhooks are signed with it. */
  HUBSPOT_CLIENT_SECRET: z.string().min(1),
  /** The one portal this instance serves; it is part of every canonical id. */
  HUBSPOT_PORTAL_ID: z.string().regex(/^\d+$/, 'must be the number of a portal'),
  /** Ids of the stages, over all pipelines, in which a deal counts as won. */
  HUBSPOT_CLOSED_WON_STAGES: commaSeparated.default(['closedwon']),
  /** Closings before this instant are never acted on: set it when Throughline is put to use on a portal that has won deals already. */
  HUBSPOT_CLOSED_SINCE: z.iso
    .datetime({ offset: true })
    .transform((instant) => new Date(instant).toISOString())
    .optional(),
  /** The addresses HubSpot was told to call, where a proxy makes them differ from what this service sees. They are signed. */
  HUBSPOT_WEBHOOK_PUBLIC_URLS: commaSeparated.optional(),
  /** Limit of one HTTP call to HubSpot. */
  HUBSPOT_TIMEOUT_MS: milliseconds.min(100).max(60_000).default(10_000),
  /** Pause between two sweeps for changes whose webhook never came; one instance sweeps at a time. */
  HUBSPOT_SWEEP_INTERVAL_MS: milliseconds.min(100).max(86_400_000).default(30_000),
  /** How far each sweep looks back behind the last: must exceed the lag of HubSpot's search index. */
  HUBSPOT_SWEEP_OVERLAP_MS: milliseconds.min(0).max(86_400_000).default(60_000),
  /** How often a deal that was rejected is read again at most: some corrections of it leave no trace in HubSpot that could be searched for. */
  HUBSPOT_RECHECK_INTERVAL_MS: milliseconds.min(1_000).max(86_400_000).default(300_000),
} as const;

export type RevenueConfig = z.infer<z.ZodObject<typeof configShape>>;
