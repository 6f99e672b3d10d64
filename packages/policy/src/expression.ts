import type { Environment } from '@marcbachmann/cel-js';
import { PolicyError } from './errors.js';
import { ExpressionWalk, type NameType } from './expression-walk.js';
import { language } from './language.js';
import { recordClass, type RecordClass, type Shape } from './shape.js';

/** An expression whose names, fields, functions and types have been checked. */
export interface Expression {
  /** CEL's name of the type it gives, for example `bool` or `money`. */
  type: string;
  /** The names it uses; behind each, the fields that it looks into directly (none: the whole). */
  uses: ReadonlyMap<string, ReadonlySet<string>>;
  /** The value for these values of the names. Throws a `PolicyError`. */
  evaluate: (values: Record<string, unknown>) => unknown;
}

/**
 * What expressions of one place may refer to. Checking and evaluating are CEL's; this adds what a person needs who writes one: fields and
 * functions that do not exist are told with the nearest that do, a value that can be empty has to be handled, and a number with a point
 * is exact, not a double.
 */
export class ExpressionScope {
  /** The class of each kind of record, for making the values of expressions. */
  readonly classes = new Map<string, RecordClass>();
  private readonly names = new Map<string, NameType>();
  private readonly environment: Environment = language.clone();
  private readonly functions: ReadonlyMap<string, string[]>;

  constructor(names: Iterable<[name: string, type: NameType]>) {
    for (const [name, type] of names) this.declare(name, type);
    const functions = new Map<string, string[]>();
    for (const { name, signature } of this.environment.getDefinitions().functions)
      functions.set(name, [...(functions.get(name) ?? []), signature]);
    this.functions = functions;
  }

  /** Makes a name known to the expressions that are compiled from now on. */
  declare(name: string, type: NameType): void {
    this.names.set(name, type);
    this.environment.registerVariable(name, this.celType(type));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /**
   * Checks an expression; there is one only where nothing is wrong. The problems say what to write instead.
   * `isEmptyFine`: it may give an empty value.
   */
  compile(text: string, { isEmptyFine = false } = {}): { expression: Expression } | { problems: string[] } {
    const walk = new ExpressionWalk(this.names, this.functions);
    let source: string;
    try {
      walk.visit(this.environment.parse(text).ast, isEmptyFine);
      if (walk.problems.length > 0) return { problems: walk.problems };
      source = walk.rewritten(text);
      const parsed = this.environment.parse(source);
      const { type, error } = parsed.check();
      if (error) throw error;
      const uses = walk.uses;
      return { expression: { type: type!, uses, evaluate: (values) => evaluated(() => parsed(values), text) } };
    } catch (error) {
      return { problems: [this.explain(error as CelError, text)] };
    }
  }

  private celType(type: NameType): string {
    if (type.kind === 'value') return type.type;
    const name = this.plainCelType(type);
    return type.isNullable ? `dyn<${name}>` : name;
  }

  private plainCelType(shape: Shape): string {
    if (shape.kind === 'unknown') return 'dyn';
    if (shape.kind === 'timestamp') return 'google.protobuf.Timestamp';
    if (shape.kind === 'list') return `list<${this.celType(shape.of)}>`;
    if (shape.kind !== 'record') return shape.kind;
    if (this.classes.has(shape.name)) return shape.name;
    const ctor = recordClass();
    this.classes.set(shape.name, ctor);
    const fields = Object.fromEntries([...shape.fields].map(([name, field]) => [name, this.celType(field)]));
    this.environment.registerType(shape.name, { ctor, fields });
    return shape.name;
  }

  private explain(error: CelError, text: string): string {
    const { start = 0, end = 0 } = error.node ?? {};
    const input = error.node?.input ?? text;
    const part = end > start && end - start < input.length ? `"${input.slice(start, end)}" in "${text}"` : `"${text}"`;
    const [, left, operator, right] = /^no such overload: (.+) ([^ ]+) (.+)$/.exec(error.summary ?? '') ?? [];
    if (left && operator && right)
      return `${part}: ${plain(left)} ${operator} ${plain(right)} has no meaning${hint(left, right)}`;
    const [, called, given] =
      /^found no matching overload for '(?:.*\.)?(\w+)\((.*)\)'$/.exec(error.summary ?? '') ?? [];
    const known = called ? this.functions.get(called) : undefined;
    if (known) {
      const takes = known.map((signature) => plain(signature.replace(/: [^:]*$/, '')));
      return `${part}: ${called}(${plain(given ?? '')}) has no meaning; there is ${takes.join(', ')}`;
    }
    return `${part}: ${error.summary ?? error.message}`;
  }
}

interface CelError extends Error {
  code?: string;
  summary?: string;
  node?: { start: number; end: number; input: string };
}

/** CEL's type names in the words of the documentation. */
const plain = (type: string): string =>
  type.replaceAll('google.protobuf.Timestamp', 'timestamp').replaceAll(/dyn<([^>]+)>/g, '$1 (or empty)');

function hint(left: string, right: string): string {
  const types = [left, right].join();
  if (/double/.test(types)) return '; a double is not exact: write decimal("...")';
  if (/money|limits/.test(types) && /int|decimal/.test(types))
    return '; a number has no currency: write money(..., currency), or name limits for each currency';
  return '';
}

function evaluated(evaluate: () => unknown, text: string): unknown {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof PolicyError) throw error.at(`"${text}"`);
    throw translated(error as CelError, text);
  }
}

function translated(error: CelError, text: string): PolicyError {
  const told = error.summary ?? error.message;
  const part = error.node ? error.node.input.slice(error.node.start, error.node.end) : text;
  if (error.code === 'division_by_zero' || error.code === 'modulo_by_zero')
    return new PolicyError(
      'POLICY_DIVISION_BY_ZERO',
      `"${text}": "${part}" divides by zero; say with a rule before it what holds then.`,
      { cause: error },
    );
  if (error.code === 'no_such_key' || error.code === 'unknown_variable')
    return new PolicyError(
      'POLICY_FACT_MISSING',
      `"${text}": ${part} is not known here; the message that carries it lacks it.`,
      { cause: error },
    );
  if (/\bnull\b/.test(told))
    return new PolicyError(
      'POLICY_VALUE_EMPTY',
      `"${text}": a value in "${part}" is empty; say what holds then, with has(...) or orElse(..., ...).`,
      { cause: error },
    );
  return new PolicyError('POLICY_EVALUATION_FAILED', `"${text}": ${told}; correct the expression.`, { cause: error });
}
