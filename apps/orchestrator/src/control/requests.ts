import { randomUUID } from 'node:crypto';
import { actions } from '@throughline/process';
import { who } from '@throughline/service';
import { z } from 'zod';
import { filterShape } from '../instance-filter.js';

export const instanceId = z.string().regex(/^\d{1,18}$/, 'must be the number of an instance');
const facts = z.record(z.string(), z.unknown());

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
  ids: z.array(instanceId).min(1).max(1_000).optional().describe('Instances; or give filter.'),
  filter: z.strictObject(filterShape).optional().describe('The conditions of GET /v1/instances; or give ids.'),
};
const oneSelection = <T extends { ids?: unknown; filter?: unknown }>({ ids, filter }: T): boolean =>
  (ids === undefined) !== (filter === undefined);
const chooseOne = { error: 'say which instances: either ids or filter' };

export const previewAction = z
  .strictObject({
    ...action,
    limit: z.int().min(1).max(200).default(50).describe('Instances that are shown, at most.'),
  })
  .refine(oneSelection, chooseOne);

export const newActionId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/, 'must be letters, digits and . _ : -')
  .default(() => randomUUID())
  .describe('Of your choice: the same id is the same action, however often it is sent.');

export const requestAction = z.strictObject({ ...action, id: newActionId, ...who }).refine(oneSelection, chooseOne);
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
