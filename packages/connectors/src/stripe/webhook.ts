import { Stripe } from 'stripe';
import { stripeError } from './errors.js';

/** How far a signature's timestamp may be from our clock, either way. */
const TOLERANCE_SECONDS = 300;

/**
 * Checks Stripe's signature over the raw body and returns the event. The SDK accepts timestamps from the future, which would let a
 * signed body be replayed much later, so those are refused here; and it does not tell a body that is not signed from one that is
 * signed and no event, so the body is read here too.
 *
 * @param body the bytes as they came; a parsed and re-written body has another signature
 * @throws `STRIPE_SIGNATURE_INVALID`: answer 401 and store nothing; `STRIPE_WEBHOOK_MALFORMED`: signed but no event, answer 400.
 */
export function verifyWebhook(body: Buffer, header: string | undefined, secret: string, now: Date): Stripe.Event {
  const nowSeconds = Math.floor(now.getTime() / 1000);
  const timestamp = Number(/(?:^|,)t=(\d+)/.exec(header ?? '')?.[1]);
  if (!header || !Number.isSafeInteger(timestamp))
    throw invalidSignature('no Stripe-Signature header with a timestamp');
  if (timestamp > nowSeconds + TOLERANCE_SECONDS) throw invalidSignature('the timestamp lies in the future');
  try {
    Stripe.webhooks.signature!.verifyHeader(body, header, secret, TOLERANCE_SECONDS, undefined, now.getTime());
  } catch (error) {
    throw invalidSignature((error as Error).message, error);
  }
  return parseEvent(body);
}

function parseEvent(body: Buffer): Stripe.Event {
  let event: Partial<Stripe.Event> | null;
  try {
    event = JSON.parse(body.toString('utf8')) as Partial<Stripe.Event> | null;
  } catch (error) {
    throw malformed('the body is no JSON', error);
  }
  if (
    event?.object !== 'event' ||
    typeof event.id !== 'string' ||
    typeof event.type !== 'string' ||
    typeof event.created !== 'number'
  ) {
    throw malformed('the body is no event');
  }
  if (typeof event.data?.object !== 'object') throw malformed('the event carries no object');
  return event as Stripe.Event;
}

function invalidSignature(why: string, cause?: unknown): Error {
  return stripeError('STRIPE_SIGNATURE_INVALID', 'never', `The webhook is not signed by Stripe: ${why}.`, cause);
}

function malformed(why: string, cause?: unknown): Error {
  return stripeError('STRIPE_WEBHOOK_MALFORMED', 'never', `The webhook cannot be read: ${why}.`, cause);
}
