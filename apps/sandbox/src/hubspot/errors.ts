import { randomUUID } from 'node:crypto';
import { VendorRefusal } from '../errors.js';

/** HubSpot's error body, https://developers.hubspot.com/docs/api/error-handling. */
export function hubspotError(status: number, category: string, message: string, more: object = {}): VendorRefusal {
  return new VendorRefusal({
    status,
    body: { status: 'error', message, correlationId: randomUUID(), category, ...more },
  });
}

export function notFound(): VendorRefusal {
  return hubspotError(404, 'OBJECT_NOT_FOUND', 'resource not found');
}

export function invalid(message: string): VendorRefusal {
  return hubspotError(400, 'VALIDATION_ERROR', message);
}
