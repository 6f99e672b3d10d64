import type { People } from './people.js';
import { candidateRoles, type Task } from './task.js';

/** People to whom an open task is offered: those of its roles; for whoever is away, those who stand in. Never the requester. */
export function candidates(task: Task, people: People, now: string, roles = candidateRoles(task)): string[] {
  const offered = people.withRole(roles).flatMap(({ id }) => {
    if (!people.absenceOf(id, now)) return [id];
    return people.delegatesOf(id, now).map((delegate) => delegate.id);
  });
  return [...new Set(offered)].filter((id) => !isRequester(task, id, people, now) && !people.absenceOf(id, now));
}

/** Whoever asked does not decide, and neither does anybody who acts in their name. */
export function isRequester(task: Pick<Task, 'requesters'>, id: string, people: People, now: string): boolean {
  return requesterBehind(task, id, people, now) !== undefined;
}

/** The requester that a person is, or acts for. */
export function requesterBehind(
  { requesters }: Pick<Task, 'requesters'>,
  id: string,
  people: People,
  now: string,
): string | undefined {
  const names = [id, ...people.delegatorsOf(id, now).map((delegator) => delegator.id)];
  return names.find((name) => requesters.includes(name));
}
