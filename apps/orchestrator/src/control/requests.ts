import { randomUUID } from 'node:crypto';
import { actions } from '@throughline/process';
import { who } from '@throughline/service';
import { z } from 'zod';
import { filterShape } from '../instance-filter.js';

export const instanceId = z.string().regex(/^\d{1,18}$/, 'must be the number of an instance');
const facts = z.record(z.string(), z.unknown());
/** Instances that one request can name. */
const AT_ONCE = 1_000;
const isWithin = (count: number): boolean => count >= 1 && count <= AT_ONCE;

const action = {
  action: z.enum(actions),
  unit: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('For retry and skip: the step, or its run, such as fulfilment/line-1. Default: the one that allows it.'),
  facts: z
    .strictObject({ start: facts.optional(), steps: z.record(z.string(), facts).optional() })
    .optional()
    .describe('For repair: what to put right. For skip: what the step would have brought.'),
  ids: z.array(instanceId).min(1).max(AT_ONCE).optional().describe('Instances; or give filter.'),
  filter: z.strictObject(filterShape).optional().describe('The conditions of GET /v1/instances; or give ids.'),
  seen: z
    .record(instanceId, z.int().min(1))
    .refine((seen) => isWithin(Object.keys(seen).length), `must name 1 to ${AT_ONCE} instances`)
    .optional()
    .describe(
      'For acknowledge, in place of ids: by instance, how many entries of its attention were shown, as a preview says. What came since stays open.',
    ),
};
const oneSelection = <T extends { ids?: unknown; filter?: unknown; seen?: unknown }>({ ids, filter, seen }: T) =>
  [ids, filter, seen].filter((one) => one !== undefined).length === 1;
const chooseOne = { error: 'say which instances: either ids or filter; or, to acknowledge, seen' };
const isSeen = <T extends { action: string; seen?: unknown }>({ action, seen }: T): boolean =>
  action === 'acknowledge' || seen === undefined;
const seenOnly = { path: ['seen'], error: 'is for acknowledge alone' };
const saysWhatWasSeen = <T extends { action: string; seen?: unknown }>({ action, seen }: T): boolean =>
  action !== 'acknowledge' || seen !== undefined;
const sayWhatWasSeen = {
  path: ['seen'],
  error: 'say what was seen: by instance, how many entries of its attention, as a preview of this shows them',
};

export const previewAction = z
  .strictObject({
    ...action,
    limit: z.int().min(1).max(200).default(50).describe('Instances that are shown, at most.'),
  })
  .refine(oneSelection, chooseOne)
  .refine(isSeen, seenOnly);

export const newActionId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/, 'must be letters, digits and . _ : -')
  .default(() => randomUUID())
  .describe('Of your choice: the same id is the same action, however often it is sent.');

export const requestAction = z
  .strictObject({ ...action, id: newActionId, ...who })
  .refine(oneSelection, chooseOne)
  .refine(isSeen, seenOnly)
  .refine(saysWhatWasSeen, sayWhatWasSeen);
export const stopAction = z.strictObject(who);

export const listActions = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) });
export const actionId = z.string().min(1).max(100);

export const listAudit = z.strictObject({
  instance: instanceId.optional(),
  action: actionId.optional(),
  actor: z.string().min(1).max(200).optional(),
  outcome: z.enum(['done', 'refused']).optional(),
  before: instanceId.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
