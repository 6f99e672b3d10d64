/** What of an Avro type says how a value is written. */
interface Avro {
  type: unknown;
  logicalType?: string;
  precision?: number;
  scale?: number;
  symbols?: string[];
  items?: unknown;
  fields?: { name: string; type: unknown }[];
}

/**
 * Why a value that a person gives cannot be a fact of this Avro type, with its place and what is expected; undefined where it can. Facts are
 * JSON-safe, as events carry them: amounts as "1250.0000", dates as "2026-01-31", moments as ISO 8601. What the contract does not tell is
 * not judged.
 *
 * @param path where the value stands, such as `start.totalAmount`
 */
export function whyNotOfType(type: unknown, value: unknown, path: string): string | undefined {
  if (Array.isArray(type)) {
    if (value === null && type.includes('null')) return undefined;
    const told = type.filter((branch) => branch !== 'null').map((branch) => whyNotOfType(branch, value, path));
    return told.includes(undefined) ? undefined : told[0];
  }
  const avro: Avro = typeof type === 'object' && type !== null ? (type as Avro) : { type };
  if (typeof avro.type === 'object' && avro.type !== null) return whyNotOfType(avro.type, value, path);
  if (avro.fields) return whyNotOfRecord(avro.fields, value, path);
  if (avro.type === 'array') {
    if (!Array.isArray(value)) return wrong(path, 'a list', value);
    return firstOf(value.map((item, index) => () => whyNotOfType(avro.items, item, `${path}.${index}`)));
  }
  const { expected, holds } = scalar(avro) ?? { holds: () => true };
  return holds(value) ? undefined : wrong(path, expected!, value);
}

function whyNotOfRecord(fields: NonNullable<Avro['fields']>, value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong(path, `a record of ${fields.map(({ name }) => name).join(', ')}`, value);
  const given = value as Record<string, unknown>;
  return firstOf(
    fields.map(
      ({ name, type }) =>
        () =>
          whyNotOfType(type, given[name] ?? null, `${path}.${name}`),
    ),
  );
}

interface Scalar {
  expected: string;
  holds: (value: unknown) => boolean;
}

const text = (expected: string, holds: (value: string) => boolean): Scalar => ({
  expected,
  holds: (value) => typeof value === 'string' && holds(value),
});

function scalar({ type, logicalType, precision = 19, scale = 4, symbols }: Avro): Scalar | undefined {
  if (logicalType === 'decimal') {
    const amount = new RegExp(`^-?\\d{1,${precision - scale}}(\\.\\d{1,${scale}})?$`);
    return text(`an exact amount as text, such as "${(1250).toFixed(scale)}"`, (value) => amount.test(value));
  }
  if (logicalType === 'date') return text('a date, such as "2026-01-31"', isDate);
  if (logicalType === 'timestamp-millis')
    return text('a moment, such as "2026-01-31T09:00:00.000Z"', (value) => isDate(value.slice(0, 10)) && !Number.isNaN(Date.parse(value))); // prettier-ignore
  if (logicalType === 'uuid') return text('an id, such as "0b9b1f0e-6f0c-5d6e-9a53-2f1f1c1b7a10"', (value) => UUID.test(value)); // prettier-ignore
  if (type === 'enum') return text(`one of ${symbols!.join(', ')}`, (value) => symbols!.includes(value));
  if (type === 'string') return text('text', () => true);
  if (type === 'boolean') return { expected: 'true or false', holds: (value) => typeof value === 'boolean' };
  if (type === 'int' || type === 'long') return { expected: 'a whole number', holds: Number.isSafeInteger };
  return undefined;
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

function isDate(value: string): boolean {
  const at = Date.parse(value);
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === value;
}

const wrong = (path: string, expected: string, value: unknown): string =>
  `${path} must be ${expected}, and not ${JSON.stringify(value)}`;

function firstOf(looks: (() => string | undefined)[]): string | undefined {
  for (const look of looks) {
    const found = look();
    if (found !== undefined) return found;
  }
  return undefined;
}
