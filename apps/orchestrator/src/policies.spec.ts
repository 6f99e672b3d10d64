import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { policySchema } from '@throughline/policy';
import { z } from 'zod';
import { loadPolicies } from './load-policies.js';

const schemaFile = new URL('../policies/policy.schema.json', import.meta.url);

describe('the policies that ship', () => {
  const policies = loadPolicies();

  it.each(policies.runExamples())('$policy: $example', ({ problems }) => {
    expect(problems).toEqual([]);
  });

  it.each([...policies.all.values()])(
    '$file.policy has an owner, a reason, and examples for its every rule',
    ({ file }) => {
      expect(file.examples.length).toBeGreaterThanOrEqual(5);
      const shown = new Set(file.examples.map(({ expect: expected }) => expected['rule']));
      expect([...file.rules, file.otherwise].map(({ rule }) => rule).filter((rule) => !shown.has(rule))).toEqual([]);
    },
  );

  it('have a published JSON Schema that says what the code says; `npm run generate` writes it', () => {
    const schema = z.toJSONSchema(policySchema, { io: 'input' });
    expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(schema);
  });
});
