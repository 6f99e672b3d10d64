import { describe, expect, it } from '@jest/globals';
import { ShopStory, shop, shopContracts, shopDefinition } from '../fixtures/shop.js';
import {
  compileDefinition,
  courseOf,
  differencesOf,
  parseDefinition,
  replayHistory,
  type RecordedInput,
} from './index.js';

/** A story that keeps what the store would keep of it. */
class RecordedStory extends ShopStory {
  readonly recorded: RecordedInput[] = [];
  readonly commands: string[] = [];

  override take(input: Parameters<ShopStory['take']>[0]): this {
    super.take(input);
    this.commands.push(...this.last.commands.map(({ type }) => type));
    for (const { messageId, type, step, detail } of this.last.history) {
      const payload = input.kind === 'event' ? input.event.payload : null;
      this.recorded.push({ messageId, type, payload, detail: detail ?? null, step: step ?? null, source: 'a-service', occurredAt: this.now, recordedAt: this.now }); // prettier-ignore
    }
    return this;
  }

  replay(process = shop) {
    const undecided = (unit: string) => this.state.steps[unit]?.status === 'deciding';
    return replayHistory(process, { key: 'basket-1', occurrence: 1, correlationId: 'c' }, this.recorded, undecided);
  }

  differences(process = shop) {
    const { state, commands } = this.replay(process);
    return differencesOf(courseOf(this.state, this.commands), courseOf(state, commands));
  }
}

/** The same process, in which every basket is large. */
const strict = compileDefinition(parseDefinition({ ...shopDefinition, version: 2 }), {
  ...shopContracts,
  policies: {
    ...shopContracts.policies,
    compileCondition: () => ({
      reads: [{ from: 'start', field: 'total' }],
      evaluate: ({ start }) => ({ value: Number(start.total) > 10, policies: [] }),
    }),
  },
});

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
});
