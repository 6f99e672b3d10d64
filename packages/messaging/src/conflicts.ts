import { codeOf } from '@throughline/contracts';
import { backoff } from './backoff.js';

/** How long a transaction of many waits for one lock before it is parted, in milliseconds: most of it meets nobody. */
export const LOCK_OF_MANY_MS = 500;
/** As {@link LOCK_OF_MANY_MS}, for what stands alone: longer than PostgreSQL takes to find a deadlock, so that one is called by its name. */
export const LOCK_ALONE_MS = 2_000;
/** So often at least is tried again what lost against another transaction, and what stands alone for so long, in milliseconds. */
const CONFLICT_TRIES = 5;
const CONFLICT_MS = 2_000;
/** The same again at once would rather end the same: time limits of a statement or transaction, and no room for what it holds. */
const TOO_MUCH = new Set(['57014', '25P03', '25P04', '53200']);

/** Somebody keeps a lock for longer than it was waited for. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** The server has no room for what it is asked, however little that is: it is to be waited for, as for one that is away. */
export function lacksRoom(error: unknown): boolean {
  return codeOf(error) === '53200';
}

/** Counts conflicts of one piece of work with other transactions, and says whether it is tried again as it is. No I/O. */
export class Conflicts {
  private count = 0;
  private began = 0;

  /** PostgreSQL was away: what was met before says nothing any more. */
  forget(): void {
    this.count = 0;
  }

  /** How long to wait before the next try, in milliseconds; `undefined` where it is to be parted, or set aside. */
  next(error: unknown, alone: boolean, now: number, random: number): number | undefined {
    if (isLockTimeout(error)) return undefined;
    if (this.count++ === 0) this.began = now;
    const triesLeft = this.count < CONFLICT_TRIES && !TOO_MUCH.has(codeOf(error));
    const timeLeft = alone && now - this.began < CONFLICT_MS;
    return triesLeft || timeLeft ? backoff(this.count, [5, 500], random) : undefined;
  }
}
