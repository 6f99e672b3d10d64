import { describe, expect, it } from '@jest/globals';
import { irreversibleShop, ShopStory, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { allowedActions, compileDefinition, explore, parseDefinition, waitsOf } from './index.js';

/** A shop whose parcels cannot be fetched back once they have left, and whose receipts can be torn. */
const { parcel, receipt } = shopDefinition.steps;
const process = compileDefinition(
  parseDefinition({
    ...shopDefinition,
    steps: {
      ...shopDefinition.steps,
      parcel: { ...parcel, compensation: { ...parcel.compensation, first: 'What has left cannot be fetched.' } },
      receipt: { ...receipt, compensation: { command: 'TearReceipt', until: 'ReceiptTorn | TearingRejected' } },
    },
  }),
  {
    ...shopContracts,
    messages: {
      ...shopContracts.messages,
      TearReceipt: { kind: 'command' as const, fields: ['basketId', 'occurrence', 'reason'] },
      ReceiptTorn: { kind: 'event' as const, fields: ['basketId', 'occurrence'] },
      TearingRejected: { kind: 'event' as const, fields: ['basketId', 'occurrence', 'reason', 'message'] },
    },
  },
);

const lines = [{ lineId: 'a', sku: 'cup', count: 1 }];
const sent = (): ShopStory =>
  new ShopStory(process)
    .when('BasketPaid', { lines })
    .when('OrderPlaced')
    .when('LineSent', { lineId: 'a' })
    .when('ReceiptPrinted');
const hindered = (by = 'BasketReturned', fields = {}): ShopStory =>
  sent()
    .when(by, fields)
    .when('FetchingRejected', { lineId: 'a', reason: 'gone', message: 'It is with the customer.' });
const possible = ({ state }: ShopStory): string[] =>
  allowedActions(process, state)
    .filter(({ action }) => !['pause', 'repair', 'acknowledge'].includes(action))
    .map(({ action, unit }) => (unit ? `${action} ${unit}` : action));

describe('a step that is undone first', () => {
  it('goes before what was done after it; the others follow in reverse', () => {
    const story = sent().when('BasketReturned');
    expect(story.sent).toEqual(['FetchLine a']);
    expect(story.when('LineFetched', { lineId: 'a' }).sent).toEqual(['TearReceipt']);
    expect(story.when('ReceiptTorn').sent).toEqual(['WithdrawOrder']);
    expect(story.when('OrderWithdrawn').state.status).toBe('compensated');
  });

  it('stops the instance where it is refused, before anything else is touched, and says what a person can choose', () => {
    const story = hindered();
    expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
    expect(story.state.attention).toMatchObject([
      { code: 'not-undone', message: expect.stringContaining('It is with the customer. Now keep the deal') },
    ]);
    expect(waitsOf(process, story.state)).toMatchObject([{ step: 'parcel/a', needsPerson: true }]);
    expect(possible(story)).toEqual(['retry parcel/a', 'skip parcel/a', 'keep']);
  });

  it('keep: the deal stands as it was, and can still be cancelled later', () => {
    const story = hindered().act('keep');
    expect([story.sent, story.state.status, story.state.cause]).toEqual([[], 'completed', undefined]);
    expect(story.last.history).toMatchObject([{ effect: 'kept', detail: { by: 'ada', reason: 'a reason' } }]);
    expect(story.state.attention).toMatchObject([{ acknowledged: { by: 'ada', reason: 'a reason' } }]);
    expect(story.act('cancel').sent).toEqual(['FetchLine a']);
  });

  it('skip: it stands with what it stands on, and the rest is undone', () => {
    const story = hindered().act('skip', { unit: 'parcel/a' });
    expect(story.sent).toEqual(['TearReceipt']);
    expect(possible(story)).toEqual([]);
    story.when('ReceiptTorn');
    expect([story.sent, story.state.status]).toEqual([[], 'compensated']);
    expect(story.state.steps).toMatchObject({
      order: { status: 'kept', skipped: { by: 'ada', reason: 'parcel/a stands on it: a reason' } },
      'parcel/a': { status: 'kept' },
    });
  });

  it('goes on by itself where a person has fetched it after all', () => {
    expect(hindered().when('LineFetched', { lineId: 'a' }).sent).toEqual(['TearReceipt']);
  });

  it('keeps what a refused step needs: it is asked for again, and nothing is sent twice', () => {
    const story = new ShopStory(process)
      .when('BasketPaid')
      .when('OrderPlaced')
      .when('LineSent', { lineId: 'a' })
      .when('SendingRejected', { lineId: 'b' });
    expect(story.sent).toEqual(['FetchLine a']);
    story.when('FetchingRejected', { lineId: 'a' }).act('keep');
    expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
    expect(story.act('retry', { unit: 'parcel/b' }).sent).toEqual(['SendLine b']);
  });

  it('cannot be kept any more when something else is undone', () => {
    const story = sent().when('BasketReturned').when('LineFetched', { lineId: 'a' }).when('TearingRejected');
    expect(() => story.act('keep')).toThrow('what is half undone cannot be kept');
  });
});

describe('what comes while it turns back', () => {
  const hinderedByRefusal = (...came: [string, object?][]): ShopStory => {
    const story = new ShopStory(process).when('BasketPaid').when('OrderPlaced').when('LineSent', { lineId: 'a' });
    story.when('SendingRejected', { lineId: 'b' });
    for (const [type, fields] of came) story.when(type, { ...fields }, type);
    return story.when('FetchingRejected', { lineId: 'a', message: 'Gone.' });
  };

  it('is put before a person who keeps it, each by itself', () => {
    const complaint = { complaintId: '1', amount: '5.00' };
    const story = hinderedByRefusal(['ComplaintMade', complaint], ['BasketChanged', { address: 'There 2' }]);
    expect(story.state.attention).toMatchObject([{ code: 'not-undone' }]);
    story.act('keep');
    expect(story.state.missed).toBeUndefined();
    const open = story.state.attention.filter(({ acknowledged }) => !acknowledged);
    expect(open).toMatchObject(
      ['ComplaintMade', 'BasketChanged'].map((type) => ({
        code: 'unexpected-event',
        type,
        messageId: type,
        message: `${type} came while it turned back, and was not taken: see to it now`,
      })),
    );
  });

  it('and is a cancellation: it cannot be kept any more', () => {
    const story = hinderedByRefusal(['BasketReturned']);
    expect(story.state.attention[0]?.message).not.toContain('keep');
    expect(possible(story)).toEqual(['retry parcel/a', 'skip parcel/a']);
    expect(() => story.act('keep')).toThrow('BasketReturned came while it turned back, so that it is not to stand;');
  });

  it('is remembered within bounds, and a cancellation always', () => {
    const story = hinderedByRefusal(['BasketReturned']);
    for (let n = 0; n < 60; n += 1) story.when('ComplaintMade', { complaintId: String(n) });
    story.when('BasketReturned');
    expect(story.state.missed).toHaveLength(50);
    expect(story.state.missed?.filter(({ type }) => type === 'BasketReturned')).toHaveLength(1);
  });

  it('of which nothing is asked again where it was begun before', () => {
    const complaint = { complaintId: '1', amount: '5.00' };
    const story = sent().when('ComplaintMade', complaint).when('BasketReturned').when('ComplaintMade', complaint);
    expect(story.state.missed).toBeUndefined();
  });
});

describe('an amendment of what has left', () => {
  it('is never gone on with by a skip: that would send it a second time', () => {
    const story = hindered('BasketChanged', { address: 'There 2', lines });
    expect(story.state.status).toBe('stopped');
    expect(possible(story)).toEqual(['retry parcel/a', 'cancel', 'keep']);
    expect(() => story.act('skip', { unit: 'parcel/a' })).toThrow('would do it a second time');
  });

  it('is dropped by keep: the old facts stay in force, and what came of them stands', () => {
    const before = hindered('BasketChanged', { address: 'There 2', lines });
    const told = before.state.amendment?.messageIds;
    const story = before.act('keep');
    expect(story.last.history).toMatchObject([{ effect: 'kept', detail: { by: 'ada', dropped: told } }]);
    expect([story.sent, story.state.status, story.state.amendment]).toEqual([[], 'completed', undefined]);
    expect(story.state.facts.start).toMatchObject({ address: 'Here 1' });
  });

  it('can become a cancellation, in which it stands and the rest is undone', () => {
    const story = hindered('BasketChanged', { address: 'There 2', lines }).act('cancel');
    expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
    expect(story.act('skip', { unit: 'parcel/a' }).sent).toEqual(['TearReceipt']);
  });

  it('stops as early where a step cannot be undone at all', () => {
    const story = new ShopStory(irreversibleShop)
      .when('BasketPaid', { lines })
      .whenDecided('approved')
      .when('OrderPlaced');
    story.when('LineSent', { lineId: 'a' }).when('BasketChanged', { total: '95.00', lines });
    expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
    expect(() => story.act('skip', { unit: 'order' })).toThrow('would do it a second time');
    story.act('keep');
    expect([story.sent, story.status('order'), story.status('receipt')]).toEqual([[], 'done', 'awaited']);
    expect(explore(irreversibleShop, { maxDisturbances: 2 }).problems.slice(0, 2)).toEqual([]);
  });

  it('stops as well where that step was skipped and its success came late', () => {
    const story = new ShopStory(irreversibleShop).when('BasketPaid', { lines }).whenDecided('approved');
    const facts = { steps: { order: { number: 'N-1' } } };
    story.when('PlacingRejected', { reason: 'busy' }).act('skip', { unit: 'order', facts }).when('OrderPlaced');
    expect(story.last.history).toMatchObject([{ effect: 'late' }]);
    story.when('LineSent', { lineId: 'a' }).when('BasketChanged', { total: '95.00', lines });
    expect([story.sent, story.state.status, story.status('order')]).toEqual([[], 'stopped', 'kept']);
  });
});

it('every choice of a person is explored: none leaves anything half done, or sends anything twice', () => {
  const { problems, isCutShort } = explore(process, { maxDisturbances: 2 });
  expect(problems.slice(0, 3)).toEqual([]);
  expect(isCutShort).toBe(false);
});
