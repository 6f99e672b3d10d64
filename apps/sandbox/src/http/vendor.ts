import type { Tx } from '@throughline/postgres';
import type { Nested } from './decode-nested.js';

/** Injects the list of {@link Vendor}s. */
export const VENDORS = Symbol('VENDORS');

export type VendorName = 'hubspot' | 'stripe' | 'medusa';

/** A request as a vendor sees it; plain data, so that it can be stored and applied later. */
export interface VendorRequest {
  id: string;
  method: string;
  path: string;
  query: Record<string, Nested>;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string;
}

export interface VendorResponse {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What one handler works with: the request, its path parameters, the transaction that holds every effect, and the time. */
export interface Call {
  request: VendorRequest;
  path: Record<string, string>;
  tx: Tx;
  now: Date;
}

/** One vendor: everything it answers goes through `answer`, inside one transaction that commits before the response is sent. */
export interface Vendor {
  name: VendorName;
  owns(path: string): boolean;
  answer(request: VendorRequest, tx: Tx, now: Date): Promise<VendorResponse>;
  /** Headers that every answer bears, refusals included. */
  headers(request: VendorRequest): Record<string, string>;
  /** The body and headers of a 429, 500 or 503 in this vendor's words. */
  outage(status: number, request: VendorRequest, retryAfterSeconds: number): VendorResponse;
  /** Records an outage as the vendor's stored result for this request, where it keeps one (Stripe's idempotency keys). */
  remember?(request: VendorRequest, response: VendorResponse, tx: Tx, now: Date): Promise<void>;
}
