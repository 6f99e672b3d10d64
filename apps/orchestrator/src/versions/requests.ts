import { who } from '@throughline/service';
import { z } from 'zod';
import { instanceId, newActionId } from '../control/requests.js';

const version = z.int().positive();
const migration = {
  from: version.describe('The version the instances run on.'),
  to: version.describe('The version they are to go on with.'),
  renames: z
    .record(z.string(), z.string())
    .default({})
    .describe('Steps that have another name in the new version, as old: new. What is plain to see need not be said.'),
  includeEnded: z.boolean().default(false).describe('Also instances that have ended: they can still be cancelled.'),
};
export const previewMigration = z.strictObject({
  ...migration,
  after: instanceId.default('0').describe('`next` of the page before.'),
  limit: z.int().min(1).max(500).default(100),
});
export const requestMigration = z.strictObject({ ...migration, id: newActionId, ...who });

export const processName = z.string().min(1).max(200);
