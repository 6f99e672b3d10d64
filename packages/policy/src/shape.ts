import { PolicyError } from './errors.js';
import { Day } from './day.js';
import { Exact } from './exact.js';
import { Money } from './money.js';

/** What kind of value a field holds, read from the Avro schema of its message. */
export type Shape = (
  | { kind: 'string' | 'int' | 'bool' | 'decimal' | 'date' | 'timestamp' }
  /** No field of a message, but what a policy may say: `{ amount, currency }`. */
  | { kind: 'money' }
  | { kind: 'list'; of: Shape }
  | { kind: 'record'; name: string; fields: ReadonlyMap<string, Shape> }
  /** Nothing that an expression may look into, for example a double. */
  | { kind: 'unknown' }
) & { isNullable?: boolean };

export type RecordShape = Extract<Shape, { kind: 'record' }>;

type Avro =
  | string
  | Avro[]
  | { type: 'array'; items: Avro }
  | { type: 'record'; name: string; fields: { name: string; type: Avro }[] }
  | { type: string; logicalType?: string };

/** The shape of a whole message. */
export function shapeOfMessage(schema: object): RecordShape {
  return shapeOf(schema as Avro, new Map()) as RecordShape;
}

function shapeOf(schema: Avro, named: Map<string, Shape>): Shape {
  if (typeof schema === 'string') return named.get(schema) ?? primitive(schema);
  if (Array.isArray(schema)) {
    const branches = schema.filter((branch) => branch !== 'null');
    const shape: Shape = branches.length === 1 ? shapeOf(branches[0]!, named) : { kind: 'unknown' };
    return { ...shape, isNullable: branches.length < schema.length };
  }
  if ('items' in schema) return { kind: 'list', of: shapeOf(schema.items, named) };
  if ('fields' in schema) {
    const fields = new Map<string, Shape>();
    const record: Shape = { kind: 'record', name: schema.name, fields };
    named.set(schema.name, record);
    for (const field of schema.fields) fields.set(field.name, shapeOf(field.type, named));
    return record;
  }
  if ('logicalType' in schema && schema.logicalType) return logical(schema.logicalType);
  return schema.type === 'enum' ? { kind: 'string' } : shapeOf(schema.type, named);
}

function logical(logicalType: string): Shape {
  if (logicalType === 'decimal') return { kind: 'decimal' };
  if (logicalType === 'date') return { kind: 'date' };
  if (logicalType === 'timestamp-millis') return { kind: 'timestamp' };
  return { kind: 'string' };
}

function primitive(type: string): Shape {
  if (type === 'string') return { kind: 'string' };
  if (type === 'int' || type === 'long') return { kind: 'int' };
  if (type === 'boolean') return { kind: 'bool' };
  return { kind: 'unknown' };
}

/** A record as an expression sees it: its values by field name.  */
export type RecordClass = new (values: Record<string, unknown>) => object;

/** A class of its own for each record, because the expression language tells types apart by constructor. */
export function recordClass(): RecordClass {
  return class {
    constructor(values: Record<string, unknown>) {
      Object.assign(this, values);
    }
  };
}

/**
 * The value of a JSON-safe fact as expressions take it: decimals exact, days and instants as such. `path` names the fact in errors.
 * Throws `POLICY_FACT_MISSING` for a value that is not there at all, and `POLICY_FACT_INVALID` for one of another kind.
 */
export function toValue(
  shape: Shape,
  value: unknown,
  path: string,
  classes: ReadonlyMap<string, RecordClass>,
): unknown {
  if (value === null && shape.isNullable) return null;
  if (value === undefined || value === null) throw missing(path);
  switch (shape.kind) {
    case 'string':
      return expected(typeof value === 'string', value, 'text', path);
    case 'bool':
      return expected(typeof value === 'boolean', value, 'true or false', path);
    case 'int':
      return BigInt(expected(Number.isSafeInteger(value), value, 'a whole number', path) as number);
    case 'decimal':
      return Exact.parse(expected(typeof value === 'string', value, 'a decimal as text', path) as string);
    case 'date':
      return Day.parse(expected(typeof value === 'string', value, 'a day as text', path) as string);
    case 'timestamp': {
      const instant = new Date(expected(typeof value === 'string', value, 'an instant as text', path) as string);
      expected(!Number.isNaN(instant.getTime()), value, 'an instant', path);
      return instant;
    }
    case 'money': {
      const { amount, currency } = value as { amount: string; currency: string };
      return new Money(Exact.parse(amount), currency);
    }
    case 'list': {
      const list = expected(Array.isArray(value), value, 'a list', path) as unknown[];
      return list.map((item, index) => toValue(shape.of, item, `${path}[${index}]`, classes));
    }
    case 'record': {
      const given = expected(typeof value === 'object', value, 'an object', path) as Record<string, unknown>;
      const values: Record<string, unknown> = {};
      for (const [name, field] of shape.fields) {
        // A field that is not there at all stays away: whoever reads it is told, whoever does not need it is not bothered.
        const inner = given[name];
        if (inner !== undefined) values[name] = toValue(field, inner, `${path}.${name}`, classes);
        else if (field.isNullable) values[name] = null;
      }
      return new (classes.get(shape.name)!)(values);
    }
    case 'unknown':
      return undefined;
  }
}

function missing(path: string): PolicyError {
  return new PolicyError('POLICY_FACT_MISSING', `${path} is not known here; the message that carries it lacks it.`);
}

function expected(isRight: boolean, value: unknown, what: string, path: string): unknown {
  if (isRight) return value;
  throw new PolicyError('POLICY_FACT_INVALID', `${path} is ${JSON.stringify(value)}, where ${what} was expected.`);
}
