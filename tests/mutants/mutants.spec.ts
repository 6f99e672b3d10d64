import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { applyEdit } from './apply.js';
import { mutants } from './mutants.js';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

describe('the mutants of npm run test:mutants', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s still fits the code', (_, mutant) => {
    for (const edit of mutant.edits) {
      const text = readFileSync(pathOf(edit.file), 'utf8');
      expect(applyEdit(mutant, edit, text)).not.toBe(text);
    }
    const { file, title } = mutant.caughtBy;
    expect(readFileSync(pathOf(file), 'utf8')).toContain(`it('${title}`);
  });

  it('have names of their own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });

  it('are refused where the code has changed', () => {
    const edit = { file: 'a.ts', find: 'one', replace: 'two' };
    expect(() => applyEdit({ name: 'x' }, edit, 'nothing')).toThrow(/adapt mutant x/);
    expect(() => applyEdit({ name: 'x' }, edit, 'one one')).toThrow(/2 times/);
    expect(applyEdit({ name: 'x' }, edit, 'one')).toBe('two');
  });
});
