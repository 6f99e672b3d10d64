import { describe, expect, it } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { definitionJsonSchema, explore } from '@throughline/process';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { loadRules } from './load-rules.js';

const { processes } = loadRules();
const read = (file: string): string => readFileSync(new URL(`../processes/${file}`, import.meta.url), 'utf8');

describe.each(processes.map((process) => [process.name, process] as const))('%s', (_, process) => {
  it('ends completed, undone, or visibly waiting for a person, with any three failures combined', () => {
    const { problems, ends, neverBegun, isCutShort } = explore(process);
    expect(problems.slice(0, 3)).toEqual([]);
    expect([neverBegun, isCutShort]).toEqual([[], false]);
    const visible = ['completed', 'compensated', 'paused', 'refused', 'rejected', 'stopped'];
    expect(Object.keys(ends).filter((end) => !visible.includes(end))).toEqual([]);
  });
});

describe('the processes together', () => {
  it('listen to every event of the contracts, so that none is published for nobody', () => {
    const published = Object.values(catalog).filter(({ kind }) => kind === 'event');
    const taken = new Set(processes.flatMap(({ events }) => [...events]));
    expect([...taken].toSorted()).toEqual(published.map(({ type }) => type).toSorted());
  });

  it('send every command of the contracts, each from one place: no effect has two owners', () => {
    const sent = processes.flatMap(({ steps }) =>
      steps.flatMap(({ command, compensation }) => [command?.type ?? [], compensation?.type ?? []].flat()),
    );
    const known = Object.values(catalog).filter(({ kind }) => kind === 'command');
    expect(sent.toSorted()).toEqual(known.map(({ type }) => type).toSorted());
  });
});

describe('process.schema.json', () => {
  it('is what the definitions are checked by', () => {
    // To renew it: npm run generate
    expect(JSON.parse(read('process.schema.json'))).toEqual(definitionJsonSchema());
  });

  it('lets editors accept what is shipped and mark what cannot be', () => {
    const validate = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(read('process.schema.json')));
    const files = readdirSync(new URL('../processes/', import.meta.url)).filter((file) => file.endsWith('.yaml'));
    for (const file of files) expect([file, validate(parse(read(file))), validate.errors]).toEqual([file, true, null]);
    const definition = parse(read('lead-to-cash.yaml'));
    expect(validate({ ...definition, steps: {} })).toBe(true);
    expect(validate({ ...definition, stepps: {} })).toBe(false);
    expect(validate({ ...definition, starts: 'opportunity closed' })).toBe(false);
  });
});
