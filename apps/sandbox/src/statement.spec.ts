import { expect, it } from '@jest/globals';
import { statement } from './statement.js';

it('is named by what it does to which table, and each combination of filters by itself', () => {
  const all = statement('SELECT id FROM medusa_entity ORDER BY id');
  const one = statement('SELECT id FROM medusa_entity WHERE id = $1 ORDER BY id');
  expect(all.name).toMatch(/^select-medusa_entity-[0-9a-f]{12}$/);
  expect(one.name).not.toBe(all.name);
  expect(statement(all.text)).toEqual(all);
  expect(statement('UPDATE crm_object SET archived = true').name).toMatch(/^update-crm_object-/);
});
