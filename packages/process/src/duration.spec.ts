import { describe, expect, it } from '@jest/globals';
import { isBusiness, parseDuration } from './duration.js';

describe('a duration', () => {
  it.each([
    ['15 minutes', { ms: 900_000 }],
    ['1 minute', { ms: 60_000 }],
    ['90 seconds', { ms: 90_000 }],
    ['1.5 hours', { ms: 5_400_000 }],
    [' 1 day ', { ms: 86_400_000 }],
    ['4 business hours', { businessHours: 4 }],
    ['1.5 business hours', { businessHours: 1.5 }],
    ['30 business minutes', { businessHours: 0.5 }],
    ['2 business days', { businessDays: 2 }],
    ['1 business day', { businessDays: 1 }],
  ])('%s', (text, duration) => expect(parseDuration(text)).toEqual(duration));

  it.each([
    '',
    '15',
    'minutes',
    '15 minuts',
    '0 days',
    '-1 day',
    '1e3 days',
    '1 month',
    '0.5 business days',
    '100000 days',
    '1.005 hours',
  ])('is not "%s"', (text) => expect(parseDuration(text)).toBeUndefined());

  it('needs a calendar when it is business time', () => {
    expect(['1 day', '1 business hour', '1 business day'].map((text) => isBusiness(parseDuration(text)!))).toEqual([
      false,
      true,
      true,
    ]);
  });
});
