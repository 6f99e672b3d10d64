import { suggest } from '@throughline/rule-form';
import { PolicyError } from './errors.js';
import { ExpressionScope, type Expression } from './expression.js';
import { compileNamed, mergeUses, type NamedValue } from './named-values.js';
import { outputsOf, readWritten, toJson, type Output } from './outputs.js';
import type { PolicyFile, Rule } from './policy-file.js';
import { toValue, type RecordShape } from './shape.js';

/** What a policy says of one set of facts; recorded with whatever is decided on it. */
export interface PolicyOutcome {
  policy: string;
  version: number;
  rule: string;
  /** Why this rule, for whoever has to decide. */
  because: string;
  /** JSON-safe: decimals as text, money as `{ amount, currency }`. */
  outputs: Record<string, unknown>;
}

/** A policy whose every reference resolves. */
export interface CompiledPolicy {
  file: PolicyFile;
  outputs: Readonly<Record<string, Output>>;
  /** Fields of the message it is about that it reads. */
  reads: readonly string[];
  /** Every role that one of its rules names. */
  roles: readonly string[];
  /** Decides on the fields of a message, JSON-safe as they travel. Throws a `PolicyError` that names policy and rule. */
  evaluate: (message: Readonly<Record<string, unknown>>) => PolicyOutcome;
}

interface CompiledRule {
  rule: Omit<Rule, 'when'>;
  when?: Expression;
  written: Record<string, unknown>;
  calculated: [name: string, expression: Expression][];
}

/** Checks a policy against the message it is about. Each problem begins with the policy and the path at fault. */
export function compilePolicy(
  file: PolicyFile,
  message: RecordShape,
): { policy: CompiledPolicy } | { problems: string[] } {
  const problems: string[] = [];
  const at = (path: string, found: readonly string[]): void => {
    problems.push(...found.map((problem) => `${file.policy}: ${path}: ${problem}`));
  };
  const scope = new ExpressionScope(message.fields);
  const names = compileNames(file, scope, at);
  const outputs = outputsOf(file.outputs);
  const rules = [...file.rules, file.otherwise].map((rule) => compileRule(rule, file, outputs, scope, at));
  const twice = file.rules.find(({ rule }, index) => file.rules.findIndex((other) => other.rule === rule) < index);
  if (twice) at(`rules.${twice.rule}`, ['there is another rule of this name']);
  // What is wrong with a default is wrong in every rule: it is told once.
  if (problems.length > 0) return { problems: [...new Set(problems)] };

  const direct = rules.flatMap(({ when, calculated }) => [
    ...(when ? [when.uses] : []),
    ...calculated.map(([, { uses }]) => uses),
  ]);
  const reads = [...fieldsBehind(mergeUses(direct), names)].filter((name) => message.fields.has(name));
  const values = valuesOf(message, names, scope);
  const evaluate = (facts: Readonly<Record<string, unknown>>): PolicyOutcome => decide(file, rules, values(facts));
  return { policy: { file, outputs, reads, roles: rolesOf(outputs, rules), evaluate } };
}

function compileNames(
  file: PolicyFile,
  scope: ExpressionScope,
  at: (path: string, problems: readonly string[]) => void,
): Map<string, NamedValue> {
  const names = new Map<string, NamedValue>();
  for (const [name, named] of Object.entries(file.names)) {
    const path = `names.${name}`;
    if (scope.has(name)) {
      at(path, [`${file.about} has a field of this name; choose another`]);
      continue;
    }
    const compiled = compileNamed(named, scope, names);
    if ('problems' in compiled) at(path, compiled.problems);
    else names.set(name, compiled.value);
    // A name that could not be compiled is known all the same, so that what uses it is not told to be wrong, too.
    scope.declare(name, { kind: 'value', type: 'problems' in compiled ? 'dyn' : compiled.value.celType });
  }
  return names;
}

function compileRule(
  rule: Omit<Rule, 'when'> & { when?: string },
  file: PolicyFile,
  outputs: Readonly<Record<string, Output>>,
  scope: ExpressionScope,
  at: (path: string, problems: readonly string[]) => void,
): CompiledRule {
  const path = rule.when === undefined ? 'otherwise' : `rules.${rule.rule}`;
  const compiled: CompiledRule = { rule, written: {}, calculated: [] };
  if (rule.when !== undefined) {
    const when = compileTyped(rule.when, ['bool'], scope);
    if ('problems' in when) at(`${path}.when`, when.problems);
    else compiled.when = when.expression;
  }
  const said = [
    ...Object.entries(file.defaults).map(([name, value]) => ({
      name,
      value,
      path: `defaults.${name}`,
      isDefault: true,
    })),
    ...Object.entries(rule.then).map(([name, value]) => ({
      name,
      value,
      path: `${path}.then.${name}`,
      isDefault: false,
    })),
  ];
  for (const { name, value, path: where, isDefault } of said) {
    if (isDefault && name in rule.then) continue;
    const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (!output) {
      at(where, [`there is no such output${suggest(name, Object.keys(outputs))}`]);
    } else if (typeof value === 'string' && value.startsWith('=')) {
      const calculated = compileTyped(value.slice(1), output.celTypes, scope);
      if ('problems' in calculated) at(where, calculated.problems);
      else compiled.calculated.push([name, calculated.expression]);
    } else {
      const written = readWritten(output, value);
      if ('problems' in written) at(where, written.problems);
      else compiled.written[name] = written.value;
    }
  }
  for (const [name, { isOptional, fallback }] of Object.entries(outputs)) {
    if (name in rule.then || name in file.defaults) continue;
    if (fallback !== undefined) compiled.written[name] = fallback;
    else if (!isOptional) at(`${path}.then`, [`says nothing of ${name}; add it here or under "defaults"`]);
  }
  return compiled;
}

function compileTyped(
  text: string,
  types: readonly string[],
  scope: ExpressionScope,
): { expression: Expression } | { problems: string[] } {
  if (types.length === 0) return { problems: ['must be written out; it cannot be calculated'] };
  const compiled = scope.compile(text.trim());
  if ('problems' in compiled || types.includes(compiled.expression.type) || compiled.expression.type === 'dyn')
    return compiled;
  return { problems: [`"${text.trim()}" gives ${compiled.expression.type}, where ${types.join(' or ')} is needed`] };
}

/** Message fields that are used, also by way of named values. */
function fieldsBehind(uses: Expression['uses'], names: ReadonlyMap<string, NamedValue>): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const used of names.get(name)?.uses.keys() ?? []) visit(used);
  };
  for (const name of uses.keys()) visit(name);
  return found;
}

/** Makes the values of expressions out of a message; each is made when an expression asks for it, and once. */
function valuesOf(
  message: RecordShape,
  names: ReadonlyMap<string, NamedValue>,
  scope: ExpressionScope,
): (facts: Readonly<Record<string, unknown>>) => Record<string, unknown> {
  const makers = new Map<
    string,
    (facts: Readonly<Record<string, unknown>>, values: Record<string, unknown>) => unknown
  >([
    ...[...message.fields].map(
      ([field, shape]) =>
        [
          field,
          (facts: Readonly<Record<string, unknown>>) => toValue(shape, facts[field], field, scope.classes),
        ] as const,
    ),
    ...[...names].map(
      ([name, { evaluate }]) => [name, (_: unknown, values: Record<string, unknown>) => evaluate(values)] as const,
    ),
  ]);
  return (facts) => {
    const values: Record<string, unknown> = {};
    for (const [name, make] of makers)
      Object.defineProperty(values, name, {
        configurable: true,
        enumerable: true,
        get: () => {
          const value = make(facts, values);
          Object.defineProperty(values, name, { value });
          return value;
        },
      });
    return values;
  };
}

function decide(file: PolicyFile, rules: readonly CompiledRule[], values: Record<string, unknown>): PolicyOutcome {
  let current = '';
  try {
    for (const { rule, when, written, calculated } of rules) {
      current = rule.rule;
      if (when && when.evaluate(values) !== true) continue;
      const outputs = { ...written };
      for (const [name, expression] of calculated) outputs[name] = toJson(expression.evaluate(values));
      return {
        policy: file.policy,
        version: file.version,
        rule: rule.rule,
        because: rule.because ?? file.reason,
        outputs,
      };
    }
  } catch (error) {
    if (error instanceof PolicyError) throw error.at(`policy ${file.policy} version ${file.version}, rule ${current}`);
    throw error;
  }
  throw new TypeError('The last rule has no condition, so that one of them always holds.');
}

function rolesOf(outputs: Readonly<Record<string, Output>>, rules: readonly CompiledRule[]): string[] {
  const names = Object.keys(outputs).filter((name) => outputs[name]!.name === 'roles');
  return [
    ...new Set(rules.flatMap(({ written }) => names.flatMap((name) => (written[name] as string[] | undefined) ?? []))),
  ];
}
