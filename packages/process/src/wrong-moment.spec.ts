import { describe, expect, it } from '@jest/globals';
import { ShopStory, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { compileDefinition, explore, parseDefinition } from './index.js';

describe('what comes at the wrong moment', () => {
  it('before the start, by a version that had another step: the instance still comes to its end, and people see it', () => {
    const { receipt: _, ...others } = shopDefinition.steps;
    const newer = compileDefinition(parseDefinition({ ...shopDefinition, version: 2, steps: others }), shopContracts);
    const story = new ShopStory().when('ReceiptPrinted');
    const later = new ShopStory(newer);
    later.state = story.state;
    later.when('BasketPaid', { lines: [] }).when('OrderPlaced');
    expect(later.state).toMatchObject({ status: 'completed', attention: [{ type: 'ReceiptPrinted' }] });
  });

  it('later than was promised, and before a timer has looked: it is late all the same', () => {
    const story = new ShopStory().when('BasketPaid');
    story.now = '2026-11-22T11:30:00.000Z';
    story.when('OrderPlaced');
    expect(story.last.history.map(({ effect }) => effect)).toEqual(['sla-breached', 'overdue', 'step-done']);
  });

  it('a repair while an amendment is under way: it holds for what is done again', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced').when('BasketChanged', { total: '95.00' });
    story.act('repair', { facts: { start: { address: 'There 2' } } });
    for (const line of ['a', 'b']) story.when('SendingRejected', { lineId: line });
    story.when('OrderWithdrawn').when('OrderPlaced');
    expect(story.last.commands[0]?.payload).toMatchObject({ address: 'There 2' });
  });

  it('a retry of a paused instance that was cancelled: nothing new is sent', () => {
    const story = new ShopStory()
      .when('BasketPaid')
      .when('PlacingRejected', { reason: 'busy' })
      .act('pause')
      .when('BasketReturned');
    expect(() => story.act('retry', { unit: 'order' })).toThrow('only a refusal can be answered by asking again');
    expect(story.act('resume').state.status).toBe('compensated');
  });

  it('an answer to the old facts, early and of a step that nothing undoes: it is not taken for an answer to the new ones', () => {
    const story = new ShopStory().when('BasketPaid').when('OrderPlaced').when('BasketChanged', { address: 'There 2' });
    story.when('ReceiptPrinted');
    for (const lineId of ['a', 'b']) story.when('LineSent', { lineId });
    for (const lineId of ['b', 'a']) story.when('LineFetched', { lineId });
    for (const lineId of ['a', 'b']) story.when('LineSent', { lineId });
    expect([story.status('receipt'), story.state.status]).toEqual(['awaited', 'running']);
  });

  it('a cancellation by a person, of a process that names none: what nothing undoes is found before it runs', () => {
    const { 'cancelled-by': _, ...rest } = shopDefinition;
    const order = { ...shopDefinition.steps.order, compensation: 'none' };
    const definition = { ...rest, steps: { order: { ...order, after: [] } } };
    const { problems } = explore(compileDefinition(parseDefinition(definition), shopContracts));
    expect(problems[0]?.path.at(-1)).toContain('cancelled by a person');
  });
});
