import type { State } from './state.js';

/** Places of a state that differ, with what stood there before and what stands there now; absent is null. */
export interface StateChanges {
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

/** Grows with every input and says nothing of its own. */
const NOISE = new Set<string>(['seen'] satisfies (keyof State)[]);

/** What a turn did to an instance, by path: `steps.order.status` from `refused` to `commanded`. */
export function changesOf(before: State, after: State): StateChanges {
  const changes: StateChanges = { before: {}, after: {} };
  const compare = (path: string, was: unknown, is: unknown): void => {
    if (was === is || NOISE.has(path)) return;
    if (isRecord(was) && isRecord(is)) {
      for (const name of new Set([...Object.keys(was), ...Object.keys(is)]))
        compare(path ? `${path}.${name}` : name, was[name], is[name]);
      return;
    }
    if (JSON.stringify(was) === JSON.stringify(is)) return;
    changes.before[path] = was ?? null;
    changes.after[path] = is ?? null;
  };
  compare('', before, after);
  return changes;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
