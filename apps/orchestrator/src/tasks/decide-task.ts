import { parseDuration } from '@throughline/process';
import { candidates, isRequester, requesterBehind } from './candidates.js';
import { actorUnknown, refused } from './errors.js';
import { readForm } from './form.js';
import { deadlines, type Later } from './open-task.js';
import type { People, Person } from './people.js';
import {
  candidateRoles,
  hasEnded,
  SYSTEM,
  type Approval,
  type Task,
  type TaskEvent,
  type TaskEventKind,
  type Verdict,
} from './task.js';

/** What can be done with a task. */
export type Action = { reason?: string | undefined } & (
  | { kind: 'claim' }
  | { kind: 'release' }
  | { kind: 'resubmit' }
  | { kind: 'reject' }
  | { kind: 'assign'; to: string }
  | { kind: 'delegate'; to: string }
  | { kind: 'approve'; values?: Record<string, unknown> | undefined }
  /** `to`: who has to answer, where nobody is known as the requester. */
  | { kind: 'send-back'; to?: string | undefined }
  | { kind: 'add-attachment'; name: string; uri: string; sha256?: string | undefined }
  /** `null` takes it back. */
  | { kind: 'set-follow-up'; at: string | null }
);

/** Who acts. */
export interface Actor {
  id: string;
  /** In whose name, where a person may act for several; their own comes first. */
  onBehalfOf?: string | undefined;
  /** The version that they decided on; without one, whatever it is now. */
  seenVersion?: number | undefined;
}

/** What a decision about a task depends on beside the task. */
export interface Circumstances {
  people: People;
  later: Later;
  /** The first step after it that cannot be undone. */
  irreversible?: string | undefined;
}

export interface DecidedTask {
  task: Task;
  /** Kept for good; each entry says who is told. */
  audit: TaskEvent[];
  /** Ends the step of the process. */
  verdict?: Verdict;
}

/**
 * What a person's action does to a task. Pure: `before` is not changed.
 * @throws a refusal (`TASK_...`) whose message says what to do instead
 */
export function decideTask(
  before: Task,
  action: Action,
  actor: Actor,
  now: string,
  around: Circumstances,
): DecidedTask {
  return new Turn(before, actor.id, now, around).act(action, actor);
}

/** What time does to a task: remind, escalate, expire, and take it from whoever is away. Without effect before its time. */
export function passTime(before: Task, now: string, around: Circumstances): DecidedTask {
  return new Turn(before, SYSTEM, now, around).passTime();
}

/**
 * Somebody changed what is asked for, and nobody is asked anew by that: they do not decide on it either, and what they hold or have approved
 * counts no more. `requesters` are ids, the latest last. Without effect where all of them are known.
 */
export function joinRequesters(before: Task, requesters: string[], now: string, around: Circumstances): DecidedTask {
  return new Turn(before, SYSTEM, now, around).join(requesters);
}

/** The process needs no decision any more. Without effect on a task that has ended. */
export function withdrawTask(before: Task, reason: string, now: string): DecidedTask {
  if (hasEnded(before)) return { task: before, audit: [] };
  const version = before.version + 1;
  const lastChange = { by: SYSTEM, did: 'withdrawn', at: now } as const;
  const task: Task = { ...before, status: 'withdrawn', version, endedAt: now, lastChange };
  const notified = before.assignee ? [before.assignee] : [];
  return { task, audit: [{ kind: 'withdrawn', by: SYSTEM, at: now, reason, status: 'withdrawn', version, notified }] };
}

/** One decision: a private copy of the task, and what was done so far. */
class Turn {
  private readonly task: Task;
  private readonly audit: TaskEvent[] = [];
  private verdict: Verdict | undefined;

  constructor(
    before: Task,
    private readonly by: string,
    private readonly now: string,
    private readonly around: Circumstances,
  ) {
    const { approvals, attachments, requesters } = before;
    this.task = {
      ...before,
      approvals: [...approvals],
      attachments: [...attachments],
      requesters: [...requesters],
    };
  }

  act(action: Action, { onBehalfOf, seenVersion }: Actor): DecidedTask {
    const { task } = this;
    const person = this.known(this.by);
    if (hasEnded(task)) throw this.ended();
    if (seenVersion !== undefined && seenVersion !== task.version) throw this.changed(seenVersion);
    if ((action.kind === 'reject' || action.kind === 'send-back') && !action.reason?.trim())
      throw refused(
        'TASK_REASON_MISSING',
        `Say why: a task that is ${action.kind === 'reject' ? 'rejected' : 'sent back'} needs a reason.`,
        'reason',
      );
    switch (action.kind) {
      case 'resubmit':
        return this.resubmit(person, action.reason);
      case 'add-attachment':
        return this.attach(person, action);
      case 'assign':
        return this.assign(person, action.to, action.reason);
      case 'claim':
      case 'release':
      case 'delegate':
      case 'approve':
      case 'reject':
      case 'send-back':
      case 'set-follow-up':
        return this.decide(action, person, onBehalfOf);
    }
  }

  passTime(): DecidedTask {
    const { task, now, around } = this;
    if (hasEnded(task)) return this.done();
    this.returnFromAbsent();
    const isDue = (at: string | undefined): boolean => at !== undefined && at <= now;
    if (isDue(task.expiresAt)) this.expire();
    if (hasEnded(task)) return this.done();
    if (isDue(task.remindAt)) {
      delete task.remindAt;
      this.note('reminded', { notified: this.responsible() });
    }
    if (isDue(task.escalateAt)) this.escalate(`not decided by ${task.escalateAt}`);
    if (isDue(task.followUpAt)) {
      delete task.followUpAt;
      this.note('follow-up-reached', {
        notified: task.assignee ? [task.assignee] : candidates(task, around.people, now),
      });
    }
    return this.done();
  }

  join(requesters: string[]): DecidedTask {
    const { task, now, around } = this;
    const joined = requesters.filter((id) => !task.requesters.includes(id));
    if (hasEnded(task) || joined.length === 0) return this.done();
    task.requesters.push(...joined);
    // What was sent back is answered by whom it was sent to.
    if (task.status !== 'sent-back') task.requestedBy = requesters.at(-1)!;
    const isTheirs = (...ids: (string | undefined)[]): boolean =>
      ids.some((id) => id !== undefined && isRequester(task, id, around.people, now));
    task.approvals = task.approvals.filter(({ by, onBehalfOf }) => !isTheirs(by, onBehalfOf));
    if (isTheirs(task.assignee, task.actsFor)) this.letGo();
    const who = joined.map((id) => this.nameOf(id)).join(' and ');
    this.note('requester-joined', {
      reason: `${who} changed what is asked for`,
      details: { requesters: joined },
      notified: task.status === 'sent-back' ? [] : this.responsible(),
    });
    return this.done();
  }

  /** What only those may do who may decide. */
  private decide(
    action: Exclude<Action, { kind: 'resubmit' } | { kind: 'add-attachment' } | { kind: 'assign' }>,
    person: Person,
    onBehalfOf: string | undefined,
  ): DecidedTask {
    const { task } = this;
    if (task.status === 'sent-back') throw this.sentBackTo();
    const principal = this.authority(person, onBehalfOf);
    const own = principal.id === person.id;
    const holder = own ? {} : { onBehalfOf: principal.id };
    const reason = action.reason?.trim() ? { reason: action.reason } : {};
    const isHeld = task.assignee === person.id;
    switch (action.kind) {
      case 'claim':
        if (isHeld) throw refused('TASK_HELD', `You hold task ${task.id} already: decide it, or release it.`);
        this.hold(person, principal);
        this.note('claimed', { ...holder, ...reason });
        break;
      case 'release':
        if (!task.assignee)
          throw refused('TASK_NOT_HELD', `Nobody holds task ${task.id}: there is nothing to release.`);
        this.letGo();
        this.note('released', { ...holder, ...reason, notified: this.offered() });
        break;
      case 'delegate':
        this.delegate(person, principal, own, action.to, reason);
        break;
      case 'set-follow-up':
        this.setFollowUp(person, principal, action.at, { ...holder, ...reason });
        break;
      case 'approve':
        this.approve(person, action.values ?? {}, { ...holder, ...reason });
        break;
      case 'reject':
        this.settle('rejected', { ...holder, ...reason }, {});
        break;
      case 'send-back':
        this.sendBack(action, holder);
        break;
    }
    return this.done();
  }

  /**
   * In whose name a person may act on this task: their own, or that of somebody who lets them.
   * @throws a refusal that says why in nobody's
   */
  private authority(person: Person, onBehalfOf: string | undefined): Person {
    const { task, now, around } = this;
    const { people } = around;
    const absence = people.absenceOf(person.id, now);
    if (absence)
      throw refused(
        'TASK_ACTOR_ABSENT',
        `You are away until ${absence.endsAt}, and tasks are not offered to you: end that absence (${absence.id}) first.`,
      );
    if (isRequester(task, person.id, people, now)) throw this.ownRequest(person);
    const names = [person, ...people.delegatorsOf(person.id, now)];
    // Whoever was given this one task acts for who gave it, for as long as they hold it.
    const given = task.assignee === person.id && task.actsFor ? people.find(task.actsFor) : undefined;
    if (given) names.unshift(given);
    const able = names.filter(({ roles }) => roles.some((role) => candidateRoles(task).includes(role)));
    const chosen = able.filter(({ id }) => onBehalfOf === undefined || id === onBehalfOf);
    if (chosen.length === 0) throw this.roleMissing(person, onBehalfOf);
    const fresh = chosen.filter(({ id }) => !hasApproved(task, id) && !hasApproved(task, person.id));
    if (fresh.length === 0) throw this.secondPerson();
    const holder = task.assignee;
    if (holder === undefined || holder === person.id) return fresh[0]!;
    const ofHolder = fresh.find(({ id }) => id === holder || id === task.actsFor);
    if (ofHolder) return ofHolder;
    const above =
      task.escalatedAt && fresh.find(({ roles }) => roles.some((role) => task.terms.escalateTo.includes(role)));
    if (above) return above;
    throw this.heldByAnother(holder);
  }

  private approve(
    person: Person,
    given: Record<string, unknown>,
    entry: Pick<TaskEvent, 'onBehalfOf' | 'reason'>,
  ): void {
    const { task, now } = this;
    const read = readForm(task.terms.form, given);
    if ('problems' in read) {
      const [first] = read.problems;
      const all = read.problems.map(({ field, message }) => `${field} ${message}`).join('; ');
      throw refused('TASK_FORM_INVALID', `The form is not complete: ${all}.`, `values.${first!.field}`);
    }
    const { values } = read;
    const approval: Approval = { by: person.id, ...entry, at: now, values };
    task.approvals.push(approval);
    if (task.terms.fourEyes && task.approvals.length < 2) {
      this.letGo();
      this.note('seconding', {
        ...entry,
        details: { values },
        notified: this.offered().filter((id) => !hasApproved(task, id)),
      });
      return;
    }
    this.settle('approved', entry, values);
  }

  private settle(
    verdict: Verdict['verdict'],
    entry: Pick<TaskEvent, 'onBehalfOf' | 'reason'>,
    values: Verdict['values'],
  ): void {
    const { task, by } = this;
    const details = Object.keys(values).length > 0 ? { details: { values } } : {};
    // All that was answered counts: the second person may have filled in what the first had left open.
    const all = Object.assign({}, ...task.approvals.map((approval) => approval.values)) as Verdict['values'];
    this.verdict = { verdict, by, ...entry, values: verdict === 'approved' ? { ...all, ...values } : {} };
    this.end(verdict, { ...entry, ...details, notified: task.requestedBy ? [task.requestedBy] : [] });
  }

  private sendBack({ reason, to }: Extract<Action, { kind: 'send-back' }>, holder: { onBehalfOf?: string }): void {
    const { task } = this;
    if (to !== undefined && task.requestedBy !== undefined && task.requestedBy !== to)
      throw refused(
        'TASK_PERSON_UNFIT',
        `${this.nameOf(task.requestedBy)} requested this and has to answer: leave out to.`,
        'to',
      );
    if (to === this.by)
      throw refused('TASK_PERSON_UNFIT', 'You cannot send a task back to yourself: release it.', 'to');
    // Where nobody was known it is their request from now on: who answers for it does not decide about it.
    if (to !== undefined && task.requestedBy === undefined) {
      task.requestedBy = this.target(to).id;
      task.requesters.push(task.requestedBy);
    }
    if (task.requestedBy === undefined)
      throw refused(
        'TASK_REQUESTER_UNKNOWN',
        'Nobody is known who requested this: say who has to answer, in `to` (on the command line --to <person>).',
        'to',
      );
    const text = reason!.trim();
    task.sentBack = { by: this.by, reason: text, at: this.now };
    task.status = 'sent-back';
    // What was approved was another request.
    task.approvals.length = 0;
    this.letGo('sent-back');
    // While the requester has it, nobody is late; only the end stays.
    delete task.dueAt;
    delete task.remindAt;
    delete task.escalateAt;
    this.note('sent-back', {
      ...holder,
      reason: text,
      details: { to: task.requestedBy },
      notified: [task.requestedBy],
    });
  }

  private resubmit(person: Person, reason: string | undefined): DecidedTask {
    const { task, now, around } = this;
    if (task.status !== 'sent-back')
      throw refused('TASK_NOT_SENT_BACK', `Task ${task.id} was not sent back: there is nothing to answer.`);
    // Of several requesters the latest: what the others asked for is not what is asked for now.
    if (!isRequester({ requesters: [task.requestedBy!] }, person.id, around.people, now))
      throw refused(
        'TASK_ROLE_MISSING',
        `Task ${task.id} was sent back to ${this.nameOf(task.requestedBy!)}: only they, or who acts for them, answer.`,
      );
    const own = task.requestedBy === person.id;
    const { by: sender } = task.sentBack!;
    delete task.sentBack;
    task.status = 'open';
    Object.assign(task, deadlines(task.terms, now, around.later));
    const { expires, onExpiry } = task.terms;
    // An answer at the last moment must not leave nobody the time to say no.
    if (expires && onExpiry === 'approve') task.expiresAt = around.later(now, parseDuration(expires)!);
    // Back to who asked, as long as they are there.
    const asked = around.people.find(sender);
    if (asked && candidates(task, around.people, now).includes(sender)) this.hold(asked, asked);
    this.note('resubmitted', {
      ...(!own && { onBehalfOf: task.requestedBy! }),
      ...(reason?.trim() && { reason }),
      notified: this.responsible(),
    });
    return this.done();
  }

  /** Whoever holds it hands it on; while nobody does, any candidate gives it out; those above may at any time. */
  private assign(person: Person, to: string, reason: string | undefined): DecidedTask {
    const { task, now, around } = this;
    if (task.status === 'sent-back') throw this.sentBackTo();
    const isAbove = person.roles.some((role) => task.terms.escalateTo.includes(role));
    if (isRequester(task, person.id, around.people, now)) throw this.ownRequest(person);
    const principal = isAbove ? person : this.authority(person, undefined);
    const target = this.target(to);
    if (!target.roles.some((role) => candidateRoles(task).includes(role)))
      throw refused(
        'TASK_PERSON_UNFIT',
        `${target.name} has none of ${candidateRoles(task).join(', ')}: assign it to one of ${this.offered().join(', ')}.`,
        'to',
      );
    if (hasApproved(task, target.id)) throw this.secondPerson();
    this.hold(target, target);
    this.note('assigned', {
      ...(principal.id !== person.id && { onBehalfOf: principal.id }),
      ...(reason?.trim() && { reason }),
      details: { to: target.id },
      notified: [target.id],
    });
    return this.done();
  }

  private delegate(person: Person, principal: Person, own: boolean, to: string, reason: { reason?: string }): void {
    const { task } = this;
    if (!own)
      throw refused(
        'TASK_ROLE_MISSING',
        `You act for ${principal.name} here, and that is not passed on: let them delegate it, or release it.`,
      );
    const target = this.target(to);
    if (target.id === person.id)
      throw refused('TASK_PERSON_UNFIT', 'You cannot delegate a task to yourself: claim it.', 'to');
    if (hasApproved(task, target.id)) throw this.secondPerson();
    this.hold(target, principal);
    this.note('delegated', { ...reason, details: { to: target.id }, notified: [target.id] });
  }

  private setFollowUp(
    person: Person,
    principal: Person,
    at: string | null,
    entry: Pick<TaskEvent, 'onBehalfOf' | 'reason'>,
  ): void {
    const { task, now } = this;
    if (at !== null && at <= now)
      throw refused(
        'TASK_FOLLOW_UP_PAST',
        `${at} is over: name a time to come, or none to take the follow-up back.`,
        'at',
      );
    this.hold(person, principal);
    delete task.followUpAt;
    if (at !== null) task.followUpAt = at;
    this.note('follow-up-set', { ...entry, details: { at } });
  }

  /** Whoever may decide, and whoever has to answer, may show what it is about. */
  private attach(
    person: Person,
    { name, uri, sha256, reason }: Extract<Action, { kind: 'add-attachment' }>,
  ): DecidedTask {
    const { task, now, around } = this;
    const isAsked = isRequester(task, person.id, around.people, now);
    if (!isAsked) this.authority(person, undefined);
    const problem = attachmentProblem(uri);
    if (problem) throw refused('TASK_ATTACHMENT_INVALID', problem, 'uri');
    const attachment = { name, uri, ...(sha256 && { sha256 }), by: person.id, at: now };
    task.attachments.push(attachment);
    this.note('attached', { ...(reason?.trim() && { reason }), details: { name, uri, ...(sha256 && { sha256 }) } });
    return this.done();
  }

  private expire(): void {
    const { task, around } = this;
    const { expires, escalateTo } = task.terms;
    let { onExpiry } = task.terms;
    delete task.expiresAt;
    let reason = `nobody decided within ${expires}`;
    // Or the requester would only have to keep silent to be approved.
    if (task.status === 'sent-back' && onExpiry === 'approve') onExpiry = escalateTo.length > 0 ? 'escalate' : 'reject';
    // A task of before may have such terms: who answers for the step decides, and not the time that has passed.
    if (onExpiry === 'approve' && around.irreversible !== undefined) {
      onExpiry = 'escalate';
      reason += `, and step ${around.irreversible} after it cannot be undone`;
      if (escalateTo.length === 0) task.terms = { ...task.terms, escalateTo: [task.subject.owner] };
    }
    if (onExpiry === 'escalate') {
      this.note('expired', { reason });
      // Who did not answer cannot keep it from being decided.
      if (task.status === 'sent-back') this.letGo();
      delete task.sentBack;
      this.escalate(reason);
      return;
    }
    const verdict = onExpiry === 'approve' ? 'approved' : 'rejected';
    this.note('expired', { reason, notified: this.responsible() });
    this.settle(verdict, { reason }, {});
  }

  private escalate(reason: string): void {
    const { task, now, around } = this;
    delete task.escalateAt;
    task.escalatedAt = now;
    const notified = candidates(task, around.people, now, task.terms.escalateTo);
    this.note('escalated', { reason, details: { to: task.terms.escalateTo }, notified });
  }

  /** What somebody holds who has gone goes to who stands in for them, or back into the queue. */
  private returnFromAbsent(): void {
    const { task, now, around } = this;
    const { people } = around;
    const absence = task.assignee === undefined ? undefined : people.absenceOf(task.assignee, now);
    if (!absence) return;
    const away = people.find(absence.person);
    const standIn = people
      .delegatesOf(absence.person, now)
      .find(({ id }) => !people.absenceOf(id, now) && !isRequester(task, id, people, now) && !hasApproved(task, id));
    // What was passed on to the absent person was not theirs to pass on.
    if (away && standIn && task.actsFor === undefined) this.hold(standIn, away);
    else this.letGo();
    this.note('absence-began', {
      reason: `${this.nameOf(absence.person)} is away until ${absence.endsAt}`,
      details: { from: absence.person, to: task.assignee ?? null },
      notified: this.responsible(),
    });
  }

  private hold(person: Person, principal: Person): void {
    this.task.status = 'claimed';
    this.task.assignee = person.id;
    delete this.task.actsFor;
    if (principal.id !== person.id) this.task.actsFor = principal.id;
  }

  private letGo(status: 'open' | 'sent-back' = 'open'): void {
    this.task.status = status;
    delete this.task.assignee;
    delete this.task.actsFor;
    delete this.task.followUpAt;
  }

  private end(status: 'approved' | 'rejected', entry: Partial<TaskEvent>): void {
    const { task, now } = this;
    task.status = status;
    task.endedAt = now;
    this.note(status, entry);
  }

  private note(kind: TaskEventKind, entry: Partial<TaskEvent>): void {
    const { task, by, now } = this;
    task.version++;
    task.lastChange = { by, did: kind, at: now };
    this.audit.push({ kind, by, at: now, status: task.status, version: task.version, notified: [], ...entry });
  }

  private done(): DecidedTask {
    const { task, audit, verdict } = this;
    return { task, audit, ...(verdict && { verdict }) };
  }

  private offered(): string[] {
    return candidates(this.task, this.around.people, this.now);
  }

  /** Who has to do something now. */
  private responsible(): string[] {
    return this.task.assignee ? [this.task.assignee] : this.offered();
  }

  private known(id: string): Person {
    const person = this.around.people.find(id);
    if (person) return person;
    throw actorUnknown(id);
  }

  /** Somebody to whom a task is given. */
  private target(id: string): Person {
    const { task, now, around } = this;
    const person = around.people.find(id);
    if (!person)
      throw refused(
        'TASK_PERSON_UNFIT',
        `Nobody here is called "${id}": name somebody of the directory of people.`,
        'to',
      );
    const absence = around.people.absenceOf(id, now);
    if (absence)
      throw refused(
        'TASK_PERSON_UNFIT',
        `${person.name} is away until ${absence.endsAt}: name somebody who is there.`,
        'to',
      );
    if (isRequester(task, id, around.people, now)) throw this.ownRequest(person);
    return person;
  }

  private nameOf(id: string): string {
    return this.around.people.find(id)?.name ?? id;
  }

  /** Says who was faster. */
  private ended(): Error {
    const { task } = this;
    const { by, at } = task.lastChange;
    const who = by === SYSTEM ? 'without a decision of a person' : `by ${this.nameOf(by)}`;
    return refused('TASK_ENDED', `Task ${task.id} was ${task.status} ${who} at ${at}: nothing is left to be done.`);
  }

  private changed(seenVersion: number): Error {
    const { id, version, lastChange } = this.task;
    const who = lastChange.by === SYSTEM ? 'Time' : this.nameOf(lastChange.by);
    return refused(
      'TASK_CHANGED',
      `${who} was faster: task ${id} is ${lastChange.did} since ${lastChange.at} (version ${version}, and you saw ${seenVersion}). Look at it again.`,
    );
  }

  private heldByAnother(holder: string): Error {
    const { id } = this.task;
    return refused('TASK_HELD', `${this.nameOf(holder)} holds task ${id}: ask them to decide, release or assign it.`);
  }

  private sentBackTo(): Error {
    const { id, requestedBy } = this.task;
    return refused(
      'TASK_SENT_BACK',
      `Task ${id} was sent back to ${this.nameOf(requestedBy!)}: wait until they resubmit it.`,
    );
  }

  private ownRequest(person: Person): Error {
    const { task, now, around } = this;
    const requester = requesterBehind(task, person.id, around.people, now)!;
    const whose =
      requester === person.id
        ? `${person.name} requested it`
        : `${person.name} acts for ${this.nameOf(requester)}, who requested it`;
    return refused(
      'TASK_OWN_REQUEST',
      `Task ${task.id} is for somebody else to decide: ${whose}, and nobody decides on their own request.`,
    );
  }

  private roleMissing(person: Person, onBehalfOf: string | undefined): Error {
    const roles = candidateRoles(this.task).join(' or ');
    const whose =
      onBehalfOf === undefined || onBehalfOf === person.id ? '' : ` in the name of ${this.nameOf(onBehalfOf)}`;
    return refused(
      'TASK_ROLE_MISSING',
      `${person.name} may not decide task ${this.task.id}${whose}: that takes ${roles}, of their own or by a delegation. Ask one of ${this.offered().join(', ') || 'those who give out roles'}.`,
    );
  }

  private secondPerson(): Error {
    const { id, approvals } = this.task;
    const first = approvals
      .map(({ by, onBehalfOf }) => this.nameOf(by) + (onBehalfOf ? ` for ${this.nameOf(onBehalfOf)}` : ''))
      .join(', ');
    return refused(
      'TASK_SECOND_PERSON_NEEDED',
      `${first} approved task ${id} already, and it takes two people who have nothing to do with each other: leave it to another one.`,
    );
  }
}

const hasApproved = ({ approvals }: Task, id: string): boolean =>
  approvals.some(({ by, onBehalfOf }) => by === id || onBehalfOf === id);

/** A reference that says where a document lies, and neither holds it nor a password. */
function attachmentProblem(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url)
    return `"${uri}" is no URI: say where the document lies, such as https://documents.example/contract-4711.pdf.`;
  if (['data:', 'javascript:', 'blob:'].includes(url.protocol))
    return 'A document is attached by reference: store it where it belongs, and give its address.';
  return url.username || url.password ? 'The address holds a name or a password: give it without.' : undefined;
}
