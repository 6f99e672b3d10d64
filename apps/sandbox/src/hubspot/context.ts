import type { Tx } from '@throughline/postgres';
import type { z } from 'zod';
import type { Call } from '../http/vendor.js';
import { byApi, Crm, type CrmOptions } from './crm.js';
import { invalid } from './errors.js';
import { type ObjectType, toObjectType } from './object-types.js';

export interface HubspotOptions extends CrmOptions {
  accessToken: string;
}

/** What one HubSpot request works with. */
export class HubspotContext {
  readonly tx: Tx;
  readonly now: Date;
  readonly path: Record<string, string>;
  readonly crm: Crm;

  constructor(
    private readonly call: Call,
    readonly options: HubspotOptions,
  ) {
    this.tx = call.tx;
    this.now = call.now;
    this.path = call.path;
    this.crm = new Crm(call.tx, call.now, options, byApi);
  }

  /** The object type named in the path. */
  get type(): ObjectType {
    return toObjectType(this.path.type!);
  }

  body<T extends z.ZodType>(shape: T): z.infer<T> {
    let json: unknown;
    try {
      json = JSON.parse(this.call.request.body);
    } catch {
      throw invalid('Invalid input JSON on line 1, column 1: the body is not JSON');
    }
    const parsed = shape.safeParse(json);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw invalid(`Invalid input JSON: ${issue.path.join('.')}: ${issue.message}`);
  }

  queryValue(name: string): string | undefined {
    const value = this.call.request.query[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** `name=a&name=b` and `name=a,b` alike. */
  queryList(name: string): string[] {
    const value = this.call.request.query[name];
    const parts = typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : [];
    return parts.flatMap((part) => part.split(',')).filter((part) => part !== '');
  }

  limit(initial: number, max: number): number {
    const value = this.queryValue('limit');
    if (value === undefined) return initial;
    const limit = Number(value);
    if (!Number.isInteger(limit) || limit < 1 || limit > max)
      throw invalid(`Invalid limit ${value}: must be between 1 and ${max}`);
    return limit;
  }
}
