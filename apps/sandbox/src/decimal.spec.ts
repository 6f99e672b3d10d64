import { expect, it } from '@jest/globals';
import { multiplyDecimals, sumDecimals } from './decimal.js';

it.each([
  ['3', '10.10', '30.3'],
  ['0.1', '0.2', '0.02'],
  ['-1.5', '2', '-3'],
  ['3', '33.3333', '99.9999'],
  ['0', '5', '0'],
  ['100', '100', '10000'],
])('%s times %s is %s', (a, b, product) => expect(multiplyDecimals(a, b)).toBe(product));

it('adds without a double between', () => {
  expect(sumDecimals(['0.1', '0.2', '-0.05'])).toBe('0.25');
  expect(sumDecimals([])).toBe('0');
  expect(sumDecimals(['-0.1', '0.1'])).toBe('0');
});
