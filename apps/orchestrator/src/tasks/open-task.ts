import { parseDuration, type Process, type TaskRequest } from '@throughline/process';
import type { People } from './people.js';
import { candidates } from './candidates.js';
import { SYSTEM, type Subject, type Task, type TaskEvent } from './task.js';
import type { Terms } from './terms.js';

/** A moment so much later, by the calendar of the process. */
export type Later = Process['later'];

export interface Opening {
  subject: Omit<Subject, 'unit' | 'step' | 'checkpoint' | 'owner'>;
  request: TaskRequest;
  terms: Terms;
  /** What is wrong with the policy's terms, where these stand in for them. */
  problem?: string;
}

/** The task of a checkpoint that has come up. Its id is given to it when it is stored. */
export function openTask(
  { subject, request, terms, problem }: Opening,
  now: string,
  { people, later }: { people: People; later: Later },
): { task: Task; audit: TaskEvent[] } {
  const { unit, step, checkpoint, owner, policy, facts } = request;
  const requesters = requestersOf(request, people);
  const requestedBy = requesters.at(-1);
  const task: Task = {
    id: '',
    version: 1,
    status: 'open',
    subject: { ...subject, unit, step, checkpoint, owner },
    policy,
    facts,
    terms,
    ...(requestedBy !== undefined && { requestedBy }),
    requesters,
    approvals: [],
    attachments: [],
    openedAt: now,
    ...deadlines(terms, now, later, request.dueAt),
    ...(terms.followUp && { followUpAt: after(now, terms.followUp, later) }),
    ...(terms.expires && { expiresAt: after(now, terms.expires, later) }),
    lastChange: { by: SYSTEM, did: 'opened', at: now },
  };
  const notified = candidates(task, people, now);
  const entry: TaskEvent = { kind: 'opened', by: SYSTEM, at: now, status: 'open', version: 1, notified };
  return { task, audit: [problem === undefined ? entry : { ...entry, reason: problem }] };
}

/** When a decision is due, is reminded of, and is late, for a request that was made now. */
export function deadlines(
  { due, remind, escalateTo, escalateAfter }: Terms,
  now: string,
  later: Later,
  otherwise?: string,
): Pick<Task, 'dueAt' | 'remindAt' | 'escalateAt'> {
  const dueAt = due ? after(now, due, later) : otherwise;
  const remindAt = dueAt && remind && before(dueAt, remind, now, later);
  const escalateAt = escalateAfter ? after(now, escalateAfter, later) : dueAt;
  return {
    ...(dueAt && { dueAt }),
    ...(remindAt && { remindAt }),
    ...(escalateTo.length > 0 && escalateAt && { escalateAt }),
  };
}

const after = (at: string, duration: string, later: Later): string => later(at, parseDuration(duration)!);

/** To the minute: nobody is reminded by the second. */
const PRECISION_MS = 60_000;

/**
 * The last minute from which the duration ends by `at`. Business time runs forward only, so this looks for it; undefined where the
 * duration is longer than what is left.
 */
function before(at: string, duration: string, from: string, later: Later): string | undefined {
  if (after(from, duration, later) > at) return undefined;
  let [early, tooLate] = [Date.parse(from), Date.parse(at)];
  while (tooLate - early > PRECISION_MS) {
    const middle = Math.floor((early + tooLate) / 2);
    if (after(new Date(middle).toISOString(), duration, later) <= at) early = middle;
    else tooLate = middle;
  }
  return new Date(early).toISOString();
}

/** Each once, the latest last. Of a process that does not say who requests, the facts may. */
export function requestersOf(
  { requesters, facts }: Pick<TaskRequest, 'requesters' | 'facts'>,
  people: People,
): string[] {
  const named = requesters.length > 0 ? requesters : [facts['requestedBy'] ?? facts['closedBy']];
  const ids = named
    .filter((name): name is string => typeof name === 'string' && name !== '')
    .map((name) => people.recognise(name)?.id ?? name);
  return [...new Set(ids.toReversed())].toReversed();
}
