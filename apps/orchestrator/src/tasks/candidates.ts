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
export function isRequester(
  { requestedBy }: Pick<Task, 'requestedBy'>,
  id: string,
  people: People,
  now: string,
): boolean {
  if (requestedBy === undefined) return false;
  return requestedBy === id || people.delegatorsOf(id, now).some((delegator) => delegator.id === requestedBy);
}
