import { describe, expect, it } from '@jest/globals';
import { ShopStory, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { whyNotOfType } from './fact-types.js';
import { compileDefinition, parseDefinition } from './index.js';

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 19, scale: 4 };
const UUID = { type: 'string', logicalType: 'uuid' };
const line = { type: 'record', fields: [{ name: 'lineId', type: 'string' }, { name: 'count', type: 'int' }, { name: 'note', type: ['null', 'string'] }] }; // prettier-ignore

describe('a fact that a person gives', () => {
  it.each([
    [DECIMAL, ['1250.0000', '-3', '0.5', '999999999999999.9999'], ['lots', 120, '1.00001', '1e3', '', '1234567890123456', null]],
    [{ type: 'int', logicalType: 'date' }, ['2026-01-31', '2028-02-29'], ['2026-02-30', '31.01.2026', 20_000]],
    [{ type: 'long', logicalType: 'timestamp-millis' }, ['2026-01-31T09:00:00.000Z', '2026-01-31T09:00:00+01:00'], ['soon', '2026-02-30T09:00:00Z', 5]],
    [UUID, ['0b9b1f0e-6f0c-5d6e-9a53-2f1f1c1b7a10'], ['4711', 4711]],
    ['string', ['', 'EUR'], [1, null, ['a']]],
    ['int', [0, -1, 7], ['7', 1.5, null]],
    ['boolean', [true, false], ['true', 1]],
    [['null', 'string'], [null, 'a'], [1]],
    [{ type: 'enum', name: 'Unit', symbols: ['PIECE', 'HOUR'] }, ['HOUR'], ['hour', 1]],
    [{ type: 'array', items: line }, [[], [{ lineId: 'a', count: 1 }]], ['a', [{ lineId: 'a' }], [{ lineId: 'a', count: 1, note: 3 }], [null]]],
    [undefined, ['anything', 1, null], []],
    ['ExternalId', [{ id: 1 }], []],
  ])('%j', (type, good, bad) => {
    expect(good.filter((value) => whyNotOfType(type, value, 'x'))).toEqual([]);
    expect((bad as unknown[]).filter((value) => !whyNotOfType(type, value, 'x'))).toEqual([]);
  }); // prettier-ignore

  it('is told from what is expected at its place', () => {
    expect(whyNotOfType({ type: 'array', items: line }, [{ lineId: 'a', count: 'two' }], 'start.lines')).toBe(
      'start.lines.0.count must be a whole number, and not "two"',
    );
  });

  it('is refused with field and type, of the start and of a step, before anything is changed', () => {
    const schema = (fields: Record<string, unknown>) => ({ schema: { fields: Object.entries(fields).map(([name, type]) => ({ name, type })) } }); // prettier-ignore
    const lines = { type: 'array', items: line };
    const { BasketPaid, OrderPlaced } = shopContracts.messages;
    const messages = {
      ...shopContracts.messages,
      BasketPaid: { ...BasketPaid, ...schema({ total: DECIMAL, address: ['null', 'string'], lines: { ...lines, items: { ...line, fields: [...line.fields, { name: 'sku', type: 'string' }] } } }) }, // prettier-ignore
      OrderPlaced: { ...OrderPlaced, ...schema({ number: 'string' }) },
    };
    const process = compileDefinition(parseDefinition(shopDefinition), { ...shopContracts, messages });
    const story = new ShopStory(process).when('BasketPaid').when('PlacingRejected', { reason: 'busy' });
    const repair = (facts: object) => () => story.act('repair', { facts });
    expect(repair({ start: { address: 5 } })).toThrow('start.address must be text, and not 5');
    expect(repair({ steps: { order: { number: 12 } } })).toThrow('order.number must be text, and not 12');
    expect(repair({ start: { lines: [{ lineId: 'a', count: 1 }] } })).toThrow('start.lines.0.sku must be text, and not null'); // prettier-ignore
    expect(repair({ start: { address: 'There 2' } })().state.facts.start['address']).toBe('There 2');
  });
});
