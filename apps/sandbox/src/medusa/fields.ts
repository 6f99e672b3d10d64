/**
 * Medusa's `fields` parameter: names choose exactly (`id,items.quantity`), `*items` takes a relation whole, and a list of `+`/`-`
 * names adds to or takes from the default. The id is always shown.
 */
export function selectFields<T extends object>(entity: T, fields: string | undefined): object {
  if (fields === undefined || fields === '') return entity;
  const names = fields
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const removed = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  const chosen = names.filter((name) => !name.startsWith('-') && !name.startsWith('+'));
  if (chosen.filter((name) => !name.startsWith('*')).length === 0) {
    return Object.fromEntries(Object.entries(entity).filter(([name]) => !removed.includes(name)));
  }
  return project(entity, [['id'], ...chosen.map((name) => name.replace(/^\*/, '').split('.'))]);
}

function project(value: unknown, paths: string[][]): object {
  const groups = Map.groupBy(paths, ([head = '']) => head);
  const shown: Record<string, unknown> = {};
  for (const [name, tails] of groups) {
    const inner = (value as Record<string, unknown>)[name];
    if (inner === undefined) continue;
    const rest = tails.map((path) => path.slice(1));
    const whole = rest.some((path) => path.length === 0 || path[0] === '*');
    if (whole || typeof inner !== 'object' || inner === null) shown[name] = inner;
    else
      shown[name] = Array.isArray(inner) ? inner.map((item) => project(item, [['id'], ...rest])) : project(inner, rest);
  }
  return shown;
}
