/** The part of a changed object that paging needs. */
export interface Changed {
  id: string;
  updatedAt: string;
}

export interface PageRequest {
  /** Inclusive. */
  updatedSince: string;
  limit: number;
  offset: number;
}

export interface PollOptions {
  /** Highest `updatedAt` that earlier polls have dealt with. */
  cursor: string;
  /**
   * How far before the cursor to read again, in milliseconds. Medusa stamps `updated_at` before it commits, so a change may become
   * visible after a younger one; the overlap must exceed its longest transaction.
   */
  overlapMs: number;
  /** Objects per page, at least 2. Default 100. */
  limit?: number;
}

const MAX_REREADS = 3;

/**
 * Everything changed since the cursor, oldest first, in pages. Pages continue from the last timestamp rather than by offset, since a
 * row that changes meanwhile moves to the end and would push its neighbour out of an offset's sight. Only among rows that share one
 * timestamp is an offset used, and the row before it is read again: if it is gone, that timestamp is read anew (a few times at most,
 * as Medusa orders by one field and leaves the order of ties to its database).
 */
export async function* pollChanges<T extends Changed>(
  list: (page: PageRequest) => Promise<T[]>,
  options: PollOptions,
): AsyncGenerator<T[]> {
  const limit = Math.max(2, options.limit ?? 100);
  const seen = new Set<string>();
  let updatedSince = new Date(new Date(options.cursor).getTime() - options.overlapMs).toISOString();
  let offset = 0;
  let before: string | undefined;
  let rereads = 0;
  for (;;) {
    const rows = await list({ updatedSince, limit, offset });
    if (before !== undefined && rows[0]?.id !== before && rereads < MAX_REREADS) {
      rereads += 1;
      offset = 0;
      before = undefined;
      continue;
    }
    const fresh = rows.filter((row) => !seen.has(versionKey(row)));
    for (const row of fresh) seen.add(versionKey(row));
    if (fresh.length > 0) yield fresh;
    const last = rows.at(-1);
    if (rows.length < limit || !last) return;
    if (last.updatedAt > updatedSince) {
      updatedSince = last.updatedAt;
      offset = 0;
      rereads = 0;
      before = undefined;
    } else {
      offset += rows.length - 1;
      before = last.id;
    }
  }
}

/** Orders two `sourceVersion`s of one object: negative where `a` is older, 0 where they are the same. */
export function compareSourceVersion(a: string, b: string): number {
  const [versionA, atA] = parse(a);
  const [versionB, atB] = parse(b);
  return versionA - versionB || atA - atB;
}

function parse(sourceVersion: string): [version: number, at: number] {
  const [version, at = ''] = sourceVersion.split('@', 2);
  return [Number(version), new Date(at).getTime()];
}

function versionKey(row: Changed): string {
  return `${row.id}@${row.updatedAt}`;
}
