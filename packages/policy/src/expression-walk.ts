import type { ASTNode } from '@marcbachmann/cel-js';
import { suggest } from '@throughline/rule-form';
import { Day } from './day.js';
import type { PolicyError } from './errors.js';
import { Exact } from './exact.js';
import { Money } from './money.js';
import type { Shape } from './shape.js';

/** A name that expressions may use: a fact of a known shape, or a value of one of CEL's types, for example `money`. */
export type NameType = Shape | { kind: 'value'; type: string };

/** Goes once through the syntax tree: which names are used, what does not exist, and what is to be written in another way. */
export class ExpressionWalk {
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
