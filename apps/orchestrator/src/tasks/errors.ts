import { ThroughlineError } from '@throughline/contracts';

/** What is refused of a person's action on a task, and what that means to whoever asked over HTTP. */
export const refusals = {
  TASK_UNKNOWN: 404,
  TASK_ACTOR_UNKNOWN: 403,
  TASK_ACTOR_ABSENT: 409,
  TASK_ROLE_MISSING: 403,
  TASK_OWN_REQUEST: 403,
  TASK_SECOND_PERSON_NEEDED: 403,
  TASK_CHANGED: 409,
  TASK_ENDED: 409,
  TASK_HELD: 409,
  TASK_NOT_HELD: 409,
  TASK_SENT_BACK: 409,
  TASK_NOT_SENT_BACK: 409,
  TASK_REQUESTER_UNKNOWN: 409,
  TASK_PERSON_UNFIT: 422,
  TASK_REASON_MISSING: 422,
  TASK_FORM_INVALID: 422,
  TASK_ATTACHMENT_INVALID: 422,
  TASK_FOLLOW_UP_PAST: 422,
  STAND_IN_UNKNOWN: 404,
  STAND_IN_NOT_YOURS: 403,
  STAND_IN_INVALID: 422,
} as const;
export type RefusalCode = keyof typeof refusals;

/** A refusal: nothing was changed, and the message says what to do instead. */
export function refused(code: RefusalCode, message: string, field?: string): ThroughlineError {
  return new ThroughlineError(message, { code, retry: 'never', ...(field !== undefined && { field }) });
}

/** Of whoever acts, and is nobody of the directory. */
export function actorUnknown(name: string): ThroughlineError {
  return refused(
    'TASK_ACTOR_UNKNOWN',
    `Nobody here is called "${name}": act as somebody of the directory of people (by x-actor, on the command line --as <person>), or have yourself added to it.`,
  );
}
