import type { Edit, Mutant } from './mutants.js';

/**
 * The file with the edit made.
 * @throws where its place is not there exactly once: then the code has moved on, and the mutant has to follow.
 */
export function applyEdit(mutant: Pick<Mutant, 'name'>, edit: Edit, text: string): string {
  const places = text.split(edit.find).length - 1;
  if (places === 1) return text.replace(edit.find, () => edit.replace);
  throw new Error(
    `The code has changed: adapt mutant ${mutant.name} in tests/mutants/mutants.ts. ${edit.file} holds ${places} times, not once:\n${edit.find}`,
  );
}
