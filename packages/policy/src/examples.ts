import { suggest } from '@throughline/rule-form';
import type { CompiledPolicy } from './compile-policy.js';
import type { PolicyError } from './errors.js';
import { readWritten } from './outputs.js';
import type { Example } from './policy-file.js';
import type { RecordShape, Shape } from './shape.js';

/** One example of a policy file that was run. */
export interface ExampleResult {
  policy: string;
  example: string;
  /** What came out otherwise than expected; empty where the example holds. */
  problems: string[];
}

/** Runs every example of a policy. */
export function runExamples(policy: CompiledPolicy, message: RecordShape): ExampleResult[] {
  return policy.file.examples.map((example) => ({
    policy: policy.file.policy,
    example: example.name,
    problems: runExample(policy, message, example),
  }));
}

function runExample(policy: CompiledPolicy, message: RecordShape, { given, expect }: Example): string[] {
  const problems: string[] = [];
  const facts = toFacts(message, given, 'given', problems) as Record<string, unknown>;
  if (problems.length > 0) return problems;
  let outcome;
  try {
    outcome = policy.evaluate(facts);
  } catch (error) {
    return [(error as PolicyError).message];
  }
  for (const [name, value] of Object.entries(expect)) {
    const output = Object.hasOwn(policy.outputs, name) ? policy.outputs[name] : undefined;
    if (name !== 'rule' && !output) {
      problems.push(
        `expect.${name}: there is no such output${suggest(name, ['rule', ...Object.keys(policy.outputs)])}`,
      );
      continue;
    }
    const read = output && readWritten(output, value);
    const expected = JSON.stringify(read && 'value' in read ? read.value : value);
    const actual = JSON.stringify(name === 'rule' ? outcome.rule : outcome.outputs[name]);
    if (actual !== expected)
      problems.push(`expect.${name}: ${expected} was expected, ${actual} came out by rule ${outcome.rule}`);
  }
  return problems;
}

/** Facts as a message carries them, out of what a person wrote: whole amounts need no decimals, what is left out is empty or unknown. */
function toFacts(shape: Shape, value: unknown, path: string, problems: string[]): unknown {
  if (value === null) return null;
  if (shape.kind === 'decimal' && typeof value === 'string') return value;
  if (shape.kind === 'decimal' && Number.isSafeInteger(value)) return (value as number).toFixed();
  if (shape.kind === 'decimal') {
    problems.push(`${path}: write the amount in quotes, for example "0.10", so that it stays exact`);
    return null;
  }
  if (shape.kind === 'list' && Array.isArray(value))
    return value.map((item, index) => toFacts(shape.of, item, `${path}.${index}`, problems));
  if (shape.kind !== 'record' || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const field = shape.fields.get(name);
      if (!field)
        problems.push(`${path}.${name}: ${shape.name} has no such field${suggest(name, shape.fields.keys())}`);
      return [name, field && toFacts(field, inner, `${path}.${name}`, problems)];
    }),
  );
}
