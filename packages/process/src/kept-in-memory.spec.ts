import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { delivery } from '../fixtures/delivery.js';
import { sale } from '../fixtures/sale.js';
import { irreversibleShop, shop } from '../fixtures/shop.js';
import { Courses, pathTo } from './courses.js';

/** So that whoever changes a part of it fails. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

describe('a state that is kept in memory', () => {
  it.each([
    ['sale', sale],
    ['shop', shop],
    ['a shop whose order cannot be undone', irreversibleShop],
    ['delivery', delivery],
  ])('is what the database would give back, and is changed by no later turn: %s', (_, process) => {
    const courses = new Courses(process, 'free');
    let seen = 0;
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 10, maxLength: 40 }), (choices) => {
        let node = courses.root();
        for (const choice of choices) {
          const moves = courses.movesFrom({ ...node, state: freeze(node.state) }, 1);
          if (moves.length === 0) return;
          node = moves[choice % moves.length]!;
          expect([pathTo(node), node.broken]).toEqual([pathTo(node), undefined]);
          // Strictly: a field that is there and undefined is none of what was stored.
          expect(node.state).toStrictEqual(JSON.parse(JSON.stringify(node.state)));
          seen++;
        }
      }),
      { numRuns: 60 },
    );
    expect(seen).toBeGreaterThan(200);
  });
});
