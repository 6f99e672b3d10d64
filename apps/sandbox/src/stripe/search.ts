import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import { statement } from '../statement.js';
import type { StripeContext } from './context.js';
import { stripeError } from './errors.js';
import { expand, paging } from './params.js';
import type { StripeObject } from './store.js';

export const searchShape = z.strictObject({
  query: z.string().min(1),
  limit: paging.limit,
  page: z.string().optional(),
  expand,
});

const searchable: Record<string, string[]> = {
  customer: ['email', 'name', 'phone'],
  invoice: ['customer', 'number', 'status', 'currency'],
  product: ['name', 'active'],
  price: ['product', 'active', 'currency', 'lookup_key'],
};

/** Stripe's search (https://docs.stripe.com/search): `field:'x'` or `metadata['key']:'x'` joined by AND, behind the writes by the search lag. */
export async function searchObjects(
  stripe: StripeContext,
  object: string,
  params: z.infer<typeof searchShape>,
): Promise<VendorResponse> {
  const offset = params.page === undefined ? 0 : Number(Buffer.from(params.page, 'base64url').toString());
  const limit = params.limit ?? 10;
  const values: unknown[] = [object, new Date(stripe.now.getTime() - stripe.searchLagMs), limit + 1, offset];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = parseTerms(object, params.query).map((term) =>
    term.key === undefined
      ? `lower(indexed->>'${term.field}') = lower(${bind(term.value)})`
      : `indexed->'metadata'->>${bind(term.key)} = ${bind(term.value)}`,
  );
  const rows = await stripe.tx.query<{ indexed: StripeObject }>(
    statement(`SELECT indexed FROM (
        SELECT seq, CASE WHEN changed_at <= $2 THEN body ELSE previous_body END AS indexed FROM stripe_object WHERE object = $1
      ) AS search_index WHERE ${conditions.join(' AND ')} ORDER BY seq DESC LIMIT $3 OFFSET $4`),
    values,
  );
  const hasMore = rows.length > limit;
  return stripe.answerPage(
    {
      object: 'search_result',
      has_more: hasMore,
      next_page: hasMore ? Buffer.from(String(offset + limit)).toString('base64url') : null,
    },
    rows.slice(0, limit).map((row) => row.indexed),
    params.expand,
  );
}

interface Term {
  field: string;
  key?: string;
  value: string;
}

function parseTerms(object: string, query: string): Term[] {
  return query.split(/\s+AND\s+/i).map((clause) => {
    const match = /^\s*(\w+)(?:\[["']([^"']+)["']\])?\s*:\s*["'](.*)["']\s*$/.exec(clause);
    const [, field = '', key, value = ''] = match ?? [];
    const known = key === undefined ? searchable[object]?.includes(field) : field === 'metadata';
    if (!match || !known) {
      throw stripeError(
        `We were unable to parse your search query. The sandbox knows field:'value' and metadata['key']:'value' joined by AND, got: ${clause}`,
        { param: 'query' },
      );
    }
    return { field, key, value: value.replace(/\\(["'])/g, '$1') };
  });
}
