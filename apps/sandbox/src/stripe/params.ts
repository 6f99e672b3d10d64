import { z } from 'zod';
import type { Nested } from '../http/decode-nested.js';
import { missingParam, stripeError } from './errors.js';

// What Stripe's parameters look like once the form is decoded: everything is text, '' unsets.

const unsetOr = <T extends z.ZodType>(type: T) => z.union([z.literal('').transform(() => null), type]);

export const text = z
  .string()
  .max(5000)
  .transform((value) => (value === '' ? null : value));
export const id = z.string().min(1);
export const integer = z
  .string()
  .regex(/^-?\d+$/, 'Invalid integer')
  .transform(Number);
export const decimal = z.string().regex(/^-?\d+(\.\d{1,12})?$/, 'Invalid decimal');
export const flag = z.enum(['true', 'false'], { error: 'Invalid boolean' }).transform((value) => value === 'true');
export const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/, 'Invalid currency')
  .transform((value) => value.toLowerCase());
/** Keys to 40 characters, values to 500; an empty value removes its key, an empty hash removes all. */
export const metadata = unsetOr(
  z.preprocess(
    (value) => (Array.isArray(value) ? Object.fromEntries(value.entries()) : value),
    z.record(
      z.string().max(40, 'Metadata keys can be up to 40 characters'),
      z.string().max(500, 'Metadata values can be up to 500 characters'),
    ),
  ),
);
export const expand = z.array(z.string()).optional();
export const period = z.strictObject({ start: integer, end: integer });
export const address = unsetOr(
  z.strictObject({
    city: text.optional(),
    country: text.optional(),
    line1: text.optional(),
    line2: text.optional(),
    postal_code: text.optional(),
    state: text.optional(),
  }),
);
const range = z.union([
  integer.transform((value) => ({ gte: value, lte: value })),
  z.strictObject({ gt: integer.optional(), gte: integer.optional(), lt: integer.optional(), lte: integer.optional() }),
]);
export type Range = { gt?: number; gte?: number; lt?: number; lte?: number };
export const paging = {
  limit: integer.refine((value) => value >= 1 && value <= 100, 'Invalid limit: must be between 1 and 100').optional(),
  starting_after: z.string().optional(),
  ending_before: z.string().optional(),
  expand,
  created: range.optional(),
};

/** Parses decoded parameters, refusing what Stripe refuses: unknown ones, missing ones, wrong types. Nothing has executed yet. */
export function parseParams<T extends z.ZodType>(shape: T, params: Nested): z.infer<T> {
  const parsed = shape.safeParse(params);
  if (parsed.success) return parsed.data;
  throw refusal(parsed.error.issues);
}

function refusal(issues: z.core.$ZodIssue[]) {
  const flat = issues.flatMap(flatten);
  const unknown = flat.filter((issue) => issue.code === 'unrecognized_keys');
  if (unknown.length > 0) {
    const names = unknown.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => paramName([...issue.path, key])) : [],
    );
    const message = `Received unknown parameter${names.length > 1 ? 's' : ''}: ${names.join(', ')}`;
    return stripeError(message, { code: 'parameter_unknown', param: names[0], beforeExecution: true });
  }
  const issue = flat[0]!;
  const param = paramName(issue.path);
  if (issue.code === 'invalid_type' && issue.input === undefined) return missingParam(param);
  if (issue.code === 'too_small') {
    return stripeError(
      `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset.`,
      { code: 'parameter_invalid_empty', param, beforeExecution: true },
    );
  }
  const code = issue.message === 'Invalid integer' ? 'parameter_invalid_integer' : undefined;
  const message =
    issue.code === 'invalid_value' && issue.message.startsWith('Invalid option')
      ? `Invalid ${param}: must be one of ${issue.values.join(', ')}`
      : `${issue.message} (${param})`;
  return stripeError(message, { code, param, beforeExecution: true });
}

/** A union's issues are those of the branch that came furthest: the last, after the '' that unsets. */
function flatten(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const branch = issue.errors.at(-1) ?? [];
  return branch.flatMap(flatten).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function paramName(path: PropertyKey[]): string {
  const [head = '', ...rest] = path.map(String);
  return head + rest.map((part) => `[${part}]`).join('');
}
