import { createHmac } from 'node:crypto';

/** HubSpot's v3 signature: base64 HMAC-SHA256 over method, full URL, raw body and timestamp (ms). */
export function signHubSpot(secret: string, url: string, body: string, timestampMs: number): Record<string, string> {
  const signature = createHmac('sha256', secret).update(`POST${url}${body}${timestampMs}`).digest('base64');
  return { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(timestampMs) };
}

/** Stripe's signature: hex HMAC-SHA256 over `<seconds>.<raw body>`. */
export function signStripe(secret: string, body: string, timestampMs: number): Record<string, string> {
  const seconds = Math.floor(timestampMs / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { 'stripe-signature': `t=${seconds},v1=${signature}` };
}
