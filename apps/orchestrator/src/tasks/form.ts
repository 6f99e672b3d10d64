import { codeOf, isExpressible, toDecimal } from '@throughline/contracts';
import { z } from 'zod';

const name = z.string().regex(/^[a-z][A-Za-z0-9]*$/, { error: 'must be a field name, for example creditLimit' });

/** One question to whoever approves. */
export const formField = z
  .strictObject({
    name,
    label: z.string().trim().min(1).max(200),
    type: z.enum(['text', 'number', 'money', 'date', 'boolean', 'choice']),
    required: z.boolean().default(false),
    options: z.array(z.string().trim().min(1)).min(1).optional(),
  })
  .refine(({ type, options }) => (type === 'choice') === (options !== undefined), {
    path: ['options'],
    error: 'belongs to a choice, and a choice needs them',
  });
export type FormField = z.output<typeof formField>;

/** Money is exact text beside its currency, never a number. */
export type FormValue = string | number | boolean | { amount: string; currency: string };

export interface FormProblem {
  field: string;
  message: string;
}

const TEXT_MAX = 4_000;

/** Reads the answers to a form: every one in its own type, or every problem with the field at fault. */
export function readForm(
  fields: FormField[],
  given: Record<string, unknown>,
): { values: Record<string, FormValue> } | { problems: FormProblem[] } {
  const known = fields.map((field) => field.name);
  const problems: FormProblem[] = Object.keys(given)
    .filter((field) => !known.includes(field))
    .map((field) => ({ field, message: `is not asked for; the form has ${known.join(', ') || 'no fields'}` }));
  const values: Record<string, FormValue> = {};
  for (const field of fields) {
    const answer = given[field.name];
    if (answer === undefined || answer === null || answer === '') {
      if (field.required) problems.push({ field: field.name, message: `(${field.label}) must be filled in` });
      continue;
    }
    const value = readers[field.type](answer, field);
    if (value === undefined)
      problems.push({ field: field.name, message: `(${field.label}) must be ${forms[field.type](field)}` });
    else values[field.name] = value;
  }
  return problems.length > 0 ? { problems } : { values };
}

/** What a person may write, and how it is told to somebody who wrote something else. */
const forms: Record<FormField['type'], (field: FormField) => string> = {
  text: () => `text of at most ${TEXT_MAX} characters`,
  number: () => 'a number, for example 12.5',
  money: () => 'an amount and its currency, for example 1250.00 EUR',
  date: () => 'a date, for example 2026-12-31',
  boolean: () => 'true or false',
  choice: ({ options }) => `one of ${options?.join(', ')}`,
};

const readers: Record<FormField['type'], (answer: unknown, field: FormField) => FormValue | undefined> = {
  text: (answer) => (typeof answer === 'string' && answer.length <= TEXT_MAX ? answer : undefined),
  number(answer) {
    const value = typeof answer === 'string' && /^[+-]?\d+(\.\d+)?$/.test(answer.trim()) ? Number(answer) : answer;
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  },
  money: readMoney,
  date: (answer) => (typeof answer === 'string' && z.iso.date().safeParse(answer).success ? answer : undefined),
  boolean: (answer) => ({ true: true, false: false })[String(answer)],
  choice: (answer, { options }) => options?.find((option) => option === answer),
};

function readMoney(answer: unknown): FormValue | undefined {
  const { amount, currency } =
    typeof answer === 'string'
      ? (/^(?<amount>\S+) (?<currency>[A-Z]{3})$/.exec(answer.trim())?.groups ?? {})
      : (answer as Record<string, unknown>);
  if (typeof amount !== 'string' || typeof currency !== 'string') return undefined;
  try {
    const exact = toDecimal(amount);
    return isExpressible(exact, currency) ? { amount: exact, currency } : undefined;
  } catch (error) {
    if (codeOf(error) !== 'CONTRACT_AMOUNT_INVALID') throw error;
    return undefined;
  }
}
