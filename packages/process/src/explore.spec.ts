import { describe, expect, it } from '@jest/globals';
import { sale, saleContracts, saleDefinition } from '../fixtures/sale.js';
import { compileDefinition, explore, parseDefinition } from './index.js';

describe('every failure, before it happens', () => {
  it('ends completed, undone, or visibly waiting for a person, with four disturbances combined', () => {
    const { problems, states, paths, ends, leftStanding } = explore(sale, { maxDisturbances: 4 });
    expect(problems.slice(0, 3)).toEqual([]);
    expect(Object.keys(ends).toSorted()).toEqual(['compensated', 'completed', 'refused', 'stopped']);
    expect(leftStanding).toEqual(['notice']);
    expect(states).toBeGreaterThan(1_000);
    expect(paths).toBeGreaterThan(10_000);
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
