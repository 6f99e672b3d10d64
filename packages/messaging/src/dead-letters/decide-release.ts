/** Where a staged release stands, counted in letters. */
export interface ReleaseProgress {
  total: number;
  /** Put back so far; the following counts are of these. */
  released: number;
  /** In the work queue: not handled yet, or being tried again. */
  waiting: number;
  /** Dead once more. */
  failed: number;
  /** Letters of the same defect that came in since the release began and are none of its own. */
  newcomers: number;
}

export type ReleaseDecision =
  | { kind: 'wait' }
  /** Put back the next ones, until so many are released. */
  | { kind: 'release'; upTo: number }
  | { kind: 'stop'; why: string }
  | { kind: 'done' };

/** Of the last stage so many at once: what has been put back cannot be stopped any more. */
const SLICE = 200;

/** How many are released at the end of each stage: one, a tenth, all. */
export function stagesOf(total: number): number[] {
  return [...new Set([Math.min(1, total), Math.ceil(total / 10), total])];
}

/** What a release does next: it goes on only when everything put back so far was handled. */
export function decideRelease(progress: ReleaseProgress): ReleaseDecision {
  const { total, released, waiting, failed, newcomers } = progress;
  if (failed > 0) return { kind: 'stop', why: `${letters(failed)} died again` };
  if (newcomers > 0) return { kind: 'stop', why: `${letters(newcomers)} of the same defect came in` };
  if (waiting > 0) return { kind: 'wait' };
  const end = stagesOf(total).find((stage) => stage > released);
  return end === undefined ? { kind: 'done' } : { kind: 'release', upTo: Math.min(end, released + SLICE) };
}

function letters(count: number): string {
  return count === 1 ? '1 letter' : `${count} letters`;
}
