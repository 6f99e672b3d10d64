import { describe, expect, it } from '@jest/globals';
import { ShopStory, shop } from '../fixtures/shop.js';
import { allowedActions, decide, type Input } from './index.js';

const large = { total: '5000.00' };

describe('a checkpoint', () => {
  it('is not needed where its condition is false, and the policies asked are kept', () => {
    const story = new ShopStory().when('BasketPaid');
    expect(story.sent).toEqual(['PlaceOrder']);
    expect(story.status('approval')).toBe('not-needed');
    expect(story.last.tasks.opened).toEqual([]);
    expect(story.last.history[0]?.detail).toMatchObject({ policies: [{ policy: 'credit', version: 7 }] });
    expect(story.state.steps.approval?.condition).toMatchObject({ value: false });
  });

  it('asks a person, with the facts the policy looked at, and nothing is sent before they decide', () => {
    const story = new ShopStory().when('BasketPaid', large);
    expect([story.sent, story.state.status]).toEqual([[], 'deciding']);
    expect(story.last.tasks.opened).toEqual([
      {
        unit: 'approval',
        step: 'approval',
        checkpoint: 'credit',
        owner: 'credit',
        policy: expect.objectContaining({ version: 7, outputs: { roles: ['credit-controller'] } }),
        facts: { customer: 'Ada', total: '5000.00' },
        requesters: [],
        dueAt: '2026-11-22T14:00:00.000Z',
      },
    ]);
  });

  it('goes on at once when it is approved, and keeps who decided', () => {
    const story = new ShopStory().when('BasketPaid', large).whenDecided('approved');
    expect([story.sent, story.state.status]).toEqual([['PlaceOrder'], 'running']);
    expect(story.state.steps.approval).toMatchObject({
      status: 'done',
      execution: { outcome: 'approved', by: 'grace' },
    });
    expect(story.last.history[0]).toMatchObject({
      type: 'decision:approved',
      detail: { by: 'grace', reason: 'looked at it' },
    });
  });

  it('turns the instance back when it is rejected, with who and why', () => {
    const story = new ShopStory().when('BasketPaid', large).whenDecided('rejected');
    expect(story.state).toMatchObject({
      status: 'refused',
      cause: { step: 'approval', by: 'grace', reason: 'rejected', message: 'looked at it' },
    });
  });

  it('takes one decision: a second one changes nothing, and the same one again not even the history', () => {
    const story = new ShopStory().when('BasketPaid', large).whenDecided('approved');
    const again = new ShopStory();
    again.state = story.state;
    expect(again.whenDecided('rejected').last.history[0]?.effect).toBe('repeated');
    expect(again.state.status).toBe('running');
    const { history } = decide(
      shop,
      story.state,
      { kind: 'decision', id: story.state.seen.at(-1)!, unit: 'approval', verdict: 'rejected', by: 'x' },
      story.now,
    );
    expect(history).toEqual([]);
  });

  it('is late when its due time has passed, and a late decision counts', () => {
    const story = new ShopStory().when('BasketPaid', large).whenTime('2026-11-22T14:00:00.000Z');
    expect(story.state.status).toBe('overdue');
    expect(story.whenDecided('approved').sent).toEqual(['PlaceOrder']);
  });

  it('is closed when the instance is cancelled before anybody has decided', () => {
    const story = new ShopStory().when('BasketPaid', large).when('BasketReturned');
    expect(story.last.tasks.closed).toEqual([{ unit: 'approval', reason: 'the instance was cancelled' }]);
    expect([story.status('approval'), story.state.status]).toEqual(['skipped', 'compensated']);
  });
});

describe('what a person does to an instance', () => {
  const refused = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      expect(error).toMatchObject({ code: 'PROCESS_ACTION_REFUSED' });
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  };

  it('pause: events are taken, nothing is sent; resume: what was due is sent', () => {
    const story = new ShopStory().when('BasketPaid').act('pause').when('OrderPlaced');
    expect([story.sent, story.state.status]).toEqual([[], 'paused']);
    expect(story.act('resume').sent).toEqual(['SendLine a', 'SendLine b']);
  });

  it('cancel: everything done is undone, also of a paused instance', () => {
    const story = new ShopStory()
      .when('BasketPaid')
      .when('OrderPlaced')
      .when('LineSent', { lineId: 'a' })
      .act('pause')
      .act('cancel');
    expect(story.state).toMatchObject({
      status: 'compensating',
      cause: { type: 'control:cancel', by: 'ada', message: 'a reason' },
    });
    expect(story.when('LineSent', { lineId: 'b' }).sent).toEqual(['FetchLine b']);
  });

  it('retry: what was refused is asked for again, forward and backward', () => {
    const forward = new ShopStory()
      .when('BasketPaid')
      .when('OrderPlaced')
      .when('ComplaintMade', { complaintId: '1', amount: '5' });
    forward.when('PayingRejected', { complaintId: '1' });
    expect(forward.state.status).toBe('stopped');
    expect(forward.act('retry', { unit: 'refund/1' }).sent).toEqual(['PayBack 1']);
    expect(forward.state.steps['refund/1']?.execution?.attempts).toBe(2);

    const back = new ShopStory().when('BasketPaid').when('OrderPlaced').when('BasketReturned');
    for (const line of ['a', 'b']) back.when('SendingRejected', { lineId: line });
    expect(back.sent).toEqual(['WithdrawOrder']);
    back.when('WithdrawalRejected');
    expect(back.state.status).toBe('stopped');
    expect(back.act('retry', { unit: 'order' }).sent).toEqual(['WithdrawOrder']);
    expect(back.when('OrderWithdrawn').state.status).toBe('compensated');
  });

  it('skip: the process goes on without what was refused, and a compensation that a person settled outside is let be', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced').when('BasketReturned');
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    story.when('WithdrawalRejected').act('skip', { unit: 'order' });
    expect(story.state).toMatchObject({
      status: 'compensated',
      steps: { order: { status: 'kept', skipped: { by: 'ada' } } },
    });

    const forward = new ShopStory().when('BasketPaid').when('OrderPlaced');
    for (const line of ['a', 'b']) forward.when('LineSent', { lineId: line });
    expect(forward.act('skip', { unit: 'receipt' }).state.status).toBe('completed');
  });

  it('skip is refused where later steps would lack a fact, until it is given; and a checkpoint is not gone around', () => {
    const story = new ShopStory().when('BasketPaid').when('ComplaintMade', { complaintId: '1', amount: '5' });
    for (let n = 0; n < 3; n += 1) {
      story.when('PlacingRejected', { reason: 'busy' });
      if (n < 2) story.whenTime(story.state.steps.order!.execution!.retryAt!);
    }
    expect(story.state.status).toBe('refused');

    const waiting = new ShopStory().when('BasketPaid').when('ComplaintMade', { complaintId: '1', amount: '5' });
    waiting.when('PlacingRejected', { reason: 'busy' });
    expect(refused(() => waiting.act('skip', { unit: 'order' }))).toContain('later steps need order.number');
    waiting.act('skip', { unit: 'order', facts: { steps: { order: { number: 'by hand' } } } });
    expect(waiting.last.commands.find(({ type }) => type === 'PayBack')?.payload).toMatchObject({ number: 'by hand' });

    const asking = new ShopStory().when('BasketPaid', large);
    expect(refused(() => asking.act('skip', { unit: 'approval' }))).toContain('nobody may go around a checkpoint');
  });

  it('repair: commands that are still to be sent carry the facts put right', () => {
    const story = new ShopStory().when('BasketPaid').act('repair', { facts: { start: { address: 'There 2' } } });
    story.when('OrderPlaced');
    expect(story.last.commands[0]?.payload).toMatchObject({ address: 'There 2' });
    expect(refused(() => story.act('repair', { facts: { start: { colour: 'red' } } }))).toContain(
      'uses no fact colour',
    );
  });

  it('repair does not go around a checkpoint: what it was decided on is changed where it comes from', () => {
    for (const total of ['90.00', '5000.00']) {
      const story = new ShopStory().when('BasketPaid', { total });
      const repair = () => story.act('repair', { facts: { start: { total: '9000000.00' } } });
      expect(refused(repair)).toContain('approval was decided on it');
    }
  });

  it('is refused where it cannot be done, and the allowed actions are exactly those that are not', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced');
    const allowed = allowedActions(shop, story.state);
    expect(allowed).toContainEqual({ action: 'pause' });
    expect(allowed).not.toContainEqual({ action: 'resume' });
    expect(allowed).not.toContainEqual({ action: 'skip', unit: 'parcel/a' });
    for (const action of ['pause', 'resume', 'cancel'] as const) {
      const isAllowed = allowed.some((candidate) => candidate.action === action);
      const copy = new ShopStory();
      copy.state = story.state;
      if (isAllowed) copy.act(action);
      else refused(() => copy.act(action));
    }
    expect(refused(() => story.act('skip', { unit: 'parcel/a' }))).toContain(
      'cannot be skipped, only awaited or undone',
    );
    expect(refused(() => story.act('retry', { unit: 'nothing' }))).toContain('it has no step nothing');
  });
});

describe('what a person has looked at', () => {
  const odd = () => new ShopStory().when('BasketPaid').when('OrderPlaced').when('BasketPaid');

  it('is acknowledged with who and why, and nothing else changes', () => {
    const story = odd();
    const { status, steps } = story.state;
    story.act('acknowledge');
    expect(story.state).toMatchObject({
      status,
      steps,
      attention: [{ acknowledged: { by: 'ada', reason: 'a reason' } }],
    });
    expect([story.sent, story.last.history[0]?.effect]).toEqual([[], 'acknowledged']);
  });

  it('is acknowledged once, and what comes later is looked at again', () => {
    const story = odd().act('acknowledge');
    expect(() => story.act('acknowledge')).toThrow('nothing of it is left that a person should look at');
    story.when('BasketPaid');
    expect(allowedActions(shop, story.state)).toContainEqual({ action: 'acknowledge' });
    story.act('acknowledge');
    expect(story.state.attention.map(({ acknowledged }) => acknowledged?.by)).toEqual(['ada', 'ada']);
  });

  it('is only what was shown to them: what came since stays open, and be it of the same moment', () => {
    const story = odd();
    const seen = story.state.attention.length;
    story.when('BasketPaid');
    const acknowledgers = () => story.state.attention.map(({ acknowledged }) => acknowledged?.by);
    expect(() => story.act('acknowledge', { seen: 99 })).toThrow(
      '99 entries of its attention cannot have been seen: there are 2',
    );
    story.act('acknowledge', { seen });
    expect(acknowledgers()).toEqual(['ada', undefined]);
    expect(() => story.act('acknowledge', { seen })).toThrow('what is left of it came after what was seen');
    story.act('acknowledge', { seen: 2 });
    expect(acknowledgers()).toEqual(['ada', 'ada']);
  });

  it('must be said: nothing is acknowledged by who does not say what was shown', () => {
    const input: Input = { kind: 'control', id: 'a', action: 'acknowledge', by: 'ada', reason: 'r' };
    expect(() => odd().take(input)).toThrow('how many entries of its attention were seen');
  });

  it('may also have come before the start, or after the end', () => {
    const story = odd().when('BasketReturned');
    for (const lineId of ['a', 'b']) story.when('SendingRejected', { lineId });
    story.when('OrderWithdrawn');
    expect(story.act('acknowledge').state.status).toBe('compensated');
  });
});

it('an instance does not grow with its inputs', () => {
  const story = new ShopStory().when('BasketPaid');
  const sizes = Array.from({ length: 200 }, () => story.when('OrderPlaced', {}).state.seen.length);
  expect(Math.max(...sizes)).toBe(50);
  const again = story.when('OrderPlaced', {}, 'same').state;
  expect(story.when('OrderPlaced', {}, 'same').state).toEqual(again);
});
