import { expect, it } from '@jest/globals';
import { toFilter } from './commands.js';
import { toFacts } from './run.js';

it('facts are written as place=value; money stays text, and what looks like JSON is read as that', () => {
  const written = ['start.totalAmount=120.0000', 'start.note="12"', 'start.until=null', 'order.lines=[{"sku":"a=b"}]'];
  expect(toFacts(written)).toEqual({
    start: { totalAmount: '120.0000', note: '12', until: null },
    steps: { order: { lines: [{ sku: 'a=b' }] } },
  });
  expect(toFacts(['write-back.text=so = so'])).toEqual({ steps: { 'write-back': { text: 'so = so' } } });
  for (const wrong of ['totalAmount=1', 'start.totalAmount', 'start.lines=[1'])
    expect(() => toFacts([wrong])).toThrow(wrong);
});

it('conditions are those that were given, by the names of the API', () => {
  expect(toFilter({ ofVersion: '2', where: ['name=Acme'], paused: true })).toEqual({
    version: 2,
    where: ['name=Acme'],
    paused: true,
  });
  expect(toFilter({})).toEqual({});
});
