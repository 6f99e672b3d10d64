import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { canonicalId, catalog } from '@throughline/contracts';
import { compileDefinition, parseDefinition, type Process } from '@throughline/process';
import { loadCalendars } from './load-calendars.js';

/** Where this app keeps the definitions it ships. */
const processesDirectory = new URL('../processes/', import.meta.url);

/**
 * Reads and compiles every definition of a directory against the contracts.
 * Throws `PROCESS_DEFINITION_INVALID`, which names each path at fault and what to write instead.
 */
export function loadProcesses(directory: URL = processesDirectory): Process[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => compileStored(parse(readFileSync(new URL(file, directory), 'utf8'))));
}

/** Compiles a definition as it was written, from a file or from the database. */
export const compileStored = (data: unknown): Process =>
  compileDefinition(parseDefinition(data), {
    messages: catalog,
    calendars: loadCalendars(),
    assignId: (correlationId, field) => canonicalId(correlationId, field),
  });
