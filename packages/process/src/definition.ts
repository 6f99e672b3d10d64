import { z } from 'zod';
import { parseDuration } from './duration.js';
import { invalidDefinition } from './errors.js';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, { error: 'must be lower-case words joined by "-", for example "write-back"' });
const messageType = z
  .string()
  .trim()
  .regex(/^[A-Z][A-Za-z0-9]*$/, { error: 'must be a message type, for example OrderCreated' });
const fieldName = z.string().regex(/^[a-z][A-Za-z0-9]*$/, { error: 'must be a field name, for example orderId' });

/** `OrderCreated | OrderRejected`: read aloud as "order created or order rejected". */
const alternatives = z
  .string()
  .transform((text) => text.split('|').map((part) => part.trim()))
  .pipe(z.array(messageType).min(1));

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue(`"${text}" is not a duration; write a number and a unit, for example "15 minutes" or "1 day"`);
  return z.NEVER;
});

const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item.transform((one) => [one]), z.array(item)]).default([] as never);

const source = z.string().regex(/^[A-Z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/, {
  error: 'must name an event and its field, for example OrderCreated.orderNumber',
});
const overrides = z.record(fieldName, source).default({});

const compensation = z.strictObject({
  command: messageType,
  until: alternatives,
  timeout: duration.optional(),
  with: overrides,
});

const step = z.strictObject({
  after: oneOrMany(name),
  owner: name,
  command: messageType,
  assigns: oneOrMany(fieldName),
  with: overrides,
  until: alternatives,
  timeout: duration,
  'on-refusal': z.enum(['compensate', 'stop']).default('compensate'),
  compensation: z.union([z.literal('none'), compensation], {
    error:
      'must be "none" or a command with the events that end it; a step that does things must say how they are undone',
  }),
});

const schema = z.strictObject({
  process: name,
  version: z.int().positive(),
  owner: name,
  description: z.string().optional(),
  starts: messageType,
  key: fieldName,
  attributes: oneOrMany(fieldName),
  'rejected-by': oneOrMany(messageType),
  'cancelled-by': oneOrMany(messageType),
  records: oneOrMany(messageType),
  steps: z
    .record(name, step)
    .refine((steps) => Object.keys(steps).length > 0, { error: 'must hold at least one step' }),
});

/** A process as a person wrote it, checked for form: durations are milliseconds, lists are lists. */
export type Definition = z.output<typeof schema> & {
  /** As it was written, for storing. */
  source: unknown;
};
export type StepDefinition = Definition['steps'][string];

/**
 * Checks the form of a definition read from YAML or JSON.
 * Throws `PROCESS_DEFINITION_INVALID` with every problem, each with its path. What the names refer to is checked by `compileDefinition`.
 */
export function parseDefinition(data: unknown): Definition {
  const result = schema.safeParse(data);
  if (result.success) return { ...result.data, source: data };
  const named = (data as { process?: unknown } | null)?.process;
  throw invalidDefinition(typeof named === 'string' ? named : '(without a name)', result.error.issues.flatMap(explain));
}

function explain(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.') || '(top)';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${path === '(top)' ? '' : `${path}.`}${key}: no such setting; remove it or correct its spelling`,
    );
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The branch that got furthest into the value explains best: an object was meant when an object was written.
    const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(deepest) > 0)
      return deepest.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) return [`${path}: is missing (${issue.message})`];
  return [`${path}: ${issue.message}`];
}

const depth = (issues: z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
