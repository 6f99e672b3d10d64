export { fromStripeAmount, toStripeAmount } from './amounts.js';
export { STRIPE_API_VERSION, StripeClient, toIssuedInvoice, type OnceKey, type StripeClientOptions } from './client.js';
export * from './map.js';
export { verifyWebhook } from './webhook.js';
export type { Stripe } from 'stripe';
