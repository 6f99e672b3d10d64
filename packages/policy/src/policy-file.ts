import { nameIn, problemsOf, ruleName } from '@throughline/rule-form';
import { z } from 'zod';

const name = ruleName('credit-approval');
const plainName = z.string().regex(/^[a-z][A-Za-z0-9]*$/, { error: 'must be one word, for example creditLimit' });
const sentence = z.string().trim().min(1);
const expression = z.string().trim().min(1);

/** `[10 000 EUR, 11 000 USD]` */
const limits = z.array(z.string()).min(1);
const limitsForm = 'limits as in [10 000 EUR, 11 000 USD], their thousands set apart by spaces';

const groups = z
  .strictObject({
    of: expression.describe('The text that is looked up, for example account.country.'),
    groups: z.record(z.string(), z.array(z.string()).min(1)).describe('Each group with what belongs to it.'),
    otherwise: z.string().describe('The group of everything that is not listed.'),
    empty: z.string().optional().describe('The group where there is no value at all; that of `otherwise` by default.'),
  })
  .describe('Sorts a text into groups, for example countries into regions.');

const cell = z.union([z.string(), limits], { error: `must be a text, or ${limitsForm}` });
const table = z
  .strictObject({
    of: z
      .union([expression, z.tuple([expression, expression])])
      .describe('The text that is looked up; two texts for a table with rows and columns.'),
    table: z.record(
      z.string(),
      z.union([cell, z.record(z.string(), cell)], { error: `must be a text, ${limitsForm}, or a row of these` }),
    ),
    otherwise: cell.optional().describe('What holds for everything that the table does not list.'),
  })
  .describe('Looks up a text or limits, by one text or by two.');

const named = z
  .union([expression, limits, groups, table], {
    error: `must be an expression, ${limitsForm}, groups, or a table`,
  })
  .describe('An expression, limits as in [10 000 EUR, 11 000 USD], groups, or a table.');

const type = z
  .union([
    z.enum([
      'boolean',
      'whole number',
      'number',
      'money',
      'text',
      'duration',
      'roles',
      'list of text',
      'form',
    ] as const),
    z.string().regex(/^one of [a-z-]+(, [a-z-]+)*$/),
  ])
  .describe('What kind of value it is; "one of approve, reject" for a choice.');

const values = z
  .record(plainName, z.unknown())
  .describe('Outputs by name. A text that begins with "=" is an expression, as in "= total".');

const rule = z.strictObject({
  rule: name.describe('What people call this rule; it is recorded with every decision.'),
  when: expression.describe('The rule holds where this is true.'),
  because: sentence.optional().describe('Shown to whoever has to decide.'),
  then: values.default({}),
});
const lastRule = rule.omit({ when: true }).extend({ rule: name.default('otherwise') });

const example = z.strictObject({
  name: sentence,
  given: z.record(plainName, z.unknown()).describe('Fields of the message; one that is left out is empty or unknown.'),
  expect: z
    .record(z.string(), z.unknown())
    .describe('`rule`, and outputs as they must come out; others may be anything.'),
});

/** The form of a policy file; `apps/orchestrator/policies/policy.schema.json` is made of it. */
export const policySchema = z
  .strictObject({
    policy: name,
    version: z.int().positive().describe('Raised with every change; it is recorded with every decision.'),
    owner: name.describe('Who answers for it; listed in infra/owners.yaml.'),
    reason: sentence.describe('Why there is this policy.'),
    about: z
      .string()
      .regex(/^[A-Z][A-Za-z0-9]*$/, { error: 'must be a message type, for example OpportunityClosedWon' })
      .describe('The canonical message whose fields are the plain names in expressions.'),
    names: z.record(plainName, named).default({}).describe('Values and tables by name; one may use those above it.'),
    outputs: z
      .union([z.literal('checkpoint'), z.record(plainName, type)])
      .describe('What it says: "checkpoint" for who has to approve by when, or outputs of your own with their types.'),
    defaults: values.default({}).describe('What every rule says unless it says otherwise.'),
    rules: z.array(rule).default([]).describe('The first one that holds decides.'),
    otherwise: lastRule.describe('What holds where no rule does.'),
    examples: z.array(example).min(1).describe('Run as tests.'),
  })
  .describe('A business rule as data.');

/** A policy as a person wrote it, checked for form. */
export type PolicyFile = z.output<typeof policySchema> & {
  /** As it was written, for storing. */
  source: unknown;
};
export type Named = PolicyFile['names'][string];
export type Rule = PolicyFile['rules'][number];
export type Example = PolicyFile['examples'][number];

/** Checks the form of a policy read from YAML. The problems begin with the path at fault. */
export function parsePolicy(data: unknown): { file: PolicyFile } | { problems: string[] } {
  const result = policySchema.safeParse(data);
  if (result.success) return { file: { ...result.data, source: data } };
  const settingsAt = (path: PropertyKey[]): string[] => (path.length === 0 ? Object.keys(policySchema.shape) : []);
  const problems = problemsOf(result.error.issues, settingsAt, 'there is no such setting');
  return { problems: problems.map((problem) => `${nameIn(data, 'policy')}: ${problem}`) };
}
