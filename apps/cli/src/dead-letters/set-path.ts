import { CommandError } from '../output.js';

/**
 * A copy of a payload with one field changed: `lineItems.0.sku=SEAT`. The value is JSON where it is JSON, and text otherwise; text that
 * looks like JSON is quoted, as in `reason="12"`. Money is text, so that a field that holds text keeps text.
 */
export function setPath(payload: unknown, assignment: string): unknown {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
  if (path === undefined || text === undefined) throw new CommandError(`"${assignment}" is no field=value.`);
  const copy = structuredClone(payload);
  const names = path.split('.');
  const last = names.pop()!;
  let holder = copy;
  for (const name of names) holder = child(holder, name, path);
  const before = child(holder, last, path);
  (holder as Record<string, unknown>)[last] =
    typeof before === 'string' && !text.startsWith('"') && text !== 'null' ? text : parse(text);
  return copy;
}

/** A misspelt field must not become a new one. */
function child(holder: unknown, name: string, path: string): unknown {
  if (typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name))
    return (holder as Record<string, unknown>)[name];
  throw new CommandError(`The payload has no field ${path}: look at it with "dead-letters show".`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
