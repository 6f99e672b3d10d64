import { VendorRefusal } from '../errors.js';

interface StripeErrorFields {
  type?: 'invalid_request_error' | 'idempotency_error' | 'api_error' | 'card_error';
  code?: string;
  param?: string;
  status?: number;
  headers?: Record<string, string>;
  decline_code?: string;
  /** Refused before execution began: Stripe stores no result under the idempotency key. */
  beforeExecution?: boolean;
}

/** Stripe's error body, https://docs.stripe.com/api/errors. */
export function stripeError(message: string, fields: StripeErrorFields = {}): VendorRefusal {
  const { status = 400, headers, beforeExecution = false, type = 'invalid_request_error', ...rest } = fields;
  const docUrl =
    rest.code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${rest.code.replaceAll('_', '-')}` };
  return new VendorRefusal(
    { status, headers, body: { error: { ...rest, ...docUrl, message, type } } },
    !beforeExecution,
  );
}

export function noSuch(object: string, id: string, param = 'id'): VendorRefusal {
  const status = param === 'id' ? 404 : 400;
  return stripeError(`No such ${object}: '${id}'`, { code: 'resource_missing', param, status });
}

export function missingParam(param: string): VendorRefusal {
  return stripeError(`Missing required param: ${param}.`, { code: 'parameter_missing', param, beforeExecution: true });
}
