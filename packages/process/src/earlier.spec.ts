import { describe, expect, it } from '@jest/globals';
import { irreversibleShop, ShopStory, shop, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { earlierOccurrence, type EarlierOccurrence } from './earlier.js';
import {
  allowedActions,
  compileDefinition,
  courseOf,
  explore,
  parseDefinition,
  replayHistory,
  type RecordedInput,
  type State,
  type Status,
} from './index.js';

const first = (phase: State['phase'], status: Status, occurrence = 1): EarlierOccurrence => ({
  occurrence,
  phase,
  status,
});
const kept = first('ended', 'completed');

/** A small basket that is paid for a later time, and what is known of the times before. */
class SecondStory extends ShopStory {
  paid(...earlier: EarlierOccurrence[]): this {
    const payload = { basketId: 'basket-1', occurrence: 2, total: '90.00', address: 'Here 1', lines: [] };
    const event = { messageId: 'paid', type: 'BasketPaid', payload, source: 's', time: this.now, correlationId: 'c' };
    return this.take({ kind: 'event', event, ...(earlier.length > 0 && { earlier }) });
  }
}
const paid = (...earlier: EarlierOccurrence[]): SecondStory => new SecondStory().paid(...earlier);

describe('a later occurrence', () => {
  it.each([
    ['was never turned back', first('forward', 'running')],
    ['is decided on by people', first('forward', 'deciding')],
    ['is late', first('forward', 'overdue')],
    ['is held', first('forward', 'paused')],
    ['stopped on its way', first('forward', 'stopped')],
    ['is amended', first('amending', 'amending')],
    ['stopped because it could not be undone', first('compensating', 'stopped')],
    ['was held while it was undone', first('compensating', 'paused')],
    ['came to its end, or was kept', kept],
    ['was undone but for what nobody can undo', first('ended', 'stopped')],
  ])('commands nothing where the one before %s: a person chooses', (_, before) => {
    const story = paid(before);
    expect([story.sent, story.state.status]).toEqual([[], 'paused']);
    expect(story.last.history).toMatchObject([{ effect: 'started', commands: [], detail: { earlier: [before] } }]);
    expect(story.state.attention).toMatchObject([{ code: 'earlier-stands', messageId: 'paid' }]);
    expect(story.state.attention[0]?.message).toBe(
      `The same basketId still stands as occurrence 1 (${before.status}), and would be done a second time: order, parcel. ` +
        'Now resume, to do it again beside what stands; or cancel, where what stands is all there is to be.',
    );
    expect(story.state.paused).toMatchObject({ by: 'process', reason: story.state.attention[0]?.message });
  });

  it.each([
    ['is undone', first('ended', 'compensated')],
    ['was refused, and is undone', first('ended', 'refused')],
    ['could not start', first('ended', 'rejected')],
    ['is being undone', first('compensating', 'compensating')],
    ['is being undone, and late', first('compensating', 'overdue')],
    ['has not started', first('new', 'expected')],
    ['was cancelled before its start', first('new', 'compensated')],
  ])('starts where the one before %s', (_, before) => {
    const story = paid(before);
    expect([story.sent, story.state.status, story.state.attention]).toEqual([['PlaceOrder'], 'running', []]);
    expect(story.last.history).toMatchObject([{ detail: { earlier: [before] } }]);
  });

  it('looks at all that came before, and names those that stand', () => {
    const story = paid(kept, first('ended', 'compensated', 2), first('forward', 'running', 3));
    expect(story.state.paused?.reason).toContain('still stands as occurrence 1 (completed), occurrence 3 (running),');
  });

  it('resumed: it is done again, and who resumed it has looked at it', () => {
    const story = paid(kept).act('resume');
    expect([story.sent, story.state.status]).toEqual([['PlaceOrder'], 'running']);
    expect(story.state.attention).toMatchObject([{ acknowledged: { by: 'ada', reason: 'a reason' } }]);
  });

  it('cancelled: it ends, and nothing was ever sent', () => {
    const story = paid(kept);
    const possible = allowedActions(shop, story.state).map(({ action }) => action);
    expect(possible).toEqual(expect.arrayContaining(['resume', 'cancel']));
    story.act('cancel');
    expect([story.sent, story.state.status]).toEqual([[], 'compensated']);
    expect(story.state.attention).toMatchObject([{ acknowledged: { by: 'ada' } }]);
  });

  it('turned back by an event: it ends by itself, and nobody needs to choose any more', () => {
    const story = paid(kept).when('BasketReturned');
    expect([story.sent, story.state.status, story.state.paused]).toEqual([[], 'compensated', undefined]);
    expect(story.state.attention).toMatchObject([{ acknowledged: { by: 'process' } }]);
    expect(paid(kept).act('acknowledge').when('BasketReturned').state.status).toBe('compensated');
  });

  it('resumed, and held by a person later: that one is theirs to end', () => {
    const story = paid(kept).act('resume').act('pause').when('BasketReturned');
    expect(story.state.paused).toMatchObject({ by: 'ada' });
  });

  it('was turned back before its start: there is nothing to hold', () => {
    const story = new SecondStory().when('BasketReturned').paid(kept);
    expect([story.sent, story.state.status, story.state.attention]).toEqual([[], 'compensated', []]);
  });

  it('keeps what comes meanwhile, and takes it when it goes on', () => {
    const story = paid(kept).when('OrderPlaced').when('BasketChanged', { address: 'There 2', lines: [] });
    expect([story.sent, story.state.status]).toEqual([[], 'paused']);
    story.act('resume');
    expect(story.state.facts.start).toMatchObject({ address: 'There 2' });
    expect(story.sent).toEqual(['PlaceOrder']);
  });

  it('takes a start that comes again as ever', () => {
    const story = paid(kept);
    story.when('BasketPaid', {}, 'again');
    expect(story.state.attention.map(({ code }) => code)).toEqual(['earlier-stands', 'started-again']);
    expect(story.state.status).toBe('paused');
  });
});

describe('a later occurrence, beside one that turned back', () => {
  const { parcel } = shopDefinition.steps;
  const process = compileDefinition(
    parseDefinition({
      ...shopDefinition,
      steps: {
        ...shopDefinition.steps,
        parcel: { ...parcel, compensation: { ...parcel.compensation, first: 'Gone.' } },
      },
    }),
    shopContracts,
  );
  const lines = [{ lineId: 'a', sku: 'cup', count: 1 }];
  const begun = (): ShopStory => new ShopStory(process).when('BasketPaid', { lines }).when('OrderPlaced');
  const sent = (): ShopStory => begun().when('LineSent', { lineId: 'a' });
  const refused = (): ShopStory => sent().when('BasketReturned').when('FetchingRejected', { lineId: 'a' });
  const beside = ({ state }: ShopStory): SecondStory => paid(earlierOccurrence(process, state));

  it.each([
    ['may still be sent', begun().when('BasketReturned')],
    ['is being fetched', sent().when('BasketReturned')],
    ['stands by a skip, while the rest is undone', refused().act('skip', { unit: 'parcel/a' })],
  ])('is held where what is undone first %s', (_, before) => {
    const story = beside(before);
    expect([story.sent, story.state.status]).toEqual([[], 'paused']);
    expect(story.state.paused?.reason).toContain(`occurrence 1 (${before.state.status}, parcel/a not undone), and`);
  });

  it('is held where it is over, and what is undone first stands by a skip', () => {
    const skipped = refused().act('skip', { unit: 'parcel/a' });
    expect(skipped.state).toMatchObject({ phase: 'ended', status: 'compensated' });
    expect(beside(skipped).state.status).toBe('paused');
  });

  it('starts where what is undone first is undone, or was never begun', () => {
    const fetched = sent().when('BasketReturned').when('LineFetched', { lineId: 'a' });
    const early = new ShopStory(process).when('BasketPaid', { lines }).when('BasketReturned').when('OrderPlaced');
    for (const before of [fetched, early]) {
      expect(before.state.status).toBe('compensating');
      expect(beside(before).sent).toEqual(['PlaceOrder']);
    }
  });

  it('starts where what stands needs no undoing, and is held by what nobody can undo', () => {
    const settled = new ShopStory(irreversibleShop).when('BasketPaid', { lines: [] }).whenDecided('approved');
    settled.when('OrderPlaced').when('BasketReturned').act('skip', { unit: 'order' });
    expect(settled.state.status).toBe('compensated');
    expect(earlierOccurrence(irreversibleShop, settled.state).standing).toEqual(['order']);
    expect(earlierOccurrence(shop, settled.state).standing).toBeUndefined();
  });
});

it('a replay holds what was held, and goes on when a person did', () => {
  const story = new SecondStory();
  const recorded: RecordedInput[] = [];
  const commands: string[] = [];
  const keep = (payload: Record<string, unknown> | null): void => {
    commands.push(...story.last.commands.map(({ type }) => type));
    for (const { messageId, type, step = null, detail = null } of story.last.history)
      recorded.push({ messageId, type, payload, step, source: 's', occurredAt: story.now, recordedAt: story.now, detail: detail && structuredClone(detail) }); // prettier-ignore
  };
  const replay = () =>
    replayHistory(shop, { key: 'basket-1', occurrence: 1, correlationId: 'c' }, recorded, { state: story.state });
  story.paid(kept);
  keep({ basketId: 'basket-1', occurrence: 2, total: '90.00', address: 'Here 1', lines: [] });
  expect(replay()).toMatchObject({ state: story.state, commands: [] });
  story.act('resume');
  keep(null);
  expect(replay()).toMatchObject({ state: story.state, commands: ['PlaceOrder'] });
  expect(courseOf(replay().state, replay().commands)).toEqual(courseOf(story.state, commands));
});

it('is explored: whatever a person chooses, and whatever comes meanwhile, nothing is left half done', () => {
  const { examples, problems } = explore(shop, { maxDisturbances: 1 });
  expect(problems).toEqual([]);
  expect(examples.paused).toEqual(['BasketPaid, while the one before stands']);
});
