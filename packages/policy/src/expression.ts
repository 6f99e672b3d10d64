import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { Day } from './day.js';
import { PolicyError } from './errors.js';
import { Exact } from './exact.js';
import { language } from './language.js';
import { Money } from './money.js';
import { recordClass, type RecordClass, type Shape } from './shape.js';
import { suggest } from './suggest.js';

/** A name that expressions may use: a fact of a known shape, or a value of one of CEL's types, for example `money`. */
export type NameType = Shape | { kind: 'value'; type: string };

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

  /** Checks an expression. `isEmptyFine`: it may give an empty value. The problems say what is wrong and what to write instead; there is an expression only where there are none. */
  compile(text: string, { isEmptyFine = false } = {}): { expression: Expression } | { problems: string[] } {
    const walk = new Walk(this.names, this.functions);
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

/** Goes once through the syntax tree: which names are used, what does not exist, and what is to be written in another way. */
class Walk {
  readonly problems: string[] = [];
  readonly uses = new Map<string, Set<string>>();
  private readonly rewrites: { start: number; end: number; text: string }[] = [];
  private readonly guarded = new Set<string>();
  private readonly unguarded = new Map<string, string>();

  constructor(
    private readonly names: ReadonlyMap<string, NameType>,
    private readonly functions: ReadonlyMap<string, string[]>,
  ) {}

  visit(ast: ASTNode, isEmptyFine: boolean): void {
    this.walk(ast, new Map(), isEmptyFine);
    for (const [path, problem] of this.unguarded) if (!this.guarded.has(path)) this.problems.push(problem);
  }

  rewritten(text: string): string {
    const last = this.rewrites.toSorted((a, b) => b.start - a.start);
    return last.reduce((result, { start, end, text: by }) => result.slice(0, start) + by + result.slice(end), text);
  }

  /** The shape of what the node gives, where it is known. `isEmptyFine`: what is around it gives an empty value a meaning. */
  private walk(
    node: ASTNode,
    bound: ReadonlyMap<string, NameType | undefined>,
    isEmptyFine: boolean,
  ): NameType | undefined {
    switch (node.op) {
      case 'value':
        if (typeof node.args === 'number') {
          this.checkWritten(node, 'decimal', textOf(node));
          this.rewrite(node, `decimal("${textOf(node)}")`);
        }
        return undefined;
      case 'id':
        return this.checkEmpty(node, this.name(node.args, bound), isEmptyFine);
      case '.':
        return this.checkEmpty(node, this.field(node, node.args[0], node.args[1], bound), isEmptyFine);
      case '[]': {
        const [list, index] = node.args;
        this.walk(index, bound, false);
        const shape = this.walk(list, bound, false);
        return shape?.kind === 'list' ? shape.of : undefined;
      }
      case 'call':
        return this.call(node, node.args[0], node.args[1], bound);
      case 'rcall':
        return this.method(node, node.args[0], node.args[1], node.args[2], bound);
      case '==':
      case '!=': {
        const [left, right] = node.args;
        if (isNull(right)) this.guarded.add(textOf(left));
        if (isNull(left)) this.guarded.add(textOf(right));
        this.checkEqual(node, this.walk(left, bound, true), right);
        this.checkEqual(node, this.walk(right, bound, true), left);
        return undefined;
      }
      case 'in':
        this.walk(node.args[0], bound, true);
        this.walk(node.args[1], bound, false);
        return undefined;
      case '?:': {
        this.walk(node.args[0], bound, false);
        const shape = this.walk(node.args[1], bound, isEmptyFine);
        this.walk(node.args[2], bound, isEmptyFine);
        return shape;
      }
      case 'map':
        for (const [key, value] of node.args) {
          this.walk(key, bound, false);
          this.walk(value, bound, false);
        }
        return undefined;
      case '!_':
      case '-_':
        this.walk(node.args, bound, false);
        return undefined;
      case 'list': {
        const [first] = node.args.map((item) => this.walk(item, bound, false));
        return first && first.kind !== 'value' ? { kind: 'list', of: first } : undefined;
      }
      default:
        for (const part of node.args as ASTNode[]) this.walk(part, bound, false);
        return undefined;
    }
  }

  private name(name: string, bound: ReadonlyMap<string, NameType | undefined>): NameType | undefined {
    if (bound.has(name)) return bound.get(name);
    const type = this.names.get(name);
    if (type) this.uses.set(name, this.uses.get(name) ?? new Set());
    else this.problems.push(`there is no "${name}" here${suggest(name, this.names.keys())}`);
    return type;
  }

  private field(
    node: ASTNode,
    owner: ASTNode,
    field: string,
    bound: ReadonlyMap<string, NameType | undefined>,
  ): NameType | undefined {
    const shape = this.walk(owner, bound, false);
    if (owner.op === 'id' && !bound.has(owner.args)) this.uses.get(owner.args)?.add(field);
    if (shape?.kind !== 'record') return undefined;
    const found = shape.fields.get(field);
    if (!found)
      this.problems.push(
        `"${textOf(node)}": ${shape.name} has no field ${field}${suggest(field, shape.fields.keys())}`,
      );
    return found;
  }

  private call(
    node: ASTNode,
    name: string,
    args: ASTNode[],
    bound: ReadonlyMap<string, NameType | undefined>,
  ): NameType | undefined {
    if (name === 'has' && args[0]) {
      const shape = this.walk(args[0], bound, true);
      if (!isPath(args[0])) this.problems.push(`"${textOf(node)}": has() takes a field, as in has(account.country)`);
      this.guarded.add(textOf(args[0]));
      const canBeEmpty = shape && shape.kind !== 'value' && shape.isNullable;
      this.rewrite(node, canBeEmpty ? `(${textOf(args[0])} != null)` : 'true');
      return undefined;
    }
    if (name === 'double') this.problems.push(`"${textOf(node)}": a double is not exact; use decimal(...)`);
    else if (!this.functions.has(name))
      this.problems.push(`there is no function "${name}"${suggest(name, this.functions.keys())}`);
    const [only] = args;
    if (args.length === 1 && only?.op === 'value' && typeof only.args === 'string')
      this.checkWritten(node, name, only.args);
    args.forEach((arg, index) => this.walk(arg, bound, name === 'orElse' && index === 0));
    return undefined;
  }

  private method(
    node: ASTNode,
    name: string,
    receiver: ASTNode,
    args: ASTNode[],
    bound: ReadonlyMap<string, NameType | undefined>,
  ): NameType | undefined {
    if (receiver.op === 'id' && receiver.args === 'cel') {
      this.problems.push(`"${textOf(node)}": give the value a name of its own under "names" instead`);
      return undefined;
    }
    const list = this.walk(receiver, bound, false);
    const [variable, ...parts] = args;
    if (!iterating.has(name) || variable?.op !== 'id') {
      if (!this.functions.has(name))
        this.problems.push(`there is no function "${name}"${suggest(name, this.functions.keys())}`);
      for (const arg of args) this.walk(arg, bound, false);
      return undefined;
    }
    const element = list?.kind === 'list' ? list.of : undefined;
    const inside = new Map([...bound, [variable.args, element]]);
    const shapes = parts.map((part) => this.walk(part, inside, false));
    if (name === 'filter') return list;
    const last = shapes.at(-1);
    return name === 'map' && last && last.kind !== 'value' ? { kind: 'list', of: last } : undefined;
  }

  private checkEmpty(node: ASTNode, type: NameType | undefined, isEmptyFine: boolean): NameType | undefined {
    if (type && type.kind !== 'value' && type.isNullable && !isEmptyFine) {
      const path = textOf(node);
      this.unguarded.set(
        path,
        `"${path}" can be empty; say what holds then, as in has(${path}) && ... or !has(${path}) || ...`,
      );
    }
    return type;
  }

  /** A value that is written out is read when the expression is checked, not when it first matters. */
  private checkWritten(node: ASTNode, name: string, text: string): void {
    try {
      readWritten[name]?.(text);
    } catch (error) {
      this.problems.push(`"${textOf(node)}": ${(error as PolicyError).message}`);
    }
  }

  /** CEL finds a value that can be empty and one of another kind merely unequal; whoever compares them meant something else. */
  private checkEqual(node: ASTNode, type: NameType | undefined, other: ASTNode): void {
    if (!type || type.kind === 'value' || !type.isNullable || other.op !== 'value' || other.args === null) return;
    const written = { string: 'string', bigint: 'int', boolean: 'bool', number: 'decimal' }[
      typeof other.args as string
    ];
    const isNumeral = type.kind === 'decimal' && (written === 'int' || written === 'decimal');
    if (written !== type.kind && !isNumeral)
      this.problems.push(`"${textOf(node)}": ${type.kind} ${node.op} ${written} has no meaning`);
  }

  private rewrite(node: ASTNode, text: string): void {
    this.rewrites.push({ start: node.start, end: node.end, text });
  }
}

const iterating = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const readWritten: Readonly<Record<string, (text: string) => unknown>> = {
  decimal: (text) => Exact.parse(text),
  money: (text) => Money.parse(text),
  date: (text) => Day.parse(text),
};

const textOf = (node: ASTNode): string => node.input.slice(node.start, node.end);
const isPath = (node: ASTNode): boolean => node.op === 'id' || (node.op === '.' && isPath(node.args[0]));
const isNull = (node: ASTNode): boolean => node.op === 'value' && node.args === null;

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
