export type Nested = { [key: string]: Nested } | Nested[] | string;

/**
 * Decodes `a=1&b[c]=2&d[]=3&e[0][f]=4`, the form both Stripe bodies and Medusa queries use, into nested strings.
 * A hash whose keys are 0..n-1 becomes a list.
 */
export function decodeNested(encoded: string): { [key: string]: Nested } {
  const root: Branch = new Map();
  for (const pair of encoded.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    put(root, segments(name), equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return Object.fromEntries([...root].map(([key, value]) => [key, settle(value)]));
}

type Branch = Map<string, Branch | string>;

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function segments(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket <= 0) return [name];
  const inner = [...name.slice(bracket).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
  return [name.slice(0, bracket), ...inner];
}

function put(branch: Branch, path: string[], value: string): void {
  const [head = '', ...rest] = path;
  const key = head === '' ? String(branch.size) : head;
  if (rest.length === 0) {
    const present = branch.get(key);
    // A repeated plain name is a list: `properties=a&properties=b`.
    if (present === undefined) branch.set(key, value);
    else if (typeof present === 'string')
      branch.set(
        key,
        new Map([
          ['0', present],
          ['1', value],
        ]),
      );
    else present.set(String(present.size), value);
    return;
  }
  let next = branch.get(key);
  if (!(next instanceof Map)) branch.set(key, (next = new Map()));
  put(next, rest, value);
}

function settle(value: Branch | string): Nested {
  if (typeof value === 'string') return value;
  const entries = [...value].map(([key, nested]) => [key, settle(nested)] as const);
  return entries.length > 0 && entries.every(([key], index) => key === String(index))
    ? entries.map(([, nested]) => nested)
    : Object.fromEntries(entries);
}
