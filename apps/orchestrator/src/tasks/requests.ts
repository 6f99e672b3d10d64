import { who } from '@throughline/service';
import { z } from 'zod';
import { taskStatuses } from './task.js';

export const id = z.string().regex(/^\d{1,18}$/, 'must be a number');
const text = z.string().trim().min(1);
const personId = text.max(100);
const at = z.iso
  .datetime({ offset: true, error: 'must be a moment, for example 2026-12-24T18:00:00Z' })
  .transform((value) => new Date(value).toISOString());
const limit = z.coerce.number().int().min(1).max(200).default(50);
const flag = z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional();
const amount = z.string().regex(/^\d{1,15}(\.\d{1,4})?$/, 'must be an exact amount, for example 1250.00');

export const listTasks = z.strictObject({
  mine: flag.describe('What the actor holds, may take, or has to answer: x-actor says who that is.'),
  status: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(taskStatuses)))
    .optional()
    .describe('One, or several with commas between; without it, all that have not ended.'),
  role: text.max(100).optional().describe('Whose people may decide.'),
  assignee: personId.optional(),
  process: text.max(200).optional(),
  checkpoint: text.max(200).optional(),
  instance: id.optional().describe('Number of the instance.'),
  key: text.max(200).optional().describe('What the instance is about: the id of the opportunity or the order.'),
  overdue: flag.describe('Later than its policy allows.'),
  amountMin: amount.optional().describe('Amount at risk, at least; with currency.'),
  currency: z.string().length(3).optional().describe('Of the amount at risk, ISO 4217.'),
  after: id.optional().describe('`next` of the page before.'),
  limit: limit.describe('1 to 200; default 50.'),
});

export const listTold = z.strictObject({
  person: personId.optional().describe('Default: who asks.'),
  after: id.default('0').describe('`next` of the answer before.'),
  limit,
});

export const listStandIns = z.strictObject({
  person: personId.optional().describe('Whom it is about, or who acts by it.'),
  past: flag.describe('Also what is over.'),
  before: id.optional().describe('`next` of the page before.'),
  limit,
});

/** Fields of every action. */
const action = {
  actor: who.actor,
  version: z.int().positive().optional().describe('The version that was looked at; refused if it has changed since.'),
  onBehalfOf: personId.optional().describe('In whose name, where the actor may act for several. Default: their own.'),
  reason: z.string().trim().max(2_000).optional().describe('Kept for good.'),
};
const reason = text.max(2_000).describe('Kept for good.');
const to = personId.describe('A person of the directory.');

export const act = z.strictObject(action).default({});
export const actForAReason = z.strictObject({ ...action, reason });
export const give = z.strictObject({ ...action, to });
export const approve = z
  .strictObject({
    ...action,
    values: z.record(z.string(), z.unknown()).default({}).describe('Answers to the form, by the names of its fields.'),
  })
  .default({ values: {} });
export const sendBack = z.strictObject({
  ...action,
  reason,
  to: to.optional().describe('Who has to answer, where nobody is known as the requester.'),
});
export const attach = z.strictObject({
  ...action,
  name: text.max(200),
  uri: text.max(2_000).describe('Where the document lies; its content stays there.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .optional()
    .describe('Of the content, so that a later change of it shows.'),
});
export const followUp = z.strictObject({ ...action, at: at.nullable().describe('null takes it back.') });

const span = {
  actor: who.actor,
  startsAt: at.optional().describe('Default: now.'),
  endsAt: at,
  reason: z.string().trim().max(2_000).optional(),
};
export const addDelegation = z.strictObject({
  ...span,
  person: personId.optional().describe('Who delegates. Default: who asks.'),
  delegate: personId.describe('Who acts in their name.'),
});
export const addAbsence = z.strictObject({
  ...span,
  person: personId.optional().describe('Who is away. Default: who asks.'),
});
export const endStandIn = z.strictObject({ actor: who.actor }).default({});
