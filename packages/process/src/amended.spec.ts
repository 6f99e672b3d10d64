import { describe, expect, it } from '@jest/globals';
import { ShopStory, shop, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { compileDefinition, explore, parseDefinition } from './index.js';

const placed = () => new ShopStory().when('BasketPaid').when('OrderPlaced');

describe('an amendment', () => {
  it('changes what is still to be commanded, and nothing else', () => {
    const story = new ShopStory().when('BasketPaid').when('BasketChanged', { address: 'There 2' });
    expect([story.sent, story.state.status]).toEqual([[], 'running']);
    expect(story.when('OrderPlaced').last.commands[0]?.payload).toMatchObject({
      address: 'There 2',
      orderId: 'c/basket-1/orderId',
    });
  });

  it('undoes and does again the steps that used what changed, and leaves the others', () => {
    const story = placed().when('LineSent', { lineId: 'a' }).when('LineSent', { lineId: 'b' }).when('ReceiptPrinted');
    story.when('BasketChanged', { address: 'There 2' });
    expect([story.sent, story.state.status]).toEqual([['FetchLine b'], 'amending']);
    expect(story.last.commands[0]?.payload).toMatchObject({ reason: 'amended' });
    story.when('LineFetched', { lineId: 'b' }).when('LineFetched', { lineId: 'a' });
    expect(story.sent).toEqual(['SendLine a', 'SendLine b']);
    expect(story.last.commands[0]?.payload).toMatchObject({ address: 'There 2' });
    expect(story.status('order')).toBe('done');
    // What another process does follows from it, so it is awaited again.
    expect(story.status('receipt')).toBe('waiting');
  });

  it('makes other things with other ids, and an answer about the old ones changes nothing', () => {
    const story = placed();
    story.when('BasketChanged', { total: '95.00' });
    for (const line of ['a', 'b']) story.when('LineSent', { lineId: line });
    expect(story.sent).toEqual(['FetchLine b']);
    story.when('LineFetched', { lineId: 'b' }).when('LineFetched', { lineId: 'a' }).when('OrderWithdrawn');
    expect(story.last.commands).toMatchObject([
      { type: 'PlaceOrder', payload: { orderId: 'c/basket-1/orderId/revision-1', total: '95.00' } },
    ]);
    story.when('OrderPlaced', { orderId: 'c/basket-1/orderId' });
    expect([story.last.history[0]?.effect, story.status('order')]).toEqual(['repeated', 'commanded']);
    expect(story.when('OrderPlaced', { orderId: 'c/basket-1/orderId/revision-1' }).sent).toEqual([
      'SendLine a',
      'SendLine b',
    ]);
  });

  it('is told where what was refused before it stands all the same: once, because nothing else undoes it', () => {
    const story = new ShopStory().when('BasketPaid').when('BasketChanged', { total: '95.00' });
    story.when('PlacingRejected').when('OrderPlaced', { orderId: 'c/basket-1/orderId' });
    expect([story.last.history[0]?.effect, story.status('order')]).toEqual(['unexpected', 'commanded']);
    expect(story.state.attention).toMatchObject([{ type: 'OrderPlaced', message: expect.stringContaining('undo it') }]);
    story.when('OrderPlaced', { orderId: 'c/basket-1/orderId' });
    expect([story.last.history[0]?.effect, story.state.attention.length]).toEqual(['repeated', 1]);
  });

  it('makes a person wait who would ask again for what stands on a step that is done again', () => {
    const story = placed().when('ComplaintMade', { complaintId: 'x', amount: '5.00' });
    story.when('PayingRejected', { complaintId: 'x' }).when('BasketChanged', { total: '95.00' });
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    story.when('OrderWithdrawn');
    expect(() => story.act('retry', { unit: 'refund/x' })).toThrow('step order, which it waits for, is done again');
    story.when('OrderPlaced', { orderId: 'c/basket-1/orderId/revision-1' });
    expect(story.act('retry', { unit: 'refund/x' }).sent).toEqual(['PayBack x']);
  });

  it('asks again by itself for what stands on a step that is done again once that is done', () => {
    const refund = { ...shopDefinition.steps.refund, retry: { attempts: 3, every: '1 minute' } };
    const definition = { ...shopDefinition, steps: { ...shopDefinition.steps, refund } };
    const story = new ShopStory(compileDefinition(parseDefinition(definition), shopContracts));
    story.when('BasketPaid').when('OrderPlaced').when('ComplaintMade', { complaintId: 'x', amount: '5.00' });
    story.when('PayingRejected', { complaintId: 'x' }).when('BasketChanged', { total: '95.00' });
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    story.when('OrderWithdrawn').whenTime('2026-11-22T10:30:00.000Z');
    expect([story.sent, story.status('refund/x')]).toEqual([[], 'waiting']);
    story.when('OrderPlaced', { orderId: 'c/basket-1/orderId/revision-1' });
    expect(story.sent).toEqual(['SendLine a', 'SendLine b', 'PayBack x']);
  });

  it('asks the people again whose decision stood on what changed', () => {
    const story = new ShopStory().when('BasketPaid', { total: '5000.00' }).when('BasketChanged', { total: '9000.00' });
    expect(story.last.tasks).toMatchObject({
      closed: [{ unit: 'approval', reason: 'the deal was amended' }],
      opened: [{ unit: 'approval', facts: { total: '9000.00' } }],
    });
    const approved = new ShopStory()
      .when('BasketPaid', { total: '5000.00' })
      .whenDecided('approved')
      .when('OrderPlaced');
    for (const line of ['a', 'b']) approved.when('SendingRejected', { lineId: line, reason: 'x' });
    const other = new ShopStory().when('BasketPaid', { total: '5000.00' }).whenDecided('approved');
    other.when('BasketChanged', { total: '9000.00' }).when('OrderPlaced').when('OrderWithdrawn');
    expect([other.last.tasks.opened.length, other.sent]).toEqual([1, []]);
  });

  it('is dropped where the instance is cancelled meanwhile', () => {
    const story = placed().when('BasketChanged', { total: '95.00' }).when('BasketReturned');
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    expect(story.sent).toEqual(['WithdrawOrder']);
    expect(story.when('OrderWithdrawn').state.status).toBe('compensated');
  });

  it('takes the lines of the amended deal', () => {
    const story = placed();
    story.when('BasketChanged', { lines: [{ lineId: 'c', sku: 'jug', count: 1 }] });
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    expect(story.state.status).toBe('running');
    expect(story.sent).toEqual(['SendLine c']);
  });
});

describe('what another process does', () => {
  const linked = {
    ...shopDefinition,
    steps: {
      ...shopDefinition.steps,
      receipt: { ...shopDefinition.steps.receipt, compensation: { command: 'TearReceipt', until: 'ReceiptTorn' } },
    },
  };
  const messages = {
    ...shopContracts.messages,
    TearReceipt: { kind: 'command' as const, fields: ['basketId', 'occurrence', 'reason'] },
    ReceiptTorn: { kind: 'event' as const, fields: ['basketId', 'occurrence'] },
  };
  const process = compileDefinition(parseDefinition(linked), { ...shopContracts, messages });
  const sending = () => new ShopStory(process).when('BasketPaid').when('OrderPlaced').when('LineSent', { lineId: 'a' });

  it('because of steps that are done is awaited before these are undone, by a cancelled instance', () => {
    const story = sending().when('BasketReturned').when('LineSent', { lineId: 'b' });
    expect([story.sent, story.status('receipt')]).toEqual([[], 'awaited']);
    expect(story.when('ReceiptPrinted').sent).toEqual(['TearReceipt']);
    expect(story.when('ReceiptTorn').sent).toEqual(['FetchLine b']);
  });

  it('and by an amended one: what was done by the old facts is never taken for what comes of the new ones', () => {
    const story = sending().when('BasketChanged', { address: 'There 2' }).when('LineSent', { lineId: 'b' });
    expect([story.sent, story.status('receipt')]).toEqual([[], 'awaited']);
    story
      .when('ReceiptPrinted')
      .when('ReceiptTorn')
      .when('LineFetched', { lineId: 'b' })
      .when('LineFetched', { lineId: 'a' });
    expect([story.sent, story.status('receipt')]).toEqual([['SendLine a', 'SendLine b'], 'waiting']);
  });

  it('can be let go by a person where it never comes, also on the way back', () => {
    const story = sending().when('BasketReturned').when('LineSent', { lineId: 'b' });
    expect(story.act('skip', { unit: 'receipt' }).sent).toEqual(['FetchLine b']);
  });

  it('is not awaited where a person has undone what it stands on', () => {
    const story = new ShopStory(process).when('BasketReturned');
    expect([story.state.status, story.last.nextTimerAt]).toEqual(['compensated', undefined]);
  });
});

describe('what cannot be undone', () => {
  const withIrreversible = (when?: string) => ({
    ...shopDefinition,
    steps: {
      ...shopDefinition.steps,
      approval: { owner: 'credit', checkpoint: 'credit', due: '4 hours', ...(when && { when }) },
      order: { ...shopDefinition.steps.order, compensation: 'irreversible' },
    },
  });

  it('needs a person before it, whatever the facts', () => {
    const compile = () => compileDefinition(parseDefinition(withIrreversible('large')), shopContracts);
    expect(compile).toThrow('is irreversible, and no person is asked before it');
  });

  it('stops a cancelled instance visibly, until a person has settled it outside', () => {
    const process = compileDefinition(parseDefinition(withIrreversible()), shopContracts);
    const story = new ShopStory(process).when('BasketPaid', { lines: [] }).whenDecided('approved').when('OrderPlaced');
    story.when('BasketReturned');
    expect(story.state).toMatchObject({ status: 'stopped', attention: [{ code: 'irreversible' }] });
    expect(story.act('skip', { unit: 'order' }).state.status).toBe('compensated');
    const { problems, ends } = explore(process, { maxDisturbances: 2 });
    expect(problems.slice(0, 2)).toEqual([]);
    expect(Object.keys(ends)).toContain('stopped');
  });
});

it('every failure of the shop is explored: conditions free, people approving and rejecting, amended and cancelled at any moment', () => {
  const { problems, states, ends, neverBegun, isCutShort } = explore(shop, { maxDisturbances: 2 });
  expect(problems.slice(0, 3)).toEqual([]);
  expect([neverBegun, isCutShort]).toEqual([[], false]);
  expect(Object.keys(ends).toSorted()).toEqual(['compensated', 'completed', 'paused', 'refused', 'stopped']);
  expect(states).toBeGreaterThan(1_000);
});
