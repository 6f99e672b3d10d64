import { parseDuration, type Duration } from '@throughline/process';
import { z } from 'zod';
import { formField } from './form.js';
import type { People } from './people.js';

const role = z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be a role, for example credit-controller' });
const roles = z.union([role.transform((one) => [one]), z.array(role)], {
  error: 'must be a role, or a list of roles, for example credit-controller',
});
const duration = z.string().refine((text) => parseDuration(text) !== undefined, {
  error: 'must be a duration, for example 1 hour or 4 business hours',
});

/** The outputs of a policy that say how a task is worked on; whatever else it puts out is not of concern here. */
const schema = z
  .object({
    /** Whose people may decide. */
    roles: roles.pipe(z.array(role).min(1, { error: 'must name at least one role' })),
    /** By when a decision is expected, from the opening. */
    due: duration.optional(),
    /** When to look whether it moves, from the opening. */
    followUp: duration.optional(),
    /** How long before `due` whoever should decide is reminded. */
    remind: duration.optional(),
    /** Whose people may decide, too, once it is late. */
    escalateTo: roles.default([]),
    /** From the opening; without it, when it is due. */
    escalateAfter: duration.optional(),
    /** Two different people must approve; one rejection is enough. */
    fourEyes: z.boolean().default(false),
    /** When waiting ends, from the opening, and what that means. */
    expires: duration.optional(),
    onExpiry: z.enum(['reject', 'approve', 'escalate']).optional(),
    /** What whoever approves has to answer. */
    form: z.array(formField).default([]),
  })
  .check(({ value: terms, issues }) => {
    const refuse = (path: string, message: string) =>
      issues.push({ code: 'custom', path: [path], message, input: terms });
    if (terms.remind && !terms.due) refuse('remind', 'counts back from due, which is missing');
    if (terms.escalateAfter && terms.escalateTo.length === 0) refuse('escalateAfter', 'needs escalateTo: the roles');
    if (terms.escalateTo.length > 0 && !terms.due && !terms.escalateAfter && terms.onExpiry !== 'escalate')
      refuse('escalateTo', 'needs escalateAfter, or due, which it is without it, or onExpiry: escalate');
    if (terms.expires && !terms.onExpiry)
      refuse('onExpiry', 'must say what an expiry means: reject, approve or escalate');
    if (terms.onExpiry && !terms.expires) refuse('expires', 'is missing: after how long does onExpiry apply?');
    if (terms.onExpiry === 'escalate' && terms.escalateTo.length === 0) refuse('escalateTo', 'is missing: to whom?');
    if (terms.onExpiry === 'approve' && terms.fourEyes)
      refuse('onExpiry', 'cannot approve where two people must: let it reject or escalate');
    if (terms.onExpiry === 'approve' && terms.form.some(({ required }) => required))
      refuse('onExpiry', 'cannot approve where the form must be filled in: let it reject or escalate');
    const names = terms.form.map(({ name }) => name);
    if (new Set(names).size < names.length) refuse('form', 'names a field twice');
  });

/** How a task is worked on, as its policy says. Durations are text, so that a person reads what the policy says. */
export type Terms = z.output<typeof schema>;

/** Reads the terms out of what a policy put out; problems name the output at fault. */
export function readTerms(outputs: Record<string, unknown>): { terms: Terms } | { problems: string[] } {
  const given = Object.entries(outputs).filter(([, value]) => value !== null);
  const result = schema.safeParse(Object.fromEntries(given));
  if (result.success) return { terms: result.data };
  return { problems: result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) };
}

/**
 * Terms that can never act, by what others say. Only what is certain: elapsed time, business hours and business days are each compared with
 * their own kind. A task that is under way is worked by such terms all the same, as far as they go.
 */
export function deadTerms({ due, remind, followUp, escalateTo, escalateAfter, expires, onExpiry }: Terms): string[] {
  const problems: string[] = [];
  if (isLonger(remind, due))
    problems.push(`remind: is counted back from due, and ${remind} is more than the ${due} there are; write less`);
  // After an escalation by expiry the task goes on.
  if (onExpiry === 'escalate' || expires === undefined) return problems;
  const never = (term: string, after: string, what: string): void => {
    problems.push(`${term}: ${what} after ${after}, and expires: ${expires} ends it before; write less, or a longer expires`); // prettier-ignore
  };
  if (isAsLong(escalateAfter, expires)) never('escalateAfter', escalateAfter!, 'it escalates');
  else if (isLonger(due, expires)) never('due', due!, 'a decision is due');
  else if (escalateTo.length > 0 && !escalateAfter && isAsLong(due, expires))
    never('escalateTo', due!, 'it escalates when it is due,');
  // What was to be approved by silence may be escalated instead, and go on.
  if (onExpiry !== 'approve' && isAsLong(followUp, expires)) never('followUp', followUp!, 'somebody looks');
  return problems;
}

const isAsLong = (a: string | undefined, b: string | undefined): boolean => (difference(a, b) ?? -1) >= 0;
const isLonger = (a: string | undefined, b: string | undefined): boolean => (difference(a, b) ?? -1) > 0;

/** Undefined where only a calendar could say which of the two ends later. */
function difference(a: string | undefined, b: string | undefined): number | undefined {
  const [left, right] = [a, b].map((text) => text && parseDuration(text)) as [Duration?, Duration?];
  if (!left || !right) return undefined;
  if ('ms' in left && 'ms' in right) return left.ms - right.ms;
  if ('businessHours' in left && 'businessHours' in right) return left.businessHours - right.businessHours;
  if ('businessDays' in left && 'businessDays' in right) return left.businessDays - right.businessDays;
  return undefined;
}

/** Where the terms of a policy cannot be used: whoever answers for the step decides, and never fewer people than it may have asked for. */
export function fallbackTerms(owner: string, outputs: Record<string, unknown>): Terms {
  return { roles: [owner], escalateTo: [], fourEyes: (outputs['fourEyes'] ?? false) !== false, form: [] };
}

/** What is wrong with terms among these people: roles that nobody has, or too few for two pairs of eyes. */
export function missingPeople(terms: Terms, people: People): string[] {
  const problems: string[] = [];
  const needed = terms.fourEyes ? 2 : 1;
  const able = people.withRole(terms.roles).length;
  if (able < needed)
    problems.push(
      `roles: ${able} people have ${terms.roles.join(' or ')}, and ${needed} must decide; add them to the directory`,
    );
  if (terms.escalateTo.length > 0 && people.withRole(terms.escalateTo).length === 0)
    problems.push(`escalateTo: nobody has ${terms.escalateTo.join(' or ')}; add them to the directory`);
  return problems;
}
