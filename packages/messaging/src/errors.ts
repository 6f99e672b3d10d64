import { ThroughlineError } from '@throughline/contracts';

/** An attempt that must not count: somebody else is performing the very same call. */
export const CALL_IN_PROGRESS = 'MSG_CALL_IN_PROGRESS';

/** SQLSTATE of `inbox_of`: the consumer is being rebuilt. */
export const REBUILDING = 'TL001';

export function callInProgress(scope: string, call: string): ThroughlineError {
  return new ThroughlineError(`Call "${call}" of ${scope} is being performed by another worker; it is tried again.`, {
    code: CALL_IN_PROGRESS,
    retry: 'later',
  });
}

export function effectTimedOut(type: string, timeoutMs: number): ThroughlineError {
  return new ThroughlineError(
    `${type} did not end within ${timeoutMs} ms: hand context.signal to every call, or raise the route's timeoutMs.`,
    { code: 'MSG_EFFECT_TIMED_OUT', retry: 'later' },
  );
}

export function noRoute(kind: string, type: string): ThroughlineError {
  return new ThroughlineError(
    `No route for ${kind} ${type}: add it to the service's routes file, then retry the dead letter.`,
    {
      code: 'MSG_NO_ROUTE',
      retry: 'never',
    },
  );
}

export function keyInvalid(maxLength: number): ThroughlineError {
  return new ThroughlineError(
    `The record has no usable key or correlation id: the producer must set them, as text of at most ${maxLength} characters.`,
    {
      code: 'MSG_KEY_INVALID',
      retry: 'never',
    },
  );
}

export function messageIdInvalid(id: string): ThroughlineError {
  return new ThroughlineError(`Header ce_id is "${id.slice(0, 100)}", which is no UUID: fix the producer.`, {
    code: 'MSG_ID_INVALID',
    retry: 'never',
    field: 'ce_id',
  });
}

export function messageTooLarge(type: string, bytes: number, limit: number): ThroughlineError {
  return new ThroughlineError(
    `${type} has ${bytes} bytes, more than the ${limit} a topic takes: send a reference instead of the content.`,
    { code: 'MSG_TOO_LARGE', retry: 'never' },
  );
}

export function rebuildHasEffects(what: string): ThroughlineError {
  return new ThroughlineError(
    `A handler declared replayable ${what}: a rebuild has no effects. Correct the handler or its declaration, deploy, then start the rebuild again; until one has completed the consumer stands still.`,
    { code: 'MSG_REBUILD_HAS_EFFECTS', retry: 'never' },
  );
}
