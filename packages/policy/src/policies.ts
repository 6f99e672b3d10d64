import { suggest } from '@throughline/rule-form';
import { compilePolicy, type CompiledPolicy, type PolicyOutcome } from './compile-policy.js';
import { invalidPolicies, PolicyError } from './errors.js';
import { runExamples, type ExampleResult } from './examples.js';
import type { NameType } from './expression-walk.js';
import { ExpressionScope } from './expression.js';
import { parsePolicy } from './policy-file.js';
import { shapeOfMessage, toValue, type RecordShape, type Shape } from './shape.js';

/** What a process tells of the place where a condition stands: which messages have come before. */
export interface Scope {
  /** The event that starts the process; its fields are the plain names. */
  start: string;
  /** Steps before this one by name, each with its events of success; an expression names them in camelCase. */
  steps: Readonly<Record<string, readonly string[]>>;
  /** What `item` is: an event, or an element of the field `path` of one. */
  item?: { type: string; path?: string };
}

/** A fact that an expression reads, so that a process keeps it. */
export type FactRef =
  { from: 'start'; field: string } | { from: 'step'; step: string; field: string } | { from: 'item'; field: string };

/** The facts of one instance; only those that are read have to be there. JSON-safe, as messages carry them. */
export interface Facts {
  start: Readonly<Record<string, unknown>>;
  steps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  item?: Readonly<Record<string, unknown>>;
}

export interface Compiled<T> {
  reads: FactRef[];
  /** Throws a `PolicyError`. `policies`: what every policy said that had a part in it. */
  evaluate: (facts: Facts) => { value: T; policies: PolicyOutcome[] };
}

/** All policies of an installation, compiled together; what a process asks. */
export interface Policies {
  /** Compiles the CEL text of a condition: start fields by plain name, `<step>.<field>`, `item.<field>`, `policy.<name>.<output>`. */
  compileCondition: (text: string, scope: Scope) => Compiled<boolean> | { problems: string[] };
  /** Compiles the policy that a checkpoint names. */
  compilePolicy: (name: string, scope: Scope) => Compiled<PolicyOutcome> | { problems: string[] };
  /** By name; for asking one without a process. */
  all: ReadonlyMap<string, CompiledPolicy>;
  /** Runs the examples of every policy. */
  runExamples: () => ExampleResult[];
}

/** What is known of the messages; the catalogue of the contracts fits as it is. */
export type PolicyCatalog = Readonly<Record<string, { kind: 'event' | 'command'; schema: object }>>;

/**
 * Compiles policies, each as its file was read from YAML.
 * Throws `POLICY_INVALID` with every problem of all of them, each with policy and path and what to write instead.
 */
export function compilePolicies(files: readonly unknown[], { catalog }: { catalog: PolicyCatalog }): Policies {
  const shapes = new Map(Object.entries(catalog).map(([type, { schema }]) => [type, shapeOfMessage(schema)]));
  const all = new Map<string, CompiledPolicy>();
  const problems: string[] = [];
  for (const data of files) {
    const parsed = parsePolicy(data);
    if ('problems' in parsed) {
      problems.push(...parsed.problems);
      continue;
    }
    const { policy: name, about } = parsed.file;
    const message = shapes.get(about);
    if (all.has(name))
      problems.push(`${name}: another file holds a policy of this name; give the change the next version there`);
    if (!message)
      problems.push(`${name}: about: the contracts know no message ${about}${suggest(about, shapes.keys())}`);
    if (!message || all.has(name)) continue;
    const compiled = compilePolicy(parsed.file, message);
    if ('problems' in compiled) problems.push(...compiled.problems);
    else all.set(name, compiled.policy);
  }
  if (problems.length > 0) throw invalidPolicies(problems);
  return {
    all,
    compileCondition: (text, scope) => compileCondition(text, scope, shapes, all),
    compilePolicy: (name, scope) => {
      const placed = place(name, scope, shapes, all);
      if ('problems' in placed) return placed;
      const { reads, evaluate } = placed;
      return {
        reads,
        evaluate: (facts) => {
          const value = evaluate(facts);
          return { value, policies: [value] };
        },
      };
    },
    runExamples: () => [...all.values()].flatMap((policy) => runExamples(policy, shapes.get(policy.file.about)!)),
  };
}

type Shapes = ReadonlyMap<string, RecordShape>;

/** A policy in a process: where in its facts the message is that the policy is about. */
function place(
  name: string,
  scope: Scope,
  shapes: Shapes,
  all: ReadonlyMap<string, CompiledPolicy>,
): { reads: FactRef[]; evaluate: (facts: Facts) => PolicyOutcome } | { problems: string[] } {
  const policy = all.get(name);
  if (!policy) return { problems: [`there is no policy "${name}"${suggest(name, all.keys())}`] };
  const { about } = policy.file;
  const step = Object.keys(scope.steps).find((one) => scope.steps[one]!.every((type) => type === about));
  if (scope.start === about)
    return {
      reads: policy.reads.map((field) => ({ from: 'start', field })),
      evaluate: ({ start }) => policy.evaluate(start),
    };
  if (scope.item?.type === about && scope.item.path === undefined)
    return {
      reads: policy.reads.map((field) => ({ from: 'item', field })),
      evaluate: ({ item }) => policy.evaluate(present(item, 'item')),
    };
  if (step !== undefined)
    return {
      reads: policy.reads.map((field) => ({ from: 'step', step, field })),
      evaluate: ({ steps }) => policy.evaluate(present(steps[step], step)),
    };
  const problem = `policy "${name}" is about ${about}, which is not known here: the process starts with ${scope.start}`;
  return { problems: [shapes.has(scope.start) ? problem : `the contracts know no message ${scope.start}`] };
}

function compileCondition(
  text: string,
  scope: Scope,
  shapes: Shapes,
  all: ReadonlyMap<string, CompiledPolicy>,
): Compiled<boolean> | { problems: string[] } {
  const start = shapes.get(scope.start);
  if (!start)
    return { problems: [`the contracts know no message ${scope.start}${suggest(scope.start, shapes.keys())}`] };
  const names = new Map<string, NameType>(start.fields);
  const stepByPlainName = new Map(Object.keys(scope.steps).map((step) => [camelCase(step), step]));
  const steps = new Map(
    [...stepByPlainName].map(([plainName, step]) => [plainName, whatAllCarry(plainName, scope.steps[step]!, shapes)]),
  );
  const item = scope.item && itemShape(scope.item, shapes);
  const policyByPlainName = new Map([...all.keys()].map((name) => [camelCase(name), name]));
  for (const [step, shape] of steps) names.set(step, shape);
  if (item) names.set('item', item);
  names.set('policy', policiesShape(all));

  const expressions = new ExpressionScope(names);
  const compiled = expressions.compile(text);
  if ('problems' in compiled) return compiled;
  const { type, uses, evaluate } = compiled.expression;
  if (type !== 'bool' && type !== 'dyn') return { problems: [`"${text}" gives ${type}; a condition is true or false`] };

  const problems: string[] = [];
  const reads: FactRef[] = [];
  const asked: { plainName: string; evaluate: (facts: Facts) => PolicyOutcome }[] = [];
  for (const [name, fields] of uses) {
    if (start.fields.has(name) && steps.has(name))
      problems.push(`"${name}" is a field of ${scope.start} and a step; rename the step`);
    if ((steps.has(name) || name === 'item' || name === 'policy') && fields.size === 0)
      problems.push(`"${name}" alone says nothing; name a field of it, as in ${name}.<field>`);
    if (name === 'policy') {
      for (const plainName of fields) {
        const placed = place(policyByPlainName.get(plainName)!, scope, shapes, all);
        if ('problems' in placed) problems.push(...placed.problems);
        else {
          asked.push({ plainName, evaluate: placed.evaluate });
          reads.push(...placed.reads);
        }
      }
    } else if (steps.has(name))
      reads.push(...[...fields].map((field) => ({ from: 'step' as const, step: stepByPlainName.get(name)!, field })));
    else if (name === 'item') reads.push(...[...fields].map((field) => ({ from: 'item' as const, field })));
    else reads.push({ from: 'start', field: name });
  }
  if (problems.length > 0) return { problems };

  return {
    reads: distinct(reads),
    evaluate: (facts) => {
      const outcomes = asked.map((one) => ({ plainName: one.plainName, outcome: one.evaluate(facts) }));
      const given: Record<string, unknown> = {
        ...facts.start,
        ...Object.fromEntries([...stepByPlainName].map(([plainName, step]) => [plainName, facts.steps[step]])),
        item: facts.item,
        policy: Object.fromEntries(outcomes.map(({ plainName, outcome }) => [plainName, outcome.outputs])),
      };
      const values: Record<string, unknown> = {};
      for (const name of uses.keys())
        values[name] = toValue(names.get(name) as Shape, given[name], name, expressions.classes);
      return { value: evaluate(values) === true, policies: outcomes.map(({ outcome }) => outcome) };
    },
  };
}

/** What every one of the events carries, in the same shape: whichever of them came, the field is there. */
function whatAllCarry(name: string, types: readonly string[], shapes: Shapes): RecordShape {
  const [first, ...others] = types.map((type) => shapes.get(type)?.fields ?? new Map<string, Shape>());
  const common = [...(first ?? [])].filter(([field, shape]) =>
    others.every((fields) => JSON.stringify(fields.get(field)?.kind) === JSON.stringify(shape.kind)),
  );
  return { kind: 'record', name: types.length === 1 ? types[0]! : `step.${name}`, fields: new Map(common) };
}

function itemShape({ type, path }: NonNullable<Scope['item']>, shapes: Shapes): Shape {
  const shape: Shape = shapes.get(type) ?? { kind: 'unknown' };
  if (path === undefined || shape.kind !== 'record') return shape;
  const field = shape.fields.get(path);
  return field?.kind === 'list' ? field.of : { kind: 'unknown' };
}

/** `policy.<name>.<output>` as expressions see it. */
function policiesShape(all: ReadonlyMap<string, CompiledPolicy>): RecordShape {
  const fields = [...all].map(([name, { outputs }]): [string, Shape] => {
    const said = Object.entries(outputs).map(([output, { shape, isOptional, fallback }]): [string, Shape] => [
      output,
      { ...shape, isNullable: isOptional && fallback === undefined },
    ]);
    return [camelCase(name), { kind: 'record', name: `policy.${camelCase(name)}`, fields: new Map(said) }];
  });
  return { kind: 'record', name: 'policy', fields: new Map(fields) };
}

function present<T>(facts: T | undefined, name: string): T {
  if (facts !== undefined) return facts;
  throw new PolicyError('POLICY_FACT_MISSING', `Nothing is known of ${name} yet; put what asks for it after it.`);
}

const distinct = (reads: readonly FactRef[]): FactRef[] => [
  ...new Map(reads.map((read) => [JSON.stringify(read), read])).values(),
];

/** `credit-approval` is `creditApproval` in an expression. */
const camelCase = (name: string): string => name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
