import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { parseDuration, statuses } from '@throughline/process';
import type { InstanceFilter } from '@throughline/process/postgres';
import { z } from 'zod';

const text = z.string().trim().min(1).max(200);
const amount = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,4})?$/, 'must be an exact amount, for example 1250.00')
  .optional();
const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]).optional();
const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item.transform((one) => [one]), z.array(item).max(20)]);

/** `name=Acme`, `totalAmount>=1000`: a field of the start event that the definition lists under `attributes`. */
const condition = z.string().transform((written, context) => {
  const [, field, operator, value] = /^([A-Za-z][A-Za-z0-9]*)(=|>=|<=)(.+)$/s.exec(written) ?? [];
  const isNumber = value !== undefined && /^-?\d{1,30}(\.\d{1,20})?$/.test(value);
  if (field && operator && value && (operator === '=' || isNumber)) return { field, operator, value };
  context.addIssue(`"${written}" is no condition; write field=value, or field>=number, or field<=number`);
  return z.NEVER;
});

const elapsed = z.string().transform((written, context) => {
  const duration = parseDuration(written);
  // An age is elapsed time; only what is promised is counted in business time.
  const ms = duration && 'ms' in duration ? duration.ms : undefined;
  if (ms !== undefined) return ms;
  context.addIssue(`"${written}" is no duration; write for example "4 hours" or "2 days"`);
  return z.NEVER;
});

/** What instances are searched by: in a query string, and as the filter of a bulk action. */
export const filterShape = {
  process: text.optional().describe('Such as lead-to-cash.'),
  version: z.coerce.number().int().positive().optional().describe('Of the definition.'),
  key: text.optional().describe('Canonical id of what the process is about: of the opportunity, or of the order.'),
  externalId: text.optional().describe('Id of anything it made or is about, in any system.'),
  status: z
    .union([z.string().transform((list) => list.split(',')), z.array(z.string())])
    .pipe(z.array(z.enum(statuses)))
    .optional()
    .describe('One, or several with commas between.'),
  step: text.optional().describe('It waits at this step; "start" before the event that starts it.'),
  owner: text.optional().describe('Who answers for what it waits for.'),
  where: oneOrMany(condition)
    .optional()
    .describe('Business fields: name=Acme, totalAmount>=1000, totalAmount<=5000; all must hold. May be repeated.'),
  currency: z.string().length(3).optional().describe('Of the amount at risk, ISO 4217.'),
  amountMin: amount.describe('Amount at risk, at least; with currency.'),
  amountMax: amount.describe('Amount at risk, at most; with currency.'),
  inStatusFor: elapsed.optional().describe('Longer in its status than this: "4 hours", "2 days".'),
  startedFor: elapsed.optional().describe('Started longer ago than this.'),
  paused: flag,
  attention: flag.describe('Something came that contradicts what is known, and nobody has acknowledged it yet.'),
};

export type FilterQuery = z.infer<z.ZodObject<typeof filterShape>>;

/** The conditions as parameters of a query string. */
export const ApiFilter: MethodDecorator = applyDecorators(
  ...Object.entries(filterShape).map(([name, condition]) =>
    ApiQuery({ name, required: false, ...(condition.description && { description: condition.description }) }),
  ),
);

/** @param stepsOf the steps an owner answers for, of all known definitions */
export function toFilter(query: FilterQuery, now: number, stepsOf: (owner: string) => string[]): InstanceFilter {
  const { status, step, owner, where = [], inStatusFor, startedFor, ...same } = query;
  const steps = owner === undefined ? undefined : stepsOf(owner);
  const ranges = where.filter(({ operator }) => operator !== '=');
  return {
    ...same,
    statuses: status,
    owner,
    steps: step === undefined ? steps : [step],
    attributes: where.filter(({ operator }) => operator === '='),
    ranges: ranges.map(({ field, operator, value }) => ({ field, [operator === '>=' ? 'min' : 'max']: value })),
    ...(inStatusFor !== undefined && { inStatusBefore: new Date(now - inStatusFor) }),
    ...(startedFor !== undefined && { startedBefore: new Date(now - startedFor) }),
  };
}
