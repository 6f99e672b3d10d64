import { createRequire } from 'node:module';
import type { MessageWriter } from './message-writer.js';

const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  prepareValue: (value: unknown) => string | Buffer | null;
};

/** How one element of an array is written in PostgreSQL's binary format; false where it is not of the kind that is. */
type WriteElement = (writer: MessageWriter, element: unknown) => boolean;

interface ElementType {
  /** Of `pg_type`, the same in every database. */
  oid: number;
  write: WriteElement;
}

const JSONB_VERSION = 1;
const INT_MAX = 2 ** 31 - 1;
const DIGITS = /^-?\d{1,18}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const writeText: WriteElement = (writer, element) => {
  const text = typeof element === 'string' ? element : prepareElement(element);
  if (typeof text !== 'string') return false;
  writer.lengthAndText(text);
  return true;
};

/** Element types that statements of many rows bring, by the name in their casts. */
const ELEMENT_TYPES: Record<string, ElementType | undefined> = {
  text: { oid: 25, write: writeText },
  json: { oid: 114, write: writeText },
  jsonb: {
    oid: 3802,
    write(writer, element) {
      const text = typeof element === 'string' ? element : prepareElement(element);
      if (typeof text !== 'string') return false;
      writer.lengthAndText(text, JSONB_VERSION);
      return true;
    },
  },
  uuid: {
    oid: 2950,
    write(writer, element) {
      if (typeof element !== 'string' || !UUID.test(element)) return false;
      writer.int32(16);
      writer.hex(element.replaceAll('-', ''), 16);
      return true;
    },
  },
  int: {
    oid: 23,
    write(writer, element) {
      const value = typeof element === 'string' && DIGITS.test(element) ? Number(element) : element;
      if (!Number.isInteger(value) || Math.abs(value as number) > INT_MAX) return false;
      writer.int32(4);
      writer.int32(value as number);
      return true;
    },
  },
  bigint: {
    oid: 20,
    write(writer, element) {
      const isWhole = Number.isSafeInteger(element) || (typeof element === 'string' && DIGITS.test(element));
      if (!isWhole && typeof element !== 'bigint') return false;
      const value = BigInt(element as number | string | bigint);
      if (BigInt.asIntN(64, value) !== value) return false;
      writer.int32(8);
      writer.int64(value);
      return true;
    },
  },
  boolean: {
    oid: 16,
    write(writer, element) {
      if (typeof element !== 'boolean') return false;
      writer.int32(1);
      writer.int8(element ? 1 : 0);
      return true;
    },
  },
  bytea: {
    oid: 17,
    write(writer, element) {
      if (!(element instanceof Uint8Array)) return false;
      writer.int32(element.length);
      writer.bytes(element);
      return true;
    },
  },
};

/** What pg makes of it: text, but of bytes and lists, which stand in arrays in a way of their own. */
function prepareElement(element: unknown): unknown {
  return Array.isArray(element) || ArrayBuffer.isView(element) ? undefined : prepareValue(element);
}

/** By the number of a parameter: the type of the elements, where its cast says it and we can write it. */
export type ArrayParameters = ReadonlyMap<number, ElementType>;

/** The arrays among the parameters of a statement, by the casts in its text: `$4::text[]`. One that is cast in two ways is left out. */
export function arrayParameters(text: string): ArrayParameters {
  const names = new Map<number, Set<string>>();
  for (const [, number, name] of text.matchAll(/\$(\d+)::(\w+\[\])/g)) {
    const known = names.get(Number(number)) ?? new Set();
    names.set(Number(number), known.add(name!));
  }
  const types = new Map<number, ElementType>();
  for (const [number, casts] of names) {
    const [only, ...others] = [...casts].map((cast) => ELEMENT_TYPES[cast.slice(0, -'[]'.length)]);
    if (only && others.length === 0) types.set(number, only);
  }
  return types;
}

/** The value of parameter `number`, counted from 1: its length and its bytes. Returns its format: 1 where it is binary, 0 as text. */
export function writeParameter(writer: MessageWriter, value: unknown, number: number, arrays: ArrayParameters): 0 | 1 {
  if (Array.isArray(value)) {
    const type = arrays.get(number);
    if (type && writeArray(writer, value, type)) return 1;
  }
  const prepared = prepareValue(value);
  if (prepared === null) {
    writer.int32(-1);
    return 0;
  }
  if (typeof prepared === 'string') {
    writer.lengthAndText(prepared);
    return 0;
  }
  writer.int32(prepared.length);
  writer.bytes(prepared);
  return 1;
}

/** PostgreSQL's `array_recv`: dimensions, whether there are nulls, type, then length and first index of the one dimension. */
function writeArray(writer: MessageWriter, elements: unknown[], { oid, write }: ElementType): boolean {
  const start = writer.position;
  writer.int32(0);
  writer.int32(elements.length === 0 ? 0 : 1);
  writer.int32(elements.some((element) => element == null) ? 1 : 0);
  writer.int32(oid);
  if (elements.length > 0) {
    writer.int32(elements.length);
    writer.int32(1);
  }
  for (const element of elements) {
    if (element == null) writer.int32(-1);
    else if (!write(writer, element)) {
      writer.position = start;
      return false;
    }
  }
  writer.int32At(start, writer.position - start - 4);
  return true;
}
