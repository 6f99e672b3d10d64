import { groupStatuses, letterStatuses, releaseStatuses } from '@throughline/messaging';
import { z } from 'zod';
import { who } from '../who.js';

export const id = z.string().regex(/^\d{1,18}$/, 'must be a number');
export const fingerprint = z
  .string()
  .regex(/^fp[0-9a-f]{12}$/, 'must be the fingerprint of a group, such as fp0123456789ab');

const text = z.string().trim().min(1);
const at = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const limit = z.coerce.number().int().min(1).max(200).default(50);

export const listLetters = z.strictObject({
  group: fingerprint.optional(),
  status: z.enum(letterStatuses).optional(),
  type: text.max(200).optional(),
  key: text.max(1_000).optional(),
  code: text.max(200).optional(),
  since: at.optional(),
  until: at.optional(),
  before: id.optional(),
  limit,
});

export const listGroups = z.strictObject({
  status: z.enum(groupStatuses).optional(),
  owner: text.max(200).optional(),
  before: fingerprint.optional(),
  limit,
});

export const listReleases = z.strictObject({
  status: z.enum(releaseStatuses).optional(),
  before: id.optional(),
  limit,
});

export const listAudit = z.strictObject({
  target: z
    .string()
    .regex(
      /^(letter|group|release|replay):\w{1,40}$/,
      'must be letter:<id>, group:<fingerprint>, release:<id> or replay:<id>',
    )
    .optional(),
  actor: text.max(200).optional(),
  before: id.optional(),
  limit,
});

const selection = {
  ids: z.array(id).min(1).max(1_000).optional().describe('Numbers of letters.'),
  group: fingerprint.optional().describe('All letters of a group.'),
};

/** Letters by their numbers or by their group, and not both. */
export const moveLetters = z
  .strictObject({ ...selection, ...who })
  .refine(({ ids, group }) => (ids === undefined) !== (group === undefined), {
    path: ['ids'],
    message: 'give either ids or group',
  });

export const cancelRelease = z.strictObject(who);

export const changeGroup = z
  .strictObject({
    status: z
      .enum(['new', 'investigating', 'fixed'], {
        error: 'must be new, investigating or fixed; POST archive puts a group aside',
      })
      .optional(),
    owner: text.max(200).nullable().optional(),
    notes: z.string().max(10_000).optional(),
    ...who,
  })
  .refine(({ status, owner, notes }) => status !== undefined || owner !== undefined || notes !== undefined, {
    path: ['status'],
    message: 'give at least one of status, owner and notes',
  });

const edit = {
  payload: z.unknown().optional().describe('The whole decoded body, or the whole payload of a job.'),
  headers: z.record(z.string(), z.string().nullable()).optional().describe('Headers to set; null removes one.'),
  key: text.max(1_000).optional().describe('Of a record that nobody could read.'),
};

export const editLetter = z.strictObject({
  ...edit,
  version: text
    .max(100)
    .optional()
    .describe('Of the letter that the edit was made from: refused where it is another by now.'),
  ...who,
});
export const previewLetter = z.strictObject(edit).default({});
