/** What a handler of effects may rely on besides its message. */
export interface EffectContext {
  /** From 1; counts failed attempts before this one. */
  readonly attempt: number;
  /** Aborts at the route's time limit, and when the service stops without waiting any longer. Hand it to every call. */
  readonly signal: AbortSignal;
  /** `<id of the message or job>:<call>`: the same for every attempt. */
  idempotencyKey(call: string): string;
  /**
   * Performs one call to another system effectively once: its request is pinned before, its response is recorded for good after,
   * and a later attempt, or another message in the same scope, gets the recorded response without a call.
   *
   * @param call names the call within the scope, for example `create-customer`
   * @param request JSON; the first writer's is used by everybody
   * @param perform makes the call with the pinned request; its response must be JSON. With `mayHaveRun` an earlier performer
   *   started and its outcome is unknown: look the object up by our reference before creating it.
   * @throws `MSG_CALL_IN_PROGRESS` (`later`, no attempt counted) while another worker performs it
   */
  once<Response, Request = unknown>(
    call: string,
    request: Request,
    perform: (request: Request, idempotencyKey: string, attempt: { mayHaveRun: boolean }) => Promise<Response>,
    options?: OnceOptions,
  ): Promise<Response>;
}

export interface OnceOptions {
  /** Whose call it is; calls of one scope and name share one record. Default: this message. For example `account:<id>`. */
  scope?: string;
}
