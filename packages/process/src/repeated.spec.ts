import { describe, expect, it } from '@jest/globals';
import { ShopStory } from '../fixtures/shop.js';

describe('a step for each line', () => {
  it('runs once for each, and what waits for it waits for all of them', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced');
    expect(story.sent).toEqual(['SendLine a', 'SendLine b']);
    expect(story.last.commands[1]?.payload).toMatchObject({ lineId: 'b', sku: 'pot', address: 'Here 1' });
    story.when('LineSent', { lineId: 'b' });
    expect(story.status('receipt')).toBe('waiting');
    story.when('LineSent', { lineId: 'a' });
    expect(story.status('receipt')).toBe('awaited');
    expect(story.when('ReceiptPrinted').state.status).toBe('completed');
  });

  it('undoes each, the last one sent first', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced');
    story.when('LineSent', { lineId: 'b' }).when('LineSent', { lineId: 'a' });
    expect(story.when('BasketReturned').sent).toEqual(['FetchLine a']);
    expect(story.when('LineFetched', { lineId: 'a' }).sent).toEqual(['FetchLine b']);
    expect(story.when('LineFetched', { lineId: 'b' }).sent).toEqual(['WithdrawOrder']);
  });

  it('is over at once where there is no line', () => {
    const story = new ShopStory().when('BasketPaid', { lines: [] }).when('OrderPlaced');
    expect(story.status('receipt')).toBe('awaited');
  });

  it('keeps what comes for a line before its command, and shows people a line that it does not have', () => {
    const story = new ShopStory().when('BasketPaid').when('LineSent', { lineId: 'a' });
    expect(story.last.history[0]?.effect).toBe('early');
    expect(story.when('OrderPlaced').status('parcel/a')).toBe('done');
    story.when('LineSent', { lineId: 'z' });
    expect(story.state.attention).toEqual([expect.objectContaining({ message: expect.stringContaining('lineId z') })]);
  });

  it('gives a line that moves its time again', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced').whenTime('2026-11-23T10:00:00.000Z');
    expect(story.state.status).toBe('overdue');
    story.when('LinePacked', { lineId: 'a' }).when('LinePacked', { lineId: 'b' });
    expect(story.state.status).toBe('running');
    expect(story.last.nextTimerAt).toBe('2026-11-24T10:00:00.000Z');
  });
});

describe('a step that an event begins', () => {
  const complaint = (complaintId: string) => ({ complaintId, amount: '5.00' });

  it('runs once for each such event, also after the end, and the instance ends again', () => {
    const story = new ShopStory().when('BasketPaid', { lines: [] }).when('OrderPlaced').when('ReceiptPrinted');
    expect(story.state.status).toBe('completed');
    expect(story.when('ComplaintMade', complaint('1')).sent).toEqual(['PayBack 1']);
    expect(story.state.status).toBe('running');
    expect(story.when('ComplaintMade', complaint('1')).sent).toEqual([]);
    story.when('ComplaintMade', complaint('2')).when('PaidBack', { complaintId: '2' });
    expect(story.state.status).toBe('running');
    expect(story.when('PaidBack', { complaintId: '1' }).state.status).toBe('completed');
  });

  it('waits for the steps it comes after, and is kept where it comes before the start', () => {
    const story = new ShopStory().when('ComplaintMade', complaint('1')).when('BasketPaid');
    expect(story.sent).toEqual(['PlaceOrder']);
    expect(story.when('OrderPlaced').sent).toEqual(['SendLine a', 'SendLine b', 'PayBack 1']);
    expect(story.last.commands[2]?.payload).toMatchObject({ complaintId: '1', amount: '5.00', number: 'N-1' });
  });

  it('takes an outcome that comes before the event that began it', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced').when('PaidBack', { complaintId: '1' });
    expect(story.state.steps['refund/1']).toBeUndefined();
    story.when('ComplaintMade', complaint('1'));
    expect(story.status('refund/1')).toBe('done');
  });

  it('is not done again when the deal is amended: a refund is not paid twice', () => {
    const story = new ShopStory().when('BasketPaid', { lines: [] }).when('OrderPlaced');
    story.when('ComplaintMade', complaint('1')).when('PaidBack', { complaintId: '1' });
    story.when('BasketChanged', { total: '95.00', lines: [] }).when('OrderWithdrawn').when('OrderPlaced');
    expect([story.sent, story.status('refund/1'), story.status('order')]).toEqual([[], 'done', 'done']);
  });

  it('does not begin where the instance turns back', () => {
    const story = new ShopStory().when('BasketPaid').when('BasketReturned').when('ComplaintMade', complaint('1'));
    expect(story.last.history[0]?.effect).toBe('recorded');
    expect(story.state.steps['refund/1']).toBeUndefined();
  });
});

describe('tries', () => {
  it('asks again after a pause, only for the reasons named, and no more often than allowed', () => {
    const story = new ShopStory().when('BasketPaid').when('PlacingRejected', { reason: 'busy' });
    expect([story.status('order'), story.state.status, story.last.nextTimerAt]).toEqual([
      'retrying',
      'running',
      '2026-11-22T10:05:00.000Z',
    ]);
    expect(story.whenTime('2026-11-22T10:04:59.999Z').sent).toEqual([]);
    expect(story.whenTime('2026-11-22T10:05:00.000Z').sent).toEqual(['PlaceOrder']);
    story.when('PlacingRejected', { reason: 'busy' }).whenTime('2026-11-22T10:10:00.000Z');
    expect(story.when('PlacingRejected', { reason: 'busy' }).state.status).toBe('refused');

    expect(new ShopStory().when('BasketPaid').when('PlacingRejected').state.status).toBe('refused');
  });

  it('are over when the instance is cancelled', () => {
    const story = new ShopStory().when('BasketPaid').when('PlacingRejected', { reason: 'busy' }).when('BasketReturned');
    expect(story.state.status).toBe('compensated');
    expect(story.last.nextTimerAt).toBeUndefined();
  });
});

describe('promised times', () => {
  it('that were kept are not broken by what comes after the end', () => {
    const story = new ShopStory().when('BasketPaid', { lines: [] }).when('OrderPlaced').when('ReceiptPrinted');
    story.now = '2026-12-24T10:00:00.000Z';
    story.when('ComplaintMade', { complaintId: '1', amount: '5.00' });
    expect(story.last.nextTimerAt).toBe('2026-12-25T10:00:00.000Z');
    expect(story.whenTime('2026-12-24T11:00:00.000Z').last.history).toEqual([]);
  });

  it('run from the first attempt, however often it is asked for again', () => {
    const story = new ShopStory().when('BasketPaid').when('PlacingRejected', { reason: 'busy' });
    story.whenTime('2026-11-22T10:05:00.000Z').when('PlacingRejected', { reason: 'busy' });
    story.whenTime('2026-11-22T10:10:00.000Z');
    expect(story.last.history.map(({ effect }) => effect)).toEqual(['sla-breached', 'step-retried']);
    expect(story.state.steps.order?.execution).toMatchObject({ attempts: 3, slaBreachedAt: story.now });
    expect(story.last.nextTimerAt).toBe('2026-11-22T11:10:00.000Z');
  });

  it('are recorded once when they are broken, of the step and of the whole, and change nothing else', () => {
    const story = new ShopStory().when('BasketPaid');
    expect(story.last.nextTimerAt).toBe('2026-11-22T10:10:00.000Z');
    story.whenTime('2026-11-22T10:10:00.000Z');
    expect(story.last.history).toEqual([expect.objectContaining({ effect: 'sla-breached', step: 'order' })]);
    expect(story.state.status).toBe('running');
    story.when('OrderPlaced').whenTime('2026-11-24T10:00:00.000Z');
    expect(story.last.history.map(({ effect, step }) => [effect, step])).toContainEqual(['sla-breached', undefined]);
    expect(story.whenTime('2026-11-25T10:00:00.000Z').last.history).toEqual([]);
  });
});
