import { catalog, type MessageType } from '@throughline/contracts';
import { z } from 'zod';
import { who } from '../who.js';

const text = z.string().trim().min(1);
const place = text.max(50).describe('ISO 8601 time with its zone, or an offset, which counts in every partition.');

export const startReplay = z.strictObject({
  mode: z
    .enum(['missed', 'rebuild'])
    .describe('missed: what the inbox does not know. rebuild: everything anew, by a consumer declared replayable.'),
  topic: text.max(249).optional().describe('Default: every topic the consumer reads.'),
  partition: z.int().min(0).optional(),
  from: place.optional().describe('First record. Default: the oldest retained.'),
  to: place.optional().describe('First record no more. Default, and at most: where the consumer is.'),
  key: text.max(1_000).optional(),
  type: z.enum(Object.keys(catalog) as [MessageType, ...MessageType[]]).optional(),
  dryRun: z.boolean().default(false).describe('Only count what would be taken in.'),
  ...who,
});

export const cancelReplay = z.strictObject(who);

export const listReplays = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });

export const replayId = z.string().regex(/^(\d{1,18}|dry-[0-9a-f-]{36})$/, 'must be the id of a replay');
