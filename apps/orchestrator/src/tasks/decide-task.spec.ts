import { describe, expect, it } from '@jest/globals';
import { MORNING, TaskStory } from '../spec/credit-task.js';
import { nextTimerAt } from './task.js';

const refusedAs = (code: string) => expect.objectContaining({ code });
/** What a story refuses, by its code. */
const refusal = (act: () => unknown): string => {
  try {
    act();
    return 'nothing was refused';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const messageOf = (act: () => unknown): string => {
  try {
    act();
    return 'nothing was refused';
  } catch (error) {
    return (error as Error).message;
  }
};
const allDay = { startsAt: '2026-11-23T00:00:00.000Z', endsAt: '2026-11-24T00:00:00.000Z' };

describe('who may decide', () => {
  it('a task is offered to the people of its role, and claimed by the first', () => {
    const story = new TaskStory();
    expect(story.last).toMatchObject({ kind: 'opened', notified: ['carla', 'carlo', 'cosima', 'sol'] });
    story.by('carla', 'claim');
    expect(story.task).toMatchObject({ status: 'claimed', assignee: 'carla' });
  });

  it('nobody without the role, and nobody whom the directory does not know; the refusal names who may', () => {
    for (const kind of ['claim', 'approve'] as const) {
      expect(refusal(() => new TaskStory().by('dana', kind))).toBe('TASK_ROLE_MISSING');
      expect(refusal(() => new TaskStory().by('mallory', kind))).toBe('TASK_ACTOR_UNKNOWN');
    }
    expect(messageOf(() => new TaskStory().by('dana', 'claim'))).toContain('Ask one of carla, carlo, cosima, sol');
    expect(refusal(() => new TaskStory().by('hedda', 'approve'))).toBe('TASK_ROLE_MISSING');
  });

  it('only who holds it; who decides without a claim where nobody does has claimed it by that', () => {
    const held = new TaskStory().by('carla', 'claim');
    expect(refusal(() => held.by('carlo', 'approve'))).toBe('TASK_HELD');
    expect(messageOf(() => held.by('carlo', { kind: 'reject', reason: 'no' }))).toContain('Carla holds task 1');
    expect(held.by('carla', 'approve').verdict).toEqual({ verdict: 'approved', by: 'carla', values: {} });
    expect(new TaskStory().by('carlo', 'approve').verdict).toMatchObject({ verdict: 'approved', by: 'carlo' });
  });

  it('a released task is in the queue again, and can be claimed by another', () => {
    const story = new TaskStory().by('carla', 'claim').by('carla', 'release');
    expect(story.task).toMatchObject({ status: 'open' });
    expect(story.task.assignee).toBeUndefined();
    expect(refusal(() => new TaskStory().by('carla', 'release'))).toBe('TASK_NOT_HELD');
    expect(story.by('carlo', 'claim').task.assignee).toBe('carlo');
  });

  it('it is assigned to somebody of the role, by who holds it or, while nobody does, by a candidate', () => {
    const story = new TaskStory().by('carla', { kind: 'assign', to: 'carlo' });
    expect(story.task).toMatchObject({ status: 'claimed', assignee: 'carlo' });
    expect(story.last).toMatchObject({ kind: 'assigned', by: 'carla', notified: ['carlo'], details: { to: 'carlo' } });
    expect(refusal(() => story.by('cosima', { kind: 'assign', to: 'cosima' }))).toBe('TASK_HELD');
    expect(refusal(() => story.by('carlo', { kind: 'assign', to: 'dana' }))).toBe('TASK_PERSON_UNFIT');
    expect(refusal(() => story.by('carlo', { kind: 'assign', to: 'nobody' }))).toBe('TASK_PERSON_UNFIT');
    expect(refusal(() => story.by('dana', { kind: 'assign', to: 'carla' }))).toBe('TASK_ROLE_MISSING');
  });

  it('those to whom it would escalate may assign it at any time', () => {
    const story = new TaskStory({ outputs: { due: '1 day', escalateTo: 'head-of-credit' } }).by('carla', 'claim');
    expect(story.by('hedda', { kind: 'assign', to: 'carlo' }).task.assignee).toBe('carlo');
  });
});

describe('nobody decides on their own request', () => {
  it.each(['closedBy', 'their alias in the CRM'])('known by %s', (how) => {
    const requestedBy = how === 'closedBy' ? 'sol' : 'hubspot:4711:owner:77';
    const story = new TaskStory({ requestedBy });
    expect(story.task.requestedBy).toBe('sol');
    expect(story.last.notified).toEqual(['carla', 'carlo', 'cosima']);
    for (const kind of ['claim', 'approve'] as const)
      expect(refusal(() => story.by('sol', kind))).toBe('TASK_OWN_REQUEST');
    expect(refusal(() => story.by('sol', { kind: 'reject', reason: 'x' }))).toBe('TASK_OWN_REQUEST');
    expect(refusal(() => story.by('sol', { kind: 'assign', to: 'carla' }))).toBe('TASK_OWN_REQUEST');
    expect(refusal(() => story.by('carla', { kind: 'assign', to: 'sol' }))).toBe('TASK_OWN_REQUEST');
    expect(refusal(() => story.by('carla', { kind: 'delegate', to: 'sol' }))).toBe('TASK_OWN_REQUEST');
  });

  it('nor by somebody who acts for them, whatever roles that one has, nor in the name of another', () => {
    const acting = new TaskStory({ requestedBy: 'sol', delegations: [{ from: 'sol', to: 'carla', ...allDay }] });
    expect(refusal(() => acting.by('carla', 'approve'))).toBe('TASK_OWN_REQUEST');
    const forAnother = new TaskStory({ requestedBy: 'sol', delegations: [{ from: 'carla', to: 'sol', ...allDay }] });
    expect(refusal(() => forAnother.by('sol', 'approve', { onBehalfOf: 'carla' }))).toBe('TASK_OWN_REQUEST');
  });

  it('nor does anybody who asked before an amendment by another, nor who acts for them; the latest answers', () => {
    const story = new TaskStory({
      requesters: ['carla', 'hubspot:4711:owner:77'],
      delegations: [{ from: 'carla', to: 'carlo', ...allDay }],
      outputs: { fourEyes: true },
    });
    expect(story.task).toMatchObject({ requestedBy: 'sol', requesters: ['carla', 'sol'] });
    expect(story.last.notified).toEqual(['cosima']);
    for (const id of ['carla', 'carlo', 'sol'])
      for (const kind of ['claim', 'approve'] as const)
        expect([id, refusal(() => story.by(id, kind))]).toEqual([id, 'TASK_OWN_REQUEST']);
    expect(messageOf(() => story.by('carlo', 'claim'))).toContain('Carlo acts for Carla, who requested it');
    story.by('cosima', { kind: 'send-back', reason: 'who signs?' });
    expect(story.last.notified).toEqual(['sol']);
    expect(refusal(() => story.by('carla', { kind: 'resubmit' }))).toBe('TASK_ROLE_MISSING');
    story.by('sol', { kind: 'resubmit' }).by('cosima', 'approve');
    for (const id of ['carla', 'carlo', 'sol'])
      expect([id, refusal(() => story.by(id, 'approve'))]).toEqual([id, 'TASK_OWN_REQUEST']);
  });

  it('nor does whoever changes what is asked for while it is open: what they hold or approved counts no more', () => {
    const story = new TaskStory({ requestedBy: 'sol', outputs: { fourEyes: true } });
    story.by('carla', 'approve').by('carlo', 'claim').joined(['sol', 'carla']);
    expect(story.task).toMatchObject({ requestedBy: 'carla', requesters: ['sol', 'carla'], approvals: [] });
    expect(story.task.assignee).toBe('carlo');
    expect(story.last).toMatchObject({ kind: 'requester-joined', by: 'system', notified: ['carlo'] });
    expect(refusal(() => story.by('carla', { kind: 'reject', reason: 'x' }))).toBe('TASK_OWN_REQUEST');
    story.joined(['sol', 'carla', 'carlo']);
    expect([story.task.status, story.task.assignee, story.last.notified]).toEqual(['open', undefined, ['cosima']]);
    const entries = story.audit.length;
    expect(story.joined(['sol', 'carla', 'carlo']).audit).toHaveLength(entries);
  });

  it('nor in the name of them; what was sent back stays with whom it was sent to', () => {
    const delegations = [{ from: 'carla', to: 'dana', ...allDay }];
    const acting = new TaskStory({ delegations, requestedBy: 'sol' }).by('dana', 'claim', { onBehalfOf: 'carla' });
    expect(acting.joined(['sol', 'carla']).task.assignee).toBeUndefined();
    const sentBack = new TaskStory({ requestedBy: 'sol' }).by('carla', { kind: 'send-back', reason: 'who signs?' });
    expect(sentBack.joined(['sol', 'carlo']).task).toMatchObject({ status: 'sent-back', requestedBy: 'sol' });
    sentBack.by('sol', { kind: 'resubmit' }).by('carla', 'release');
    expect(refusal(() => sentBack.by('carlo', 'approve'))).toBe('TASK_OWN_REQUEST');
  });

  it('nor do they second it', () => {
    const story = new TaskStory({ requestedBy: 'sol', outputs: { fourEyes: true } }).by('carla', 'approve');
    expect(refusal(() => story.by('sol', 'approve'))).toBe('TASK_OWN_REQUEST');
  });
});

describe('four eyes', () => {
  const fourEyes = { outputs: { fourEyes: true } };

  it('two different people approve; after the first it is in the queue again, and the step waits', () => {
    const story = new TaskStory(fourEyes).by('carla', 'approve');
    expect(story.verdict).toBeUndefined();
    expect(story.task).toMatchObject({ status: 'open', approvals: [{ by: 'carla' }] });
    expect(story.last).toMatchObject({ kind: 'seconding', notified: ['carlo', 'cosima', 'sol'] });
    for (const kind of ['approve', 'claim'] as const)
      expect(refusal(() => story.by('carla', kind))).toBe('TASK_SECOND_PERSON_NEEDED');
    expect(story.by('carlo', 'approve').verdict).toMatchObject({ verdict: 'approved', by: 'carlo' });
    expect(story.task.approvals.map(({ by }) => by)).toEqual(['carla', 'carlo']);
  });

  it('are not those of one person who acts in two names, nor of a person and whoever acted for them', () => {
    const delegations = [
      { from: 'carla', to: 'dana', ...allDay },
      { from: 'carlo', to: 'dana', ...allDay },
    ];
    const story = new TaskStory({ ...fourEyes, delegations }).by('dana', 'approve', { onBehalfOf: 'carla' });
    expect(refusal(() => story.by('dana', 'approve', { onBehalfOf: 'carlo' }))).toBe('TASK_SECOND_PERSON_NEEDED');
    expect(refusal(() => story.by('carla', 'approve'))).toBe('TASK_SECOND_PERSON_NEEDED');
    expect(refusal(() => story.by('carlo', { kind: 'assign', to: 'carla' }))).toBe('TASK_SECOND_PERSON_NEEDED');
    expect(story.by('carlo', 'approve').verdict).toMatchObject({ verdict: 'approved' });
  });

  it('one rejection ends it, before or after the first approval', () => {
    const reject = { kind: 'reject', reason: 'too much' } as const;
    expect(new TaskStory(fourEyes).by('carla', reject).verdict).toMatchObject({
      verdict: 'rejected',
      reason: 'too much',
    });
    expect(new TaskStory(fourEyes).by('carla', 'approve').by('carlo', reject).verdict).toMatchObject({
      verdict: 'rejected',
    });
  });
});

describe('delegation', () => {
  const delegations = [{ from: 'carla', to: 'dana', ...allDay }];

  it('gives the roles of who delegates, for its time; the audit has both names', () => {
    const story = new TaskStory({ delegations }).by('dana', 'approve');
    expect(story.verdict).toMatchObject({ by: 'dana', onBehalfOf: 'carla' });
    expect(story.last).toMatchObject({ kind: 'approved', by: 'dana', onBehalfOf: 'carla' });
    const late = new TaskStory({ delegations });
    late.now = '2026-11-24T00:00:00.000Z';
    expect(refusal(() => late.by('dana', 'approve'))).toBe('TASK_ROLE_MISSING');
  });

  it('lets the delegate decide what the other holds', () => {
    const story = new TaskStory({ delegations }).by('carla', 'claim').by('dana', 'approve');
    expect(story.verdict).toMatchObject({ by: 'dana', onBehalfOf: 'carla' });
    const another = new TaskStory({ delegations }).by('carlo', 'claim');
    expect(refusal(() => another.by('dana', 'approve'))).toBe('TASK_HELD');
  });

  it('is in whose name the person says, and in their own where they may themselves', () => {
    const own = new TaskStory({ delegations: [{ from: 'carla', to: 'carlo', ...allDay }] });
    expect(own.by('carlo', 'approve').verdict).not.toHaveProperty('onBehalfOf');
    const named = new TaskStory({ delegations: [{ from: 'carla', to: 'carlo', ...allDay }] });
    expect(named.by('carlo', 'approve', { onBehalfOf: 'carla' }).verdict).toMatchObject({ onBehalfOf: 'carla' });
    expect(refusal(() => new TaskStory({ delegations }).by('dana', 'approve', { onBehalfOf: 'carlo' }))).toBe(
      'TASK_ROLE_MISSING',
    );
  });

  it('of one task: the other decides it in the name of who delegated, and cannot pass it on', () => {
    const story = new TaskStory().by('carla', { kind: 'delegate', to: 'dana' });
    expect(story.task).toMatchObject({ assignee: 'dana', actsFor: 'carla' });
    expect(refusal(() => story.by('dana', { kind: 'delegate', to: 'hedda' }))).toBe('TASK_ROLE_MISSING');
    expect(refusal(() => story.by('carlo', 'approve'))).toBe('TASK_HELD');
    expect(story.by('dana', 'approve').verdict).toMatchObject({ by: 'dana', onBehalfOf: 'carla' });
  });

  it('is not passed on to a third person', () => {
    const chain = new TaskStory({ delegations: [...delegations, { from: 'dana', to: 'hedda', ...allDay }] });
    expect(refusal(() => chain.by('hedda', 'approve'))).toBe('TASK_ROLE_MISSING');
  });
});

describe('absence', () => {
  const absences = [{ person: 'carla', startsAt: '2026-11-23T12:00:00.000Z', endsAt: '2026-11-27T00:00:00.000Z' }];

  it('who is away is not offered tasks, is given none, and takes none', () => {
    const away = [{ person: 'carla', ...allDay }];
    const story = new TaskStory({ absences: away });
    expect(story.last.notified).toEqual(['carlo', 'cosima', 'sol']);
    expect(refusal(() => story.by('carla', 'claim'))).toBe('TASK_ACTOR_ABSENT');
    expect(refusal(() => story.by('carlo', { kind: 'assign', to: 'carla' }))).toBe('TASK_PERSON_UNFIT');
  });

  it('what they hold goes back into the queue when it begins', () => {
    const story = new TaskStory({ absences }).by('carla', 'claim').at('2026-11-23T11:59:59.000Z');
    expect(story.task.assignee).toBe('carla');
    story.at('2026-11-23T12:00:00.000Z');
    expect(story.task).toMatchObject({ status: 'open' });
    expect(story.last).toMatchObject({ kind: 'absence-began', by: 'system', notified: ['carlo', 'cosima', 'sol'] });
  });

  it('or to whoever acts for them, who is offered new tasks, too', () => {
    const delegations = [
      { from: 'carla', to: 'dana', startsAt: '2026-11-23T00:00:00.000Z', endsAt: '2026-11-27T00:00:00.000Z' },
    ];
    const story = new TaskStory({ absences, delegations }).by('carla', 'claim').at('2026-11-23T12:00:00.000Z');
    expect(story.task).toMatchObject({ status: 'claimed', assignee: 'dana', actsFor: 'carla' });
    expect(story.by('dana', 'approve').verdict).toMatchObject({ by: 'dana', onBehalfOf: 'carla' });
    const opened = new TaskStory({ absences: [{ person: 'carla', ...allDay }], delegations });
    expect(opened.last.notified).toContain('dana');
  });

  it('but what was delegated to who is away was not theirs to pass on: it goes back into the queue', () => {
    const story = new TaskStory({
      absences: [{ ...absences[0]!, person: 'dana' }],
      delegations: [{ from: 'dana', to: 'hedda', ...allDay }],
    });
    story.by('carla', { kind: 'delegate', to: 'dana' }).at('2026-11-23T12:00:00.000Z');
    expect(story.task).toMatchObject({ status: 'open' });
  });

  it('but not to the requester, nor to one who is away as well', () => {
    const to = (id: string, more: object[] = []) =>
      new TaskStory({
        requestedBy: 'sol',
        absences: [...absences, ...(more as typeof absences)],
        delegations: [
          { from: 'carla', to: id, startsAt: '2026-11-23T11:00:00.000Z', endsAt: '2026-11-27T00:00:00.000Z' },
        ],
      })
        .by('carla', 'claim')
        .at('2026-11-23T12:00:00.000Z');
    expect(to('sol').task.assignee).toBeUndefined();
    expect(to('dana', [{ person: 'dana', ...allDay }]).task.assignee).toBeUndefined();
    expect(to('dana').task.assignee).toBe('dana');
  });
});

describe('sending back', () => {
  const sendBack = { kind: 'send-back', reason: 'which entity signs?' } as const;

  it('goes to the requester, whose answer brings it back to who asked; nobody decides meanwhile', () => {
    const story = new TaskStory({ requestedBy: 'sol' }).by('carla', sendBack);
    expect(story.task).toMatchObject({ status: 'sent-back', sentBack: { by: 'carla', reason: 'which entity signs?' } });
    expect(story.last.notified).toEqual(['sol']);
    expect(refusal(() => story.by('carla', 'approve'))).toBe('TASK_SENT_BACK');
    expect(refusal(() => story.by('carlo', { kind: 'assign', to: 'carlo' }))).toBe('TASK_SENT_BACK');
    expect(refusal(() => story.by('carlo', { kind: 'resubmit' }))).toBe('TASK_ROLE_MISSING');
    story.by('sol', { kind: 'resubmit', reason: 'the German one' });
    expect(story.task).toMatchObject({ status: 'claimed', assignee: 'carla' });
    expect(story.last).toMatchObject({ kind: 'resubmitted', reason: 'the German one', notified: ['carla'] });
    expect(story.by('carla', 'approve').verdict).toMatchObject({ verdict: 'approved' });
  });

  it('takes back the first of two approvals: that was another request', () => {
    const story = new TaskStory({ requestedBy: 'sol', outputs: { fourEyes: true } });
    story.by('carla', 'approve').by('carlo', sendBack).by('sol', { kind: 'resubmit' });
    expect(story.task.approvals).toEqual([]);
    expect(story.by('carlo', 'approve').verdict).toBeUndefined();
  });

  it('names a person where nobody is known as the requester; it is theirs from then on', () => {
    expect(refusal(() => new TaskStory().by('carla', sendBack))).toBe('TASK_REQUESTER_UNKNOWN');
    const story = new TaskStory().by('carla', { ...sendBack, to: 'sol' }).by('sol', { kind: 'resubmit' });
    expect(refusal(() => story.by('sol', 'approve'))).toBe('TASK_OWN_REQUEST');
    const known = new TaskStory({ requestedBy: 'sol' });
    expect(refusal(() => known.by('carla', { ...sendBack, to: 'dana' }))).toBe('TASK_PERSON_UNFIT');
    expect(known.by('carla', { ...sendBack, to: 'sol' }).task.status).toBe('sent-back');
    expect(refusal(() => new TaskStory().by('carla', { ...sendBack, to: 'carla' }))).toBe('TASK_PERSON_UNFIT');
  });

  it('stops the clock of the deciders, which starts anew with the answer', () => {
    const story = new TaskStory({
      requestedBy: 'sol',
      outputs: { due: '2 hours', remind: '1 hour', escalateTo: 'head-of-credit' },
    });
    story.by('carla', sendBack).at('2026-11-23T20:00:00.000Z');
    expect(story.audit.map(({ kind }) => kind)).toEqual(['opened', 'sent-back']);
    story.by('sol', { kind: 'resubmit' });
    expect(story.task).toMatchObject({ dueAt: '2026-11-23T22:00:00.000Z', remindAt: '2026-11-23T21:00:00.000Z' });
  });

  it('is answered only when it was asked', () => {
    expect(refusal(() => new TaskStory({ requestedBy: 'sol' }).by('sol', { kind: 'resubmit' }))).toBe(
      'TASK_NOT_SENT_BACK',
    );
  });
});

describe('time', () => {
  const outputs = {
    due: '4 business hours',
    remind: '1 business hour',
    escalateTo: 'head-of-credit',
    escalateAfter: '5 business hours',
  };

  it('reminds before the due time, by the business calendar, once', () => {
    const story = new TaskStory({ outputs }).by('carla', 'claim');
    expect(story.task).toMatchObject({ dueAt: '2026-11-23T14:00:00.000Z', remindAt: '2026-11-23T13:00:00.000Z' });
    story.at('2026-11-23T12:59:00.000Z').at('2026-11-23T13:00:00.000Z').at('2026-11-23T13:30:00.000Z');
    expect(story.audit.map(({ kind }) => kind)).toEqual(['opened', 'claimed', 'reminded']);
    expect(story.last.notified).toEqual(['carla']);
  });

  it('escalates after it: those above may decide, and take it from who holds it', () => {
    const story = new TaskStory({ outputs }).by('carla', 'claim').at('2026-11-23T15:00:00.000Z');
    expect(story.last).toMatchObject({ kind: 'escalated', by: 'system', notified: ['hedda'] });
    expect(refusal(() => story.by('carlo', 'approve'))).toBe('TASK_HELD');
    expect(story.by('hedda', 'claim').task.assignee).toBe('hedda');
    expect(story.by('hedda', 'approve').verdict).toMatchObject({ by: 'hedda' });
  });

  it('before it nobody takes what another one holds, also who will be above then', () => {
    const story = new TaskStory({ outputs: { due: '1 hour', escalateTo: 'sales' } }).by('carla', 'claim');
    expect(refusal(() => story.by('sol', 'claim'))).toBe('TASK_HELD');
    expect(story.at('2026-11-23T11:00:00.000Z').by('sol', 'claim').task.assignee).toBe('sol');
  });

  it('follows up when a person wanted to look again', () => {
    const story = new TaskStory().by('carla', { kind: 'set-follow-up', at: '2026-11-24T09:00:00.000Z' });
    expect(story.task.assignee).toBe('carla');
    expect(refusal(() => story.by('carla', { kind: 'set-follow-up', at: MORNING }))).toBe('TASK_FOLLOW_UP_PAST');
    story.at('2026-11-24T09:00:00.000Z');
    expect(story.last).toMatchObject({ kind: 'follow-up-reached', notified: ['carla'] });
    story
      .by('carla', { kind: 'set-follow-up', at: '2026-11-25T09:00:00.000Z' })
      .by('carla', { kind: 'set-follow-up', at: null });
    expect(story.task.followUpAt).toBeUndefined();
  });

  it.each([
    ['reject', 'rejected'],
    ['approve', 'approved'],
  ] as const)('an expiry can %s', (onExpiry, verdict) => {
    const story = new TaskStory({ outputs: { expires: '2 days', onExpiry } }).at('2026-11-25T09:59:59.000Z');
    expect(story.verdict).toBeUndefined();
    story.at('2026-11-25T10:00:00.000Z');
    expect(story.verdict).toEqual({ verdict, by: 'system', reason: 'nobody decided within 2 days', values: {} });
    expect(story.audit.map(({ kind }) => kind)).toEqual(['opened', 'expired', verdict]);
  });

  it('or escalate, also what the requester has not answered', () => {
    const expiring = {
      outputs: { expires: '2 days', onExpiry: 'escalate', escalateTo: 'head-of-credit' },
      requestedBy: 'sol',
    };
    const story = new TaskStory(expiring)
      .by('carla', { kind: 'send-back', reason: 'why?' })
      .at('2026-11-25T10:00:00.000Z');
    expect(story.task).toMatchObject({ status: 'open', escalatedAt: '2026-11-25T10:00:00.000Z' });
    expect(story.by('hedda', 'approve').verdict).toMatchObject({ by: 'hedda' });
  });

  it('never approves what the requester has not answered: those above decide, or it is rejected', () => {
    const unanswered = (escalation: object) =>
      new TaskStory({ requestedBy: 'sol', outputs: { expires: '2 days', onExpiry: 'approve', ...escalation } })
        .by('carla', { kind: 'send-back', reason: 'why?' })
        .at('2026-11-25T10:00:00.000Z');
    const escalated = unanswered({ escalateTo: 'head-of-credit', escalateAfter: '3 days' });
    expect(escalated.verdict).toBeUndefined();
    expect(escalated.task).toMatchObject({ status: 'open', escalatedAt: '2026-11-25T10:00:00.000Z' });
    expect(escalated.by('hedda', 'approve').verdict).toMatchObject({ by: 'hedda' });
    expect(unanswered({}).verdict).toMatchObject({ verdict: 'rejected', by: 'system' });
  });

  it('nor anything before what cannot be undone, where a task has such terms: those above decide, or who answers for the step', () => {
    const silent = (escalation: object) =>
      new TaskStory({ irreversible: 'billing', outputs: { expires: '2 days', onExpiry: 'approve', ...escalation } }).at(
        '2026-11-25T10:00:00.000Z',
      );
    const escalated = silent({ escalateTo: 'head-of-credit', escalateAfter: '3 days' });
    expect(escalated.verdict).toBeUndefined();
    expect(escalated.last).toMatchObject({
      kind: 'escalated',
      reason: 'nobody decided within 2 days, and step billing after it cannot be undone',
      notified: ['hedda'],
    });
    expect(escalated.by('hedda', 'approve').verdict).toMatchObject({ by: 'hedda' });
    const alone = silent({});
    expect([alone.verdict, alone.task.terms.escalateTo]).toEqual([undefined, ['credit-control']]);
    expect(alone.by('carla', 'approve').verdict).toMatchObject({ by: 'carla' });
  });

  it('nor what they answered at the last moment: whoever decides has the whole time again', () => {
    const story = new TaskStory({ requestedBy: 'sol', outputs: { expires: '2 days', onExpiry: 'approve' } })
      .by('carla', { kind: 'send-back', reason: 'why?' })
      .at('2026-11-25T09:59:00.000Z')
      .by('sol', { kind: 'resubmit' })
      .at('2026-11-25T10:00:00.000Z');
    expect(story.verdict).toBeUndefined();
    expect(story.at('2026-11-27T09:59:00.000Z').verdict).toMatchObject({ verdict: 'approved', by: 'system' });
  });

  it('wants to be woken for what is due next, and while the requester has it only for the end', () => {
    const story = new TaskStory({
      requestedBy: 'sol',
      outputs: { ...outputs, followUp: '2 business hours', expires: '5 days', onExpiry: 'reject' },
    });
    expect(nextTimerAt(story.task)).toBe('2026-11-23T12:00:00.000Z');
    expect(nextTimerAt(story.at('2026-11-23T12:00:00.000Z').task)).toBe('2026-11-23T13:00:00.000Z');
    story.by('carla', { kind: 'send-back', reason: 'who signs?' });
    expect(nextTimerAt(story.task)).toBe('2026-11-28T10:00:00.000Z');
    expect(nextTimerAt(story.by('sol', { kind: 'resubmit' }).by('carla', 'approve').task)).toBeUndefined();
  });

  it('does nothing to a task that has ended, or before anything is due', () => {
    const story = new TaskStory({ outputs }).at('2026-11-23T10:00:01.000Z');
    expect(story.audit).toHaveLength(1);
    story.by('carla', 'approve').at('2027-01-01T00:00:00.000Z');
    expect(story.audit.map(({ kind }) => kind)).toEqual(['opened', 'approved']);
  });
});

describe('reasons, forms and documents', () => {
  it('a rejection and a send-back need a reason', () => {
    for (const kind of ['reject', 'send-back'] as const) {
      expect(refusal(() => new TaskStory({ requestedBy: 'sol' }).by('carla', { kind, reason: ' ' }))).toBe(
        'TASK_REASON_MISSING',
      );
    }
  });

  it('whoever approves fills in the form; the second person adds what the first left open', () => {
    const form = [
      { name: 'limit', label: 'Credit limit', type: 'money', required: true },
      { name: 'note', label: 'Note', type: 'text' },
    ];
    const story = new TaskStory({ outputs: { form, fourEyes: true } });
    expect(() => story.by('carla', 'approve')).toThrow(refusedAs('TASK_FORM_INVALID'));
    expect(messageOf(() => story.by('carla', 'approve'))).toContain('limit (Credit limit) must be filled in');
    story.by('carla', { kind: 'approve', values: { limit: '12000 EUR', note: 'seen' } });
    story.by('carlo', { kind: 'approve', values: { limit: '10000.00 EUR' } });
    expect(story.verdict?.values).toEqual({ limit: { amount: '10000.0000', currency: 'EUR' }, note: 'seen' });
    expect(new TaskStory({ outputs: { form } }).by('carla', { kind: 'reject', reason: 'no' }).verdict).toMatchObject({
      verdict: 'rejected',
    });
  });

  it('a document is attached by its address, by who decides or who asked, never as content', () => {
    const attach = {
      kind: 'add-attachment',
      name: 'Contract',
      uri: 'https://documents.example/4711.pdf',
      sha256: 'a'.repeat(64),
    } as const;
    const story = new TaskStory({ requestedBy: 'sol' }).by('sol', attach).by('carla', attach);
    expect(story.task.attachments).toEqual([
      { name: 'Contract', uri: attach.uri, sha256: attach.sha256, by: 'sol', at: MORNING },
      expect.objectContaining({ by: 'carla' }),
    ]);
    for (const uri of ['data:text/plain,secret', 'contract.pdf', 'https://user:secret@documents.example/x'])
      expect(refusal(() => story.by('carla', { ...attach, uri }))).toBe('TASK_ATTACHMENT_INVALID');
    expect(refusal(() => story.by('dana', attach))).toBe('TASK_ROLE_MISSING');
  });
});

describe('two at once', () => {
  it('the slower one is told who was faster', () => {
    const story = new TaskStory().by('carla', 'approve');
    expect(refusal(() => story.by('carlo', 'approve'))).toBe('TASK_ENDED');
    expect(messageOf(() => story.by('carlo', 'approve'))).toContain(`approved by Carla at ${MORNING}`);
    const seen = new TaskStory();
    const { version } = seen.task;
    seen.by('carla', 'claim').by('carla', 'release');
    expect(refusal(() => seen.by('carlo', 'claim', { seenVersion: version }))).toBe('TASK_CHANGED');
    expect(messageOf(() => seen.by('carlo', 'claim', { seenVersion: version }))).toContain('Carla was faster');
    expect(seen.by('carlo', 'claim', { seenVersion: seen.task.version }).task.assignee).toBe('carlo');
  });

  it('every change has a version of its own', () => {
    const story = new TaskStory().by('carla', 'claim').by('carla', 'release').by('carlo', 'approve');
    expect(story.audit.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect(story.task.version).toBe(4);
  });
});

it('a task that the process no longer needs is withdrawn, and nothing can be done with it', () => {
  const story = new TaskStory().by('carla', 'claim').withdrawn('the deal was cancelled');
  expect(story.task).toMatchObject({ status: 'withdrawn', endedAt: MORNING });
  expect(story.last).toMatchObject({
    kind: 'withdrawn',
    by: 'system',
    reason: 'the deal was cancelled',
    notified: ['carla'],
  });
  expect(refusal(() => story.by('carla', 'approve'))).toBe('TASK_ENDED');
  expect(story.withdrawn('again').audit).toHaveLength(3);
});
