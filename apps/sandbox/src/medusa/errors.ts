import { VendorRefusal } from '../errors.js';

const statuses = { invalid_data: 400, not_allowed: 400, not_found: 404 } as const;

/** Medusa's error body, framework/http/middlewares/error-handler of 2.21. */
export function medusaError(type: keyof typeof statuses, message: string): VendorRefusal {
  return new VendorRefusal({ status: statuses[type], body: { type, message } });
}

/** What Medusa answers where its own code threw something it had not foreseen. */
export function unknownError(): VendorRefusal {
  return new VendorRefusal({
    status: 500,
    body: { code: 'unknown_error', type: 'unknown_error', message: 'An unknown error occurred.' },
  });
}
