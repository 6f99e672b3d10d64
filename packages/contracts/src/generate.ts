import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** One field or record of an Avro schema, as far as the generator reads it. */
interface AvroRecord {
  type: 'record';
  name: string;
  namespace?: string;
  doc?: string;
  fields: { name: string; doc?: string; type: AvroSchema; default?: unknown }[];
}
type AvroSchema =
  string | AvroSchema[] | { type: 'array'; items: AvroSchema } | { type: string; logicalType?: string } | AvroRecord;

interface TopicFile {
  defaults: { partitions: number; minInSyncReplicas: number };
  topics: {
    name: string;
    owner: string;
    key: string;
    kind: 'event' | 'command';
    retentionMs: number;
    description: string;
    types: string[];
    partitions?: number;
  }[];
}

/** Generates `src/generated/messages.ts` from `schemas/` and `infra/topics.yaml`; throws with the file and what to change. */
export function generateMessages(root: string): string {
  const schemas = readSchemas(join(root, 'schemas'));
  const { defaults, topics } = parse(readFileSync(join(root, 'infra/topics.yaml'), 'utf8')) as TopicFile;
  const names = [...schemas.keys()].sort();
  for (const name of names) {
    const homes = topics.filter((topic) => topic.types.includes(name));
    if (homes.length !== 1)
      throw new Error(`${name} is in ${homes.length} topics of infra/topics.yaml: list it in exactly one.`);
    const { key, name: topic } = homes[0]!;
    if (!schemas.get(name)!.schema.fields.some((field) => field.name === key)) {
      throw new Error(`schemas/: ${name} has no field "${key}", which is the key of its topic ${topic}.`);
    }
  }
  for (const topic of topics) {
    const strange = topic.types.find((type) => !schemas.has(type));
    if (strange) throw new Error(`infra/topics.yaml: ${topic.name} lists ${strange}, which has no file in schemas/.`);
  }

  const shared = new Map<string, string>();
  const interfaces = names.map((name) => toInterface(schemas.get(name)!.schema, shared));
  const entries = names.map((name) => {
    const { domain, schema } = schemas.get(name)!;
    const topic = topics.find(({ types }) => types.includes(name))!;
    const entry = {
      type: name,
      kind: topic.kind,
      domain,
      subject: `${schema.namespace}.${schema.name}`,
      topic: topic.name,
      keyField: topic.key,
      owner: topic.owner,
      fields: schema.fields.map((field) => field.name),
      schema,
    };
    return `  ${name}: ${JSON.stringify(entry)},`;
  });
  const topicEntries = topics.map(
    (topic) =>
      `  ${JSON.stringify({ partitions: defaults.partitions, minInSyncReplicas: defaults.minInSyncReplicas, ...topic })},`,
  );

  return [
    '// Generated from schemas/ and infra/topics.yaml by `npm run generate`. Do not edit.',
    '',
    [...shared.values(), ...interfaces].join('\n\n'),
    '',
    '/** Every message type with its payload. */',
    'export interface Messages {',
    ...names.map((name) => `  ${name}: ${name};`),
    '}',
    '',
    'export type MessageType = keyof Messages;',
    '',
    '/** What is known of a message type beside its fields. */',
    'export interface CatalogEntry {',
    '  readonly type: MessageType;',
    "  readonly kind: 'event' | 'command';",
    '  readonly domain: string;',
    '  /** Full record name; also the registry subject. */',
    '  readonly subject: string;',
    '  readonly topic: string;',
    '  /** The field whose value is the Kafka key. */',
    '  readonly keyField: string;',
    '  readonly owner: string;',
    '  readonly fields: readonly string[];',
    '  readonly schema: object;',
    '}',
    '',
    '/** A topic as `throughline deploy` creates it. */',
    'export interface Topic {',
    '  readonly name: string;',
    '  readonly owner: string;',
    '  readonly key: string;',
    "  readonly kind: 'event' | 'command';",
    '  readonly partitions: number;',
    '  readonly minInSyncReplicas: number;',
    '  /** -1 keeps records for ever. */',
    '  readonly retentionMs: number;',
    '  readonly description: string;',
    '  readonly types: readonly MessageType[];',
    '}',
    '',
    'export const catalog: Readonly<Record<MessageType, CatalogEntry>> = {',
    ...entries,
    '};',
    '',
    'export const topics: readonly Topic[] = [',
    ...topicEntries,
    '];',
    '',
  ].join('\n');
}

function readSchemas(directory: string): Map<string, { domain: string; schema: AvroRecord }> {
  const found = new Map<string, { domain: string; schema: AvroRecord }>();
  for (const domain of readdirSync(directory).filter((name) => name !== 'released')) {
    for (const file of readdirSync(join(directory, domain))) {
      const path = join(directory, domain, file);
      const schema = JSON.parse(readFileSync(path, 'utf8')) as AvroRecord;
      if (`${schema.name}.avsc` !== file)
        throw new Error(`${path}: the file bears the record's name, so call it ${schema.name}.avsc.`);
      if (found.has(schema.name))
        throw new Error(`${path}: another domain has a record ${schema.name}; names are unique.`);
      const undocumented = schema.fields.find((field) => !field.doc);
      if (undocumented || !schema.doc)
        throw new Error(`${path}: ${undocumented?.name ?? 'the record'} has no doc; say what it means, with its unit.`);
      found.set(schema.name, { domain, schema });
    }
  }
  return found;
}

function toInterface(record: AvroRecord, shared: Map<string, string>): string {
  const lines = [`/** ${record.doc} */`, `export interface ${record.name} {`];
  for (const field of record.fields) {
    if (field.doc) lines.push(`  /** ${field.doc} */`);
    lines.push(`  ${field.name}: ${toTypeScript(field.type, shared)};`);
  }
  return [...lines, '}'].join('\n');
}

const PRIMITIVES: Record<string, string> = {
  string: 'string',
  int: 'number',
  long: 'number',
  double: 'number',
  boolean: 'boolean',
  null: 'null',
  bytes: 'Buffer',
};

function toTypeScript(schema: AvroSchema, shared: Map<string, string>): string {
  if (typeof schema === 'string') return PRIMITIVES[schema] ?? schema;
  if (Array.isArray(schema)) return schema.map((branch) => toTypeScript(branch, shared)).join(' | ');
  if (schema.type === 'array') return `${toTypeScript((schema as { items: AvroSchema }).items, shared)}[]`;
  if (schema.type === 'record') {
    const record = schema as AvroRecord;
    const text = toInterface(record, shared);
    const before = shared.get(record.name);
    if (before !== undefined && before !== text)
      throw new Error(`The inlined record ${record.name} differs between schemas: make its copies equal.`);
    shared.set(record.name, text);
    return record.name;
  }
  const { logicalType, type } = schema as { logicalType?: string; type: string };
  // Decimals, timestamps and dates travel as text: see logical-types.ts.
  return logicalType ? 'string' : toTypeScript(type, shared);
}

const invokedDirectly = process.argv[1] !== undefined && import.meta.url === new URL(`file://${process.argv[1]}`).href;
if (invokedDirectly) {
  const root = new URL('../../../', import.meta.url).pathname;
  writeFileSync(new URL('../src/generated/messages.ts', import.meta.url), generateMessages(root));
}
