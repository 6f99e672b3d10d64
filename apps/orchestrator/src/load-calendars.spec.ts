import { describe, expect, it } from '@jest/globals';
import { addDuration, calendarJsonSchema, parseDuration } from '@throughline/process';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { endingCalendars, loadCalendars } from './load-calendars.js';

const read = (file: string): string => readFileSync(new URL(`../calendars/${file}`, import.meta.url), 'utf8');

describe('the calendar of the head office', () => {
  const office = loadCalendars().get('head-office')!;

  it.each([
    ['over an ordinary weekend', '2026-11-27T14:00:00.000Z', '2 business days', '2026-12-01T14:00:00.000Z'],
    ['over Christmas', '2026-12-23T14:00:00.000Z', '2 business days', '2026-12-28T14:00:00.000Z'],
    [
      'over Easter and the change to summer time',
      '2027-03-25T15:00:00.000Z',
      '4 business hours',
      '2027-03-30T09:00:00.000Z',
    ],
    ['over the change to winter time', '2027-10-29T13:00:00.000Z', '2 business hours', '2027-11-01T09:00:00.000Z'],
  ])('%s', (_, from, duration, due) => expect(addDuration(from, parseDuration(duration)!, office)).toBe(due));

  it('is warned of from ninety days before its holidays end', () => {
    const endingOn = (now: string) => endingCalendars([office], new Date(now)).map(({ name }) => name);
    expect(endingOn('2028-10-02T12:00:00.000Z')).toEqual([]);
    expect(endingOn('2028-10-03T12:00:00.000Z')).toEqual(['head-office']);
  });
});

describe('calendar.schema.json', () => {
  it('is what the calendars are checked by', () => {
    expect(JSON.parse(read('calendar.schema.json'))).toEqual(calendarJsonSchema());
  });

  it('lets editors accept what is shipped and mark what cannot be', () => {
    const validate = new Ajv2020().compile(JSON.parse(read('calendar.schema.json')));
    const office = parse(read('head-office.yaml'));
    expect([validate(office), validate.errors]).toEqual([true, null]);
    expect(validate({ ...office, hours: { monday: '9-17' } })).toBe(false);
    expect(validate({ ...office, holidays: [{ name: 'Easter', on: 'around Easter' }] })).toBe(false);
    expect(validate({ ...office, timezone: 'Europe/Berlin' })).toBe(false);
  });
});
