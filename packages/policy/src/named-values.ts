import { suggest } from '@throughline/rule-form';
import { PolicyError } from './errors.js';
import type { Expression, ExpressionScope } from './expression.js';
import { Limits } from './money.js';
import type { Named } from './policy-file.js';

/** A named value of a policy: an expression, limits, or what a table says. */
export interface NamedValue {
  celType: string;
  /** Names it uses, each with the fields it looks into. */
  uses: Expression['uses'];
  /** Every text it can give, where they are known: the groups of a grouping, the cells of a table. */
  possible: ReadonlySet<string> | undefined;
  evaluate: (values: Record<string, unknown>) => unknown;
}

type Groups = Extract<Named, { groups: unknown }>;
type Table = Extract<Named, { table: unknown }>;
type Cell = string | Limits;

/** Compiles one named value; `earlier` are those above it. Problems carry the path within the value. */
export function compileNamed(
  named: Named,
  scope: ExpressionScope,
  earlier: ReadonlyMap<string, NamedValue>,
): { value: NamedValue } | { problems: string[] } {
  if (typeof named === 'string') {
    const compiled = scope.compile(named);
    if ('problems' in compiled) return compiled;
    const { type, uses, evaluate } = compiled.expression;
    return { value: { celType: type, uses, possible: undefined, evaluate } };
  }
  const problems: string[] = [];
  const value = Array.isArray(named)
    ? constant(readLimits(named, '', problems))
    : 'groups' in named
      ? compileGroups(named, scope, problems)
      : compileTable(named, scope, earlier, problems);
  return value && problems.length === 0 ? { value } : { problems };
}

function constant(limits: Limits | undefined): NamedValue | undefined {
  return limits && { celType: 'limits', uses: new Map(), possible: undefined, evaluate: () => limits };
}

function compileGroups(named: Groups, scope: ExpressionScope, problems: string[]): NamedValue | undefined {
  const { groups, otherwise, empty = otherwise } = named;
  const of = lookedUp(named.of, 'of', scope, problems);
  const groupOf = new Map<string, string>();
  for (const [group, members] of Object.entries(groups)) {
    for (const member of members) {
      const other = groupOf.get(member);
      if (other) problems.push(`groups.${group}: ${member} is in ${other} already`);
      groupOf.set(member, group);
    }
  }
  return (
    of && {
      celType: 'string',
      uses: of.uses,
      possible: new Set([...Object.keys(groups), otherwise, empty]),
      evaluate: (values) => {
        const text = of.evaluate(values) as string | null;
        return text === null ? empty : (groupOf.get(text) ?? otherwise);
      },
    }
  );
}

function compileTable(
  named: Table,
  scope: ExpressionScope,
  earlier: ReadonlyMap<string, NamedValue>,
  problems: string[],
): NamedValue | undefined {
  const texts = typeof named.of === 'string' ? [named.of] : named.of;
  const keys = texts.map((text, index) => lookedUp(text, texts.length > 1 ? `of.${index}` : 'of', scope, problems));
  const otherwise = named.otherwise === undefined ? undefined : readCell(named.otherwise, 'otherwise', problems);
  const cells = new Map<string, Cell>();
  for (const [row, content] of Object.entries(named.table)) {
    const isRow = typeof content === 'object' && !Array.isArray(content);
    if (isRow !== texts.length > 1) {
      problems.push(
        `table.${row}: must be ${texts.length > 1 ? 'a row' : 'one value'}, because "of" names ${texts.length} text(s)`,
      );
      continue;
    }
    for (const [column, cell] of isRow ? Object.entries(content) : [['', content] as const]) {
      const read = readCell(cell, ['table', row, ...(isRow ? [column] : [])].join('.'), problems);
      if (read !== undefined) cells.set(keyOf([row, ...(isRow ? [column] : [])]), read);
    }
  }
  checkKeys(named, texts, cells, earlier, problems);
  const all = [...cells.values(), ...(otherwise === undefined ? [] : [otherwise])];
  const isText = all.every((cell) => typeof cell === 'string');
  if (!isText && !all.every((cell) => cell instanceof Limits)) {
    problems.push('table: mixes texts and limits; every cell and "otherwise" must be of one kind');
    return undefined;
  }
  if (!keys.every((key) => key !== undefined)) return undefined;
  return {
    celType: isText ? 'string' : 'limits',
    uses: mergeUses(keys.map(({ uses }) => uses)),
    possible: isText ? new Set(all) : undefined,
    evaluate: (values) => {
      const found = keys.map((key) => key.evaluate(values) as string | null);
      const cell = cells.get(keyOf(found.map((text) => text ?? ''))) ?? otherwise;
      if (cell !== undefined) return cell;
      throw new PolicyError(
        'POLICY_LIMIT_MISSING',
        `The table has nothing for ${found.map((text) => text ?? 'an empty value').join(', ')}; add it, or an "otherwise".`,
      );
    },
  };
}

/** Rows and columns that can never be looked up are misspelt; ones that can be, and are not there, need an `otherwise`. */
function checkKeys(
  named: Table,
  texts: readonly string[],
  cells: ReadonlyMap<string, Cell>,
  earlier: ReadonlyMap<string, NamedValue>,
  problems: string[],
): void {
  const possible = texts.map((text) => earlier.get(text)?.possible);
  for (const [row, content] of Object.entries(named.table)) {
    const columns = typeof content === 'object' && !Array.isArray(content) ? Object.keys(content) : [];
    for (const [index, keys] of [[row], columns].entries()) {
      const known = possible[index];
      for (const key of keys)
        if (known && !known.has(key))
          problems.push(
            `table.${index === 0 ? key : `${row}.${key}`}: ${texts[index]} is never "${key}"${suggest(key, known)}`,
          );
    }
  }
  if (named.otherwise !== undefined) return;
  if (!possible.every((known) => known !== undefined)) {
    problems.push('otherwise: is missing; say what holds for what the table does not list');
    return;
  }
  const [rows = new Set<string>(), columns] = possible;
  const combinations = [...rows].flatMap((row) => (columns ? [...columns].map((column) => [row, column]) : [[row]]));
  for (const combination of combinations)
    if (!cells.has(keyOf(combination)))
      problems.push(`table: has nothing for ${combination.join(', ')}; add it, or an "otherwise"`);
}

function lookedUp(text: string, path: string, scope: ExpressionScope, problems: string[]): Expression | undefined {
  // A lookup has an answer for an empty value, so the field may be empty here.
  const compiled = scope.compile(text, { isEmptyFine: true });
  if ('problems' in compiled) {
    problems.push(...compiled.problems.map((problem) => `${path}: ${problem}`));
    return undefined;
  }
  if (/^(dyn<)?string>?$/.test(compiled.expression.type)) return compiled.expression;
  problems.push(`${path}: "${text}" gives ${compiled.expression.type}; only a text can be looked up`);
  return undefined;
}

function readCell(cell: string | string[], path: string, problems: string[]): Cell | undefined {
  return typeof cell === 'string' ? cell : readLimits(cell, path, problems);
}

function readLimits(texts: readonly string[], path: string, problems: string[]): Limits | undefined {
  try {
    return Limits.parse(texts);
  } catch (error) {
    problems.push(`${path ? `${path}: ` : ''}${(error as PolicyError).message}`);
    return undefined;
  }
}

const keyOf = (keys: readonly string[]): string => JSON.stringify(keys);

/** What several expressions use, together. */
export function mergeUses(all: readonly Expression['uses'][]): Map<string, Set<string>> {
  const merged = new Map<string, Set<string>>();
  for (const uses of all)
    for (const [name, fields] of uses) merged.set(name, new Set([...(merged.get(name) ?? []), ...fields]));
  return merged;
}
