import { serviceConfigShape } from '@throughline/service';
import { z } from 'zod';

/** Everything the orchestrator reads from its environment. */
export const configShape = {
  ...serviceConfigShape,
  PORT: serviceConfigShape.PORT.default(4100),
  /** Where the process definitions lie; the ones shipped with this release by default. */
  PROCESSES_DIRECTORY: z.string().min(1).optional(),
  /** Where the policies lie; the ones shipped with this release by default. */
  POLICIES_DIRECTORY: z.string().min(1).optional(),
  /** Where the business calendars lie; the ones shipped with this release by default. */
  CALENDARS_DIRECTORY: z.string().min(1).optional(),
  /** The people who may decide at checkpoints, and their roles; those of the quick start by default. */
  PEOPLE_FILE: z.string().min(1).optional(),
  /** Pause between two looks for due timers; every instance looks, and none fires what another has taken. */
  TIMER_INTERVAL_MS: z.coerce.number().int().min(10).max(60_000).default(1_000),
  /** Instances whose timers fire in one transaction. */
  TIMER_BATCH_SIZE: z.coerce.number().int().min(1).max(5_000).default(500),
} as const;

export type OrchestratorConfig = z.infer<z.ZodObject<typeof configShape>>;
