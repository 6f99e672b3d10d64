import type { Queryable } from '@throughline/postgres';
import { suggest } from '@throughline/rule-form';
import { ProcessError } from '../../errors.js';
import { START } from '../../waits.js';

/** What a search names, by what it is; what is not given is not looked at. */
export interface SearchedNames {
  process?: string | undefined;
  steps?: string[] | undefined;
  /** Of the start event, shown to people. */
  fields?: string[] | undefined;
  checkpoint?: string | undefined;
}

const selectNames = {
  name: 'process-select-names',
  text: `
    SELECT 'process' AS kind, process AS name FROM process_definition
    UNION SELECT 'step', jsonb_path_query(definition, '$.steps.keyvalue().key') #>> '{}' FROM process_definition
    UNION SELECT 'field', jsonb_path_query(definition, '$.attributes[*]') #>> '{}' FROM process_definition
    UNION SELECT 'checkpoint', jsonb_path_query(definition, '$.steps.*.checkpoint') #>> '{}' FROM process_definition
    ORDER BY name`,
};

/**
 * For a search that found nothing: throws `PROCESS_SEARCH_INVALID` where it names what no version of a definition that was ever stored has.
 * Where none was stored yet, nothing is known.
 */
export async function refuseUnknownNames(database: Queryable, names: SearchedNames): Promise<void> {
  const { process, steps = [], fields = [], checkpoint } = names;
  const searched = [
    ...(process === undefined ? [] : [{ kind: 'process', name: process }]),
    ...steps.filter((step) => step !== START).map((name) => ({ kind: 'step', name })),
    ...fields.map((name) => ({ kind: 'field', name })),
    ...(checkpoint === undefined ? [] : [{ kind: 'checkpoint', name: checkpoint }]),
  ];
  if (searched.length === 0) return;
  const known = await database.query<{ kind: string; name: string }>(selectNames, []);
  const unknown = searched.find(({ kind, name }) => !known.some((one) => one.kind === kind && one.name === name));
  if (!unknown || known.length === 0) return;
  const all = known.filter(({ kind }) => kind === unknown.kind).map(({ name }) => name);
  throw new ProcessError(
    'PROCESS_SEARCH_INVALID',
    `There is no ${unknown.kind} "${unknown.name}" to search by${suggest(unknown.name, all)}; known: ${all.join(', ') || 'none'}.`,
  );
}
