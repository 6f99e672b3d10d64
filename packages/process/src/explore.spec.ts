import { describe, expect, it } from '@jest/globals';
import { sale, saleContracts, saleDefinition } from '../fixtures/sale.js';
import { shop } from '../fixtures/shop.js';
import { compileDefinition, explore, parseDefinition } from './index.js';

describe('every failure, before it happens', () => {
  it('ends completed, undone, or visibly waiting for a person, with four disturbances combined', () => {
    const { problems, states, paths, ends, examples, leftStanding } = explore(sale, { maxDisturbances: 4 });
    expect(problems.slice(0, 3)).toEqual([]);
    const kinds = ['compensated', 'completed', 'paused', 'refused', 'rejected', 'stopped'];
    expect([Object.keys(ends).toSorted(), examples.paused]).toEqual([kinds, ['DealWon, while the one before stands']]);
    expect(leftStanding).toEqual(['notice']);
    expect(states).toBeGreaterThan(1_000);
    expect(paths).toBeGreaterThan(10_000);
  });

  it('also with people, lines, conditions, tries and amendments', () => {
    const { problems, isCutShort, paths } = explore(shop, { maxDisturbances: 3 });
    expect([problems.slice(0, 1), isCutShort]).toEqual([[], false]);
    expect(paths).toBeGreaterThan(1_000_000);
  });

  it('fails where a compensation was taken away, with the shortest path that shows why', () => {
    const definition = parseDefinition({
      ...saleDefinition,
      steps: { ...saleDefinition.steps, billing: { ...saleDefinition.steps.billing, compensation: 'none' } },
    });
    const { problems } = explore(compileDefinition(definition, saleContracts));
    expect(problems[0]?.problem).toContain('but billing still stands');
    expect(problems[0]?.path.at(-2)).toContain('InvoiceIssued');
  });
});
