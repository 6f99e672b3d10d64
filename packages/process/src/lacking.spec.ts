import { describe, expect, it } from '@jest/globals';
import { ShopStory, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { compileDefinition, explore, parseDefinition, waitsOf } from './index.js';

const TEXT = 'string';
const MAYBE = ['null', TEXT];
const AMOUNT = { type: 'bytes', logicalType: 'decimal', precision: 19, scale: 4 };
const avro = (types: Record<string, unknown>) => ({
  schema: { type: 'record', fields: Object.entries(types).map(([name, type]) => ({ name, type })) },
});
const { BasketPaid, BasketChanged, SendLine, PlaceOrder, OrderPlaced, WithdrawOrder } = shopContracts.messages;
const line = (sku: unknown) => ({
  type: 'array',
  items: { type: 'record', fields: [{ name: 'lineId', type: TEXT }, { name: 'sku', type: sku }, { name: 'count', type: 'int' }] }, // prettier-ignore
});

/** The shop, whose messages say which fields may be null; all must have a value but those given. */
function compiled(
  nullable: { address?: unknown; sku?: unknown; sends?: unknown } = {},
  stopsWithout?: string[],
  more = {},
) {
  const { address = TEXT, sku = TEXT, sends = TEXT } = nullable;
  const basket = avro({ total: AMOUNT, address, lines: line(sku) });
  const messages = {
    ...shopContracts.messages,
    BasketPaid: { ...BasketPaid, ...basket },
    BasketChanged: { ...BasketChanged, ...basket },
    PlaceOrder: { ...PlaceOrder, ...avro({ total: AMOUNT }) },
    OrderPlaced: { ...OrderPlaced, ...avro({ number: TEXT }) },
    SendLine: { ...SendLine, ...avro({ lineId: TEXT, sku: TEXT, address: sends }) },
    WithdrawOrder: { ...WithdrawOrder, ...avro({ orderId: TEXT }) },
  };
  const parcel = { ...shopDefinition.steps.parcel, ...(stopsWithout && { 'stops-without': stopsWithout }) };
  const definition = { ...shopDefinition, steps: { ...shopDefinition.steps, parcel } };
  return compileDefinition(parseDefinition(definition), { ...shopContracts, messages, ...more });
}

describe('a field that must have a value', () => {
  it('is not filled from one that may be null, of an event or of a line', () => {
    expect(() => compiled({ address: MAYBE })).toThrow(
      'steps.parcel: SendLine.address must have a value, and BasketPaid.address may be null; name another source under "with", or write "stops-without: address" on step parcel',
    );
    expect(() => compiled({ sku: MAYBE })).toThrow(
      'SendLine.sku must have a value, and BasketPaid.lines.sku may be null',
    );
    expect(() => compiled({ address: MAYBE, sends: MAYBE })).not.toThrow();
    expect(() => compiled({}, ['colour'])).toThrow('steps.parcel.stops-without: SendLine has no field colour');
  });

  it('is let pass in a definition that was in force before this was checked', () => {
    expect(() => compiled({ address: MAYBE }, undefined, { isStored: true })).not.toThrow();
  });
});

describe('a step that stops without a value', () => {
  const process = compiled({ address: MAYBE }, ['address']);
  const lines = [{ lineId: 'a', sku: 'cup', count: 1 }];
  const lacking = (running = process) =>
    new ShopStory(running).when('BasketPaid', { lines, address: null }).when('OrderPlaced');

  it('commands nothing where it is null, and the instance is stopped visibly', () => {
    for (const story of [lacking(), lacking(compiled({ address: MAYBE }, undefined, { isStored: true }))]) {
      expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
      expect(story.state.steps['parcel/a']).toMatchObject({
        status: 'refused',
        execution: { reason: 'fact-missing', field: 'address' },
      });
      expect(story.state.attention).toMatchObject([
        { code: 'fact-missing', message: 'SendLine.address needs start.address, and no event has told it: repair it, then this goes on.' }, // prettier-ignore
      ]);
      expect(waitsOf(process, story.state)).toMatchObject([{ step: 'parcel/a', needsPerson: true }]);
    }
  });

  it('goes on when a person has repaired it', () => {
    const story = lacking().act('retry', { unit: 'parcel/a' });
    expect([story.sent, story.state.status]).toEqual([[], 'stopped']);
    // Asked in vain, it is put before somebody once more.
    expect(story.state.attention.map(({ acknowledged }) => acknowledged?.by)).toEqual(['ada', undefined]);
    story.act('repair', { facts: { start: { address: 'There 2' } } });
    expect([story.sent, story.state.status]).toEqual([['SendLine a'], 'running']);
    expect(story.state.attention.map(({ acknowledged }) => acknowledged?.by)).toEqual(['ada', 'ada']);
    expect(story.last.commands).toMatchObject([{ payload: { address: 'There 2' } }]);
  });

  it('stops it as visibly where it is asked for again later, and what else is due is sent', () => {
    const { parcel } = shopDefinition.steps;
    const retried = { ...parcel, 'stops-without': ['address'], retry: { attempts: 3, every: '5 minutes' } };
    const definition = { ...shopDefinition, steps: { ...shopDefinition.steps, parcel: retried } };
    const story = new ShopStory(compileDefinition(parseDefinition(definition), shopContracts)).when('BasketPaid');
    story.when('OrderPlaced').when('SendingRejected', { lineId: 'b' }).when('SendingRejected', { lineId: 'a' });
    delete story.state.steps['parcel/b']!.item!.sku;
    story.whenTime('2026-11-22T10:05:00.000Z');
    expect([story.sent, story.state.status]).toEqual([['SendLine a'], 'stopped']);
    expect(story.last.history).toMatchObject([
      { effect: 'step-retried', step: 'parcel/a', commands: ['SendLine'] },
      { effect: 'step-retried', step: 'parcel/b', commands: [] },
    ]);
    expect(story.state.attention).toMatchObject([{ code: 'fact-missing', type: 'retry' }]);
  });

  it('is undone with the rest when the instance is cancelled', () => {
    expect(lacking().when('BasketReturned').sent).toEqual(['WithdrawOrder']);
  });

  it('sends null where the command allows it', () => {
    const story = lacking(compiled({ address: MAYBE, sends: MAYBE }));
    expect(story.last.commands).toMatchObject([{ payload: { address: null } }]);
  });

  it('stops on the way back, too: what cannot be undone for want of a fact is undone once it is known', () => {
    const story = lacking(compiled({ address: MAYBE, sends: MAYBE })).when('LineSent', { lineId: 'a' });
    delete story.state.facts.assigned.orderId;
    story.when('BasketReturned');
    expect([story.sent, story.state.status, story.status('parcel/a')]).toEqual([[], 'stopped', 'compensation-refused']);
    story.state.facts.assigned.orderId = 'found';
    expect(story.act('retry', { unit: 'parcel/a' }).sent).toEqual(['FetchLine a']);
  });

  it('is explored', () => {
    expect(explore(process, { maxDisturbances: 1 }).problems.slice(0, 2)).toEqual([]);
  });
});
