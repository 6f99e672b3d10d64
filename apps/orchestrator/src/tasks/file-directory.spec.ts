import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileDirectory } from './file-directory.js';
import { People } from './people.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'people-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(text: string): Promise<People> {
  const path = join(directory, 'people.yaml');
  writeFileSync(path, text);
  return new FileDirectory(path).read().then((persons) => new People(persons));
}

it('knows people by id, address, and what other systems call them', async () => {
  const people = await read(
    `people: [{ id: ada, name: Ada, email: ada@example.com, roles: [controller], aliases: ['hubspot:owner:7'] }, { id: bob, name: Bob }]`,
  );
  for (const name of ['ada', 'ada@example.com', 'hubspot:owner:7', ' Ada@Example.COM', 'Hubspot:Owner:7'])
    expect(people.recognise(name)?.id).toBe('ada');
  expect(people.recognise('nobody')).toBeUndefined();
  expect(people.withRole(['controller']).map(({ id }) => id)).toEqual(['ada']);
});

it.each([
  ['nobody at all', 'people: []', 'people'],
  ['a misspelt setting', 'people: [{ id: ada, name: Ada, role: [x] }]', 'people.0'],
  [
    'a name that acts where nobody does',
    'people: [{ id: system, name: S }]',
    'people.0.id: is who acts where nobody does',
  ],
  [
    'one name for two',
    'people: [{ id: ada, name: A }, { id: bob, name: B, aliases: [ada] }]',
    '"ada" names two people',
  ],
  [
    'one name for two, in capitals',
    'people: [{ id: ada, name: A, email: a@x.example }, { id: bob, name: B, email: A@X.example }]',
    '"a@x.example" names two people',
  ],
])('refuses %s, and says where', (_, text, problem) => {
  expect(() => read(text)).toThrow(problem);
});
