import { describe, expect, it } from '@jest/globals';
import { ShopStory, shop, shopContracts, shopDefinition } from '../fixtures/shop.js';
import {
  compileDefinition,
  courseOf,
  differencesOf,
  parseDefinition,
  replayHistory,
  type RecordedInput,
  type Undecided,
} from './index.js';

/** A story that keeps what the store would keep of it. */
class RecordedStory extends ShopStory {
  readonly recorded: RecordedInput[] = [];
  readonly commands: string[] = [];
  readonly undecided: Undecided[] = [];

  override take(input: Parameters<ShopStory['take']>[0]): this {
    super.take(input);
    this.commands.push(...this.last.commands.map(({ type }) => type));
    const { opened, closed } = this.last.tasks;
    for (const { unit } of closed) this.undecided.find((one) => one.unit === unit && !one.endedAt)!.endedAt = this.now;
    if (input.kind === 'decision') this.undecided.splice(this.undecided.findIndex((one) => one.unit === input.unit && !one.endedAt), 1); // prettier-ignore
    this.undecided.push(...opened.map(({ unit }) => ({ unit })));
    for (const { messageId, type, step, detail } of this.last.history) {
      const payload = input.kind === 'event' ? input.event.payload : null;
      this.recorded.push({ messageId, type, payload, detail: detail ?? null, step: step ?? null, source: 'a-service', occurredAt: this.now, recordedAt: this.now }); // prettier-ignore
    }
    return this;
  }

  replay(process = shop, until?: string) {
    const identity = { key: 'basket-1', occurrence: 1, correlationId: 'c' };
    return replayHistory(process, identity, this.recorded, { state: this.state, undecided: this.undecided }, until);
  }

  differences(process = shop, until?: string) {
    const { state, commands } = this.replay(process, until);
    return differencesOf(courseOf(this.state, this.commands), courseOf(state, commands, new Set(this.commands)));
  }
}

/** The same process, in which baskets are large from another amount on. */
const largeFrom = (amount: number) =>
  compileDefinition(parseDefinition({ ...shopDefinition, version: 2 }), {
    ...shopContracts,
    policies: {
      ...shopContracts.policies,
      compileCondition: () => ({
        reads: [{ from: 'start', field: 'total' }],
        evaluate: ({ start }) => ({ value: Number(start.total) > amount, policies: [] }),
      }),
    },
  });
const strict = largeFrom(10);
const lenient = largeFrom(100_000);
const largeFrom100 = largeFrom(100);

const ordinary = () => new RecordedStory().when('BasketPaid', { lines: [] }).when('OrderPlaced').when('ReceiptPrinted');

describe('a replay', () => {
  it('by the same rules comes to the same state, whatever happened', () => {
    const stories = [
      ordinary(),
      new RecordedStory()
        .when('BasketPaid', { total: '5000.00' })
        .whenDecided('approved')
        .when('OrderPlaced')
        .when('BasketReturned'),
      new RecordedStory().when('BasketPaid', { total: '5000.00' }).whenDecided('rejected'),
      new RecordedStory().when('BasketPaid', { total: '5000.00' }),
      new RecordedStory().when('BasketPaid', { total: '5000.00' }).when('BasketReturned'),
      new RecordedStory().when('BasketPaid', { total: '5000.00' }).act('cancel'),
      new RecordedStory()
        .when('BasketPaid')
        .when('PlacingRejected', { reason: 'busy' })
        .whenTime('2026-11-22T10:05:00.000Z')
        .when('OrderPlaced'),
      new RecordedStory()
        .when('BasketPaid')
        .whenTime('2026-11-22T10:10:00.000Z')
        .whenTime('2026-11-22T11:00:00.000Z')
        .when('OrderPlaced')
        .act('pause')
        .act('resume')
        .act('cancel'),
    ];
    for (const story of stories) {
      const { state, commands, assumed, blocked } = story.replay();
      expect([state, commands, assumed, blocked]).toEqual([story.state, story.commands, [], undefined]);
      expect(story.differences()).toEqual([]);
    }
  });

  it('asks where nobody was asked, takes it as approved, and says so', () => {
    const { assumed, state } = ordinary().replay(strict);
    expect([assumed, state.status]).toEqual([['approval'], 'completed']);
    expect(ordinary().differences(strict)).toEqual(['path', 'approvals']);
  });

  it('lets a decision count where it is asked for again, also a rejection', () => {
    const rejected = new RecordedStory().when('BasketPaid', { total: '5000.00' }).whenDecided('rejected');
    expect(rejected.replay(strict)).toMatchObject({ assumed: [], state: { status: 'refused' } });
    expect(rejected.differences(strict)).toEqual([]);
  });

  it('asks nobody in the stead of those whose answer was not needed any more', () => {
    const { approval, order } = shopDefinition.steps;
    const twoDecide = compileDefinition(
      parseDefinition({
        ...shopDefinition,
        steps: { ...shopDefinition.steps, second: approval, order: { ...order, after: ['approval', 'second'] } },
      }),
      shopContracts,
    );
    const rejected = new RecordedStory(twoDecide).when('BasketPaid', { total: '5000.00' }).whenDecided('rejected');
    expect(rejected.state.steps['second']).toMatchObject({ status: 'skipped', policy: {} });
    expect(rejected.replay(twoDecide)).toMatchObject({ assumed: [], state: rejected.state });
    expect(rejected.differences(twoDecide)).toEqual([]);
  });

  it('asks nobody in the stead of those whose answer an amendment made needless, and asks anew where it did not', () => {
    const asked = () => new RecordedStory(largeFrom100).when('BasketPaid', { total: '5000.00' });
    const amended = asked();
    amended.now = '2026-11-22T10:05:00.000Z';
    amended.when('BasketChanged', { total: '50.00' });
    expect(amended.status('approval')).toBe('not-needed');
    expect(amended.replay(largeFrom100)).toMatchObject({ assumed: [], state: amended.state });
    // The stricter rules ask once more, after the amendment: that is what nobody was asked then.
    expect(amended.replay(strict).assumed).toEqual(['approval']);

    const twice = asked().whenDecided('approved');
    twice.now = '2026-11-22T10:05:00.000Z';
    twice.when('PlacingRejected').when('BasketChanged', { total: '6000.00' });
    twice.now = '2026-11-22T10:10:00.000Z';
    twice.when('BasketChanged', { total: '50.00' });
    expect(twice.replay(largeFrom100)).toMatchObject({ assumed: [], state: twice.state });
  });

  const lines = [{ lineId: 'a', sku: 'cup', count: 1 }];
  const placed = (story: RecordedStory): RecordedStory =>
    story.when('OrderPlaced').when('LineSent', { lineId: 'a' }).when('ReceiptPrinted');

  /** A large basket that somebody looked at until 13:00, and whose order took as many minutes from then on. */
  function lookedAt(minutes: number): RecordedStory {
    const story = new RecordedStory().when('BasketPaid', { total: '5000.00', lines });
    story.now = '2026-11-22T13:00:00.000Z';
    story.whenDecided('approved');
    if (minutes > 10) story.whenTime('2026-11-22T13:10:00.000Z');
    story.now = `2026-11-22T13:${String(minutes).padStart(2, '0')}:00.000Z`;
    return placed(story);
  }

  it('spares the time in which people were asked who are not asked now, and tells what is late all the same', () => {
    expect(lookedAt(5).differences(lenient)).toEqual(['path', 'approvals']);
    expect(lookedAt(5).replay(lenient).state.steps['order']?.execution).toMatchObject({
      commandedAt: '2026-11-22T10:00:00.000Z',
      outcomeAt: '2026-11-22T10:05:00.000Z',
    });
    expect(lookedAt(15).differences(lenient)).toEqual(['path', 'approvals']);
    const { state } = lookedAt(15).replay(lenient);
    expect(state.steps['order']?.execution?.slaBreachedAt).toBe('2026-11-22T10:10:00.000Z');
  });

  it('tells a promise that is kept because nobody is asked', () => {
    const late = new RecordedStory().when('BasketPaid', { total: '5000.00', lines });
    late.whenTime('2026-11-22T14:00:00.000Z').whenTime('2026-11-24T10:00:00.000Z');
    placed(late.whenDecided('approved'));
    expect(courseOf(late.state, []).breaches).toEqual(['the whole', 'approval late']);
    expect(late.differences(lenient)).toEqual(['path', 'approvals', 'sla']);
    const { state } = late.replay(lenient);
    expect(courseOf(state, []).breaches).toEqual([]);
  });

  it('calls nothing late that was never asked for', () => {
    const rejected = new RecordedStory().when('BasketPaid', { total: '5000.00' }).whenDecided('rejected');
    const aWeekLater = '2026-11-29T10:00:00.000Z';
    expect(rejected.replay(lenient, aWeekLater).state.status).toBe('overdue');
    expect(rejected.differences(lenient, aWeekLater)).toEqual(['path', 'approvals', 'commands']);
    const forgotten = new RecordedStory().when('BasketPaid');
    expect(forgotten.differences(shop, aWeekLater)).toEqual(['path', 'sla']);
  });
});
