import { z } from 'zod';

/** A name by which rule files mean each other and their owners; who writes it otherwise is told the example. */
export const ruleName = (example: string) =>
  z.string().regex(/^[a-z][a-z0-9-]*$/, {
    error: `must be lower-case words joined by "-", for example "${example}"`,
  });

/** The name that stands in a file, of whatever form the rest of it is. */
export function nameIn(data: unknown, setting: string): string {
  const name = (data as Record<string, unknown> | null | undefined)?.[setting];
  return typeof name === 'string' ? name : '(without a name)';
}

/**
 * Problems of form as a person reads them: each with its path, and what to write instead.
 *
 * @param settingsAt names of the settings where a path leads, one of which was meant; none where nothing is to be suggested
 * @param unknown what is said of a setting that does not exist
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  settingsAt: (path: PropertyKey[]) => string[],
  unknown = 'no such setting; remove it or correct its spelling',
): string[] {
  return issues.flatMap((issue) => {
    const { path } = issue;
    const at = (...keys: PropertyKey[]): string => [...path, ...keys].join('.') || '(top)';
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${at(key)}: ${unknown}${suggest(key, settingsAt(path))}`);
    if (issue.code === 'invalid_union') {
      // The branch that got furthest into the value explains best: an object was meant when an object was written.
      const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
      const inner = deepest.map((one) => ({ ...one, path: [...path, ...one.path] }));
      if (depth(deepest) > 0) return problemsOf(inner, settingsAt, unknown);
    }
    return [`${at()}: ${toldOf(issue)}`];
  });
}

/** What is wrong with a value, without the words of the library that found it. */
function toldOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small') {
    if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
    return issue.inclusive ? `must be ${issue.minimum} or more` : `must be more than ${issue.minimum}`;
  }
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.map((value) => `"${String(value)}"`).join(' or ')}`;
  if (issue.code !== 'invalid_type' || !issue.message.startsWith('Invalid input')) return issue.message;
  const expected = WRITTEN[issue.expected] ?? issue.expected;
  const received = /received (\w+)/.exec(issue.message)?.[1] ?? 'something else';
  if (received === 'undefined') return `is missing: it must be ${expected}`;
  return `must be ${expected}, and ${received === 'null' ? 'nothing is written there' : `is ${WRITTEN[received] ?? received}`}`;
}

/** Kinds of values as whoever writes YAML would call them. */
const WRITTEN: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings with names',
  record: 'settings with names',
};

const depth = (issues: z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));

/** `; did you mean "orderId"?` for the known name that is nearest to what was written; empty where none is near. */
export function suggest(written: string, known: Iterable<string>): string {
  const [near] = [...known]
    .map((name) => ({ name, edits: edits(written.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits: count }) => count <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.edits - b.edits);
  return near ? `; did you mean "${near.name}"?` : '';
}

/** Levenshtein: how many letters have to be added, removed or exchanged. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [done, letter] of [...from].entries()) {
    const next = [done + 1];
    for (const [index, other] of [...to].entries())
      next.push(Math.min(row[index + 1]! + 1, next[index]! + 1, row[index]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
}
