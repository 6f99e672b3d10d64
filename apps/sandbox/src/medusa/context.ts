import type { Tx } from '@throughline/postgres';
import { z } from 'zod';
import type { Nested } from '../http/decode-nested.js';
import type { Call, VendorResponse } from '../http/vendor.js';
import { ulid } from '../random-id.js';
import { medusaError } from './errors.js';
import { selectFields } from './fields.js';
import { type Condition, type Entity, findEntity, type Kind, listEntities, lockEntity } from './store.js';

/** What one Medusa request works with. */
export class MedusaContext {
  readonly tx: Tx;
  readonly path: Record<string, string>;
  /** ISO 8601 with milliseconds, as all of Medusa's instants. */
  readonly at: string;

  constructor(private readonly call: Call) {
    this.tx = call.tx;
    this.path = call.path;
    this.at = call.now.toISOString();
  }

  id(prefix: string): string {
    return ulid(prefix, this.call.now);
  }

  body<T extends z.ZodType>(shape: T): z.infer<T> {
    let json: unknown;
    try {
      json = JSON.parse(this.call.request.body || '{}');
    } catch (error) {
      throw medusaError('invalid_data', (error as Error).message);
    }
    return parse(shape, json);
  }

  query<T extends z.ZodType>(shape: T): z.infer<T> {
    return parse(shape, this.call.request.query);
  }

  get fields(): string | undefined {
    const { fields } = this.call.request.query;
    return typeof fields === 'string' ? fields : undefined;
  }

  async find<T extends Entity>(kind: Kind, id: string): Promise<T> {
    const found = await findEntity<T>(this.tx, kind, id);
    if (!found) throw notFound(kind, id);
    return found;
  }

  async lock<T extends Entity>(kind: Kind, id: string): Promise<T> {
    const found = await lockEntity<T>(this.tx, kind, id);
    if (!found) throw notFound(kind, id);
    return found;
  }

  answer(name: string, entity: object): VendorResponse {
    return { status: 200, body: { [name]: selectFields(entity, this.fields) } };
  }

  /** Answers a page; `show` adds what is computed. */
  async answerList<T extends Entity>(
    name: string,
    kind: Kind,
    filters: z.ZodRawShape,
    options: { fixed?: Condition[]; show?: (entity: T) => object; lenient?: boolean } = {},
  ): Promise<VendorResponse> {
    const shape = { ...pageShape, ...filters };
    const params = this.query(options.lenient ? z.object(shape) : z.strictObject(shape)) as Page &
      Record<string, unknown>;
    const { limit, offset, order, fields: _, ...given } = params;
    const conditions = [
      ...(options.fixed ?? []),
      ...Object.entries(given).flatMap(([field, value]) => toConditions(field, value as Nested | undefined)),
    ];
    const { rows, count } = await listEntities<T>(this.tx, { kind, conditions, order: order ?? 'id', limit, offset });
    const show = options.show ?? ((entity: T) => entity);
    return {
      status: 200,
      body: { [name]: rows.map((row) => selectFields(show(row), this.fields)), count, offset, limit },
    };
  }
}

const number = (initial: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? parseInt(value) : value),
    z.number().optional().default(initial),
  );
const pageShape = {
  limit: number(50),
  offset: number(0),
  order: z
    .string()
    .regex(/^-?\w+$/)
    .optional(),
  fields: z.string().optional(),
};
type Page = { limit: number; offset: number; order?: string; fields?: string };

export const oneOrMany = z.union([z.string(), z.array(z.string())]).optional();
const operators = { $eq: '=', $ne: '<>', $gt: '>', $gte: '>=', $lt: '<', $lte: '<=', $in: '=' } as const;
export const compared = z
  .union([z.string(), z.strictObject(Object.fromEntries(Object.keys(operators).map((name) => [name, oneOrMany])))])
  .optional();

function toConditions(field: string, value: Nested | undefined): Condition[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ field, operator: '=', values: [value] }];
  if (Array.isArray(value)) return [{ field, operator: '=', values: value.map(String) }];
  return Object.entries(value).map(([name, operand]) => ({
    field,
    operator: operators[name as keyof typeof operators],
    values: Array.isArray(operand) ? operand.map(String) : [operand as string],
  }));
}

function parse<T extends z.ZodType>(shape: T, value: unknown): z.infer<T> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw medusaError('invalid_data', `Invalid request: ${parsed.error.issues.map(describe).join('; ')}`);
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(', ');
  if (issue.code === 'unrecognized_keys')
    return `Unrecognized fields: '${[...issue.path, issue.keys.join("', '")].join(', ')}'`;
  if (issue.code === 'invalid_type')
    return issue.input === undefined
      ? `Field '${path}' is required`
      : `Expected type: '${issue.expected}' for field '${path}', got: '${JSON.stringify(issue.input)}'`;
  return issue.message;
}

const names: Record<Kind, string> = {
  customer: 'Customer',
  product: 'Product',
  variant: 'Product variant',
  order: 'Order',
  region: 'Region',
  sales_channel: 'Sales channel',
  shipping_option: 'Shipping option',
  stock_location: 'Stock location',
  inventory_item: 'Inventory item',
  return: 'Return',
  store: 'Store',
};

function notFound(kind: Kind, id: string) {
  return medusaError(
    'not_found',
    kind === 'order' ? `Order id not found: ${id}` : `${names[kind]} with id: ${id} was not found`,
  );
}
