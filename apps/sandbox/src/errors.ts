import type { VendorResponse } from './http/vendor.js';

/** A vendor's own refusal: rolls the request's transaction back and is answered exactly as the vendor words it. */
export class VendorRefusal extends Error {
  readonly code = 'SANDBOX_VENDOR_REFUSAL';

  constructor(
    readonly response: VendorResponse,
    /** false: refused before execution began, so Stripe keeps no result under the idempotency key. */
    readonly executed = true,
  ) {
    super(`the vendor answers ${response.status}`);
  }
}

export function isVendorRefusal(error: unknown): error is VendorRefusal {
  return error instanceof Error && (error as { code?: string }).code === 'SANDBOX_VENDOR_REFUSAL';
}
