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

export function dependencyUndeclared(dependency: string): ThroughlineError {
  return new ThroughlineError(
    `A route calls "${dependency}", which is not among the declared dependencies: add it there, or correct the name.`,
    { code: 'MSG_DEPENDENCY_UNDECLARED', retry: 'never' },
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

/** A newcomer behind a held key that has no room left: it comes back by itself when the key goes on. */
export const KEY_HELD = 'MSG_KEY_HELD';

export function keyHeld(queue: string, key: string, limit: number): ThroughlineError {
  return new ThroughlineError(
    `More than ${limit} rows wait in "${queue}" behind the dead letter of key ${key}: put that one back, or let it go, and this one follows.`,
    { code: KEY_HELD, retry: 'never' },
  );
}

/** Also the name of the header that says why, of a record that stands for its batch. */
export const BATCH_UNREADABLE = 'MSG_BATCH_UNREADABLE';

export function batchUnreadable(why: string): ThroughlineError {
  return new ThroughlineError(
    `A record batch cannot be read (${why}): the letter keeps its bytes. Where a broker has it whole after all, replay what was missed; else have the producer send again what was in it.`,
    { code: BATCH_UNREADABLE, retry: 'never' },
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

export function networkRefused(method: string, url: string): ThroughlineError {
  return new ThroughlineError(`${method} ${url} was not sent: this is a preview, and nothing leaves it.`, {
    code: 'MSG_PREVIEW_ONLY',
    retry: 'never',
  });
}

export function letterUnknown(ids: string[]): ThroughlineError {
  return new ThroughlineError(
    `There is no dead letter ${ids.join(', ')} here: list them, and mind that every service has numbers of its own.`,
    { code: 'MSG_DEAD_LETTER_UNKNOWN', retry: 'never' },
  );
}

export function groupUnknown(fingerprint: string): ThroughlineError {
  return new ThroughlineError(
    `There is no group ${fingerprint} of dead letters here: list the groups to see those there are.`,
    { code: 'MSG_DEAD_LETTER_GROUP_UNKNOWN', retry: 'never' },
  );
}

export function releaseUnknown(id: string): ThroughlineError {
  return new ThroughlineError(`There is no release ${id} here: list the releases to see those there are.`, {
    code: 'MSG_RELEASE_UNKNOWN',
    retry: 'never',
  });
}

/** What was asked for is no longer, or not yet, possible in the state things are in. */
export function letterConflict(message: string): ThroughlineError {
  return new ThroughlineError(message, { code: 'MSG_DEAD_LETTER_CONFLICT', retry: 'never' });
}

export function editInvalid(field: string, message: string, cause?: unknown): ThroughlineError {
  return new ThroughlineError(message, { code: 'MSG_EDIT_INVALID', retry: 'never', field, cause });
}

/** What a handler that is still running learns when its preview has its answer. */
export function previewOver(): ThroughlineError {
  return new ThroughlineError('The preview is over: nothing more is needed of its handler.', {
    code: 'MSG_PREVIEW_ONLY',
    retry: 'never',
  });
}

export function previewTimedOut(limitMs: number): ThroughlineError {
  return new ThroughlineError(
    `The handler neither ended nor called anybody within ${limitMs} ms: it may wait for a lock; preview it again.`,
    { code: 'MSG_PREVIEW_TIMED_OUT', retry: 'later' },
  );
}

export function replayPlaceInvalid(field: 'from' | 'to', text: string): ThroughlineError {
  return new ThroughlineError(
    `${field} is "${text.slice(0, 50)}": give an offset, or a time in ISO 8601 with its zone, for example 2026-11-22T10:00:00Z.`,
    { code: 'MSG_REPLAY_PLACE_INVALID', retry: 'never', field },
  );
}

export function replayTopicUnknown(topic: string): ThroughlineError {
  return new ThroughlineError(
    `Topic ${topic} does not exist, or the consumer does not read it: ask GET /v1/consumer.`,
    {
      code: 'MSG_REPLAY_TOPIC_UNKNOWN',
      retry: 'never',
      field: 'topic',
    },
  );
}

export function replayUnknown(id: string): ThroughlineError {
  return new ThroughlineError(
    `There is no replay ${id.slice(0, 50)} here. A dry run is known to the instance that runs it alone, and until that ends.`,
    { code: 'MSG_REPLAY_UNKNOWN', retry: 'never' },
  );
}

export function replayRunning(consumer: string, id: string): ThroughlineError {
  return new ThroughlineError(`Replay ${id} of ${consumer} is running: wait for its end, or cancel it first.`, {
    code: 'MSG_REPLAY_RUNNING',
    retry: 'later',
  });
}

export function replayStalled(partitions: string[]): ThroughlineError {
  return new ThroughlineError(`Kafka brings nothing more of ${partitions.join(', ')}, although there is more.`, {
    code: 'MSG_REPLAY_STALLED',
    retry: 'later',
  });
}

export function notReplayable(consumer: string, why: string): ThroughlineError {
  return new ThroughlineError(
    `${consumer} cannot be rebuilt: ${why}. Declare its state routes replayable where they are, or replay with mode "missed".`,
    { code: 'MSG_NOT_REPLAYABLE', retry: 'never' },
  );
}

export function rebuildIsWhole(field: string): ThroughlineError {
  return new ThroughlineError(
    `A rebuild takes in everything that is retained, or what it builds would be a mixture: leave out ${field}.`,
    { code: 'MSG_REBUILD_IS_WHOLE', retry: 'never', field },
  );
}

export function rebuildBlocked(why: string): ThroughlineError {
  return new ThroughlineError(
    `A rebuild would take in again what still waits here: ${why}. Let it pass, put it back or archive it first.`,
    { code: 'MSG_REBUILD_BLOCKED', retry: 'never' },
  );
}

export function rebuildUnfinished(consumer: string): ThroughlineError {
  return new ThroughlineError(
    `A rebuild of ${consumer} was begun and not completed, so its state is half built: start the rebuild again first.`,
    { code: 'MSG_REBUILD_UNFINISHED', retry: 'never' },
  );
}
