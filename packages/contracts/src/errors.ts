/**
 * What the caller should do about an error.
 * - `never`: this message's own fault; another try gives the same answer. It becomes a dead letter.
 * - `later`: transient; the key waits and is tried again with back-off.
 * - `pause`: the dependency is down; it pauses as a whole, is probed, and attempts do not count meanwhile.
 */
export type Retry = 'never' | 'later' | 'pause';

export interface ThroughlineErrorOptions {
  /** Stable, upper snake case; callers branch on this, never on the message. */
  code: string;
  retry: Retry;
  /** Earliest next try, in milliseconds from now, where the other side said so. */
  retryAfterMs?: number;
  /** The other side limits how often it is called: every call to it waits, and none is at fault. */
  rateLimited?: boolean;
  /** The system that failed, for example `stripe`. */
  dependency?: string;
  /** Path of the field at fault. */
  field?: string;
  cause?: unknown;
}

/** The one error class: a stable code, what to do about it, and a message that names the next step. */
export class ThroughlineError extends Error {
  readonly code: string;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly rateLimited?: boolean;
  readonly dependency?: string;
  readonly field?: string;

  constructor(message: string, options: ThroughlineErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ThroughlineError';
    this.code = options.code;
    this.retry = options.retry;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.rateLimited !== undefined) this.rateLimited = options.rateLimited;
    if (options.dependency !== undefined) this.dependency = options.dependency;
    if (options.field !== undefined) this.field = options.field;
  }
}

/** Reads the advice an error carries; an error that carries none is treated as transient. */
export function retryOf(error: unknown): Retry {
  const retry = (error as { retry?: unknown } | null)?.retry;
  return retry === 'never' || retry === 'pause' ? retry : 'later';
}

/** Reads the stable code of any error; `UNCLASSIFIED` where it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNCLASSIFIED';
}
