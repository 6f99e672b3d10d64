import { z } from 'zod';
import { type PolicyError } from './errors.js';
import { Exact } from './exact.js';
import { Money } from './money.js';
import type { Shape } from './shape.js';

/** The kind of value an output is: what may be written for it, and what an expression for it must give. */
export interface OutputType {
  /** As it is written in a policy, for example `list of text`. */
  name: string;
  /** CEL types that fit; none where only a written value does. */
  celTypes: readonly string[];
  written: z.ZodType;
  shape: Shape;
}

export interface Output extends OutputType {
  /** Whether a rule may leave it out; it is then absent from the outcome, or has this value. */
  isOptional: boolean;
  fallback?: unknown;
}

/** A field of the form that whoever decides fills in. */
const formField = z
  .strictObject({
    name: z.string().regex(/^[a-z][A-Za-z0-9]*$/, { error: 'must be one word, for example creditCheckedOn' }),
    label: z.string().min(1),
    type: z.enum(['text', 'number', 'money', 'date', 'boolean', 'choice']),
    required: z.boolean().default(false),
    options: z.array(z.string().min(1)).min(1).optional(),
  })
  .refine(({ type, options }) => (type === 'choice') === (options !== undefined), {
    error: 'a choice has options, and nothing else has',
  });

const text = z.string().trim().min(1);
const duration = text.regex(/^[1-9]\d* ((second|minute|hour|day)s?|business (hour|day)s?)$/, {
  error: 'must be a number and a unit, for example "15 minutes", "4 business hours" or "2 business days"',
});
const roles = z.array(z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be roles of infra/owners.yaml' })).min(1);
const string: Shape = { kind: 'string' };
const strings: Shape = { kind: 'list', of: string };

const types: Record<string, Omit<OutputType, 'name'>> = {
  boolean: { celTypes: ['bool'], written: z.boolean({ error: 'must be true or false' }), shape: { kind: 'bool' } },
  'whole number': { celTypes: ['int'], written: z.int({ error: 'must be a whole number' }), shape: { kind: 'int' } },
  number: {
    celTypes: ['decimal', 'int'],
    written: z.union([z.int(), z.string()], { error: 'must be a whole number, or a decimal in quotes' }),
    shape: { kind: 'decimal' },
  },
  money: { celTypes: ['money'], written: z.string(), shape: { kind: 'money' } },
  text: { celTypes: ['string'], written: text, shape: string },
  duration: { celTypes: [], written: duration, shape: string },
  roles: { celTypes: [], written: roles, shape: strings },
  'list of text': { celTypes: ['list<string>'], written: z.array(text), shape: strings },
  form: { celTypes: [], written: z.array(formField), shape: { kind: 'unknown' } },
};

/** The type that a policy names, for example `money` or `one of approve, reject`. */
function outputType(name: string): OutputType {
  if (!name.startsWith('one of ')) return { name, ...types[name]! };
  const choices = name.slice('one of '.length).split(', ') as [string, ...string[]];
  return { name, celTypes: [], written: z.enum(choices, { error: `must be ${choices.join(' or ')}` }), shape: string };
}

const needed = (name: string): Output => ({ ...outputType(name), isOptional: false });
const optional = (name: string, fallback?: unknown): Output => ({
  ...outputType(name),
  isOptional: true,
  ...(fallback !== undefined && { fallback }),
});

/** What a human checkpoint has to know: who decides, by when, and what happens if nobody does. */
const checkpointOutputs: Readonly<Record<string, Output>> = {
  required: needed('boolean'),
  roles: needed('roles'),
  due: needed('duration'),
  followUp: optional('duration'),
  remind: optional('duration'),
  escalateTo: optional('roles'),
  escalateAfter: optional('duration'),
  fourEyes: optional('boolean', false),
  expires: optional('duration'),
  onExpiry: optional('one of reject, approve, escalate'),
  form: optional('form', []),
};

/** The outputs a policy declares, by name. */
export function outputsOf(declared: 'checkpoint' | Record<string, string>): Readonly<Record<string, Output>> {
  if (declared === 'checkpoint') return checkpointOutputs;
  return Object.fromEntries(Object.entries(declared).map(([name, type]) => [name, needed(type)]));
}

/** A written value as it is recorded, or what is wrong with it. */
export function readWritten(type: OutputType, value: unknown): { value: unknown } | { problems: string[] } {
  const result = type.written.safeParse(value);
  if (!result.success)
    return { problems: result.error.issues.map(({ path, message }) => [...path.map(String), message].join(': ')) };
  try {
    if (type.name === 'money') return { value: toJson(Money.parse(result.data as string)) };
    if (type.name === 'number') return { value: Exact.parse(String(result.data)).toDecimal() };
  } catch (error) {
    return { problems: [(error as PolicyError).message] };
  }
  return { value: result.data };
}

/** What an expression gave, as it is recorded: JSON-safe, decimals as text. Throws `POLICY_NOT_EXPRESSIBLE`. */
export function toJson(value: unknown): unknown {
  if (value instanceof Exact) return value.toDecimal();
  if (value instanceof Money) return { amount: value.amount.toDecimal(), currency: value.currency };
  if (typeof value === 'bigint') return Number(value);
  return value;
}
