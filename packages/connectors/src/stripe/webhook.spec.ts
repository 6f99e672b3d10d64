import { describe, expect, it } from '@jest/globals';
import { Stripe } from 'stripe';
import { verifyWebhook } from './webhook.js';

const secret = 'whsec_spec';
const now = new Date('2026-11-22T10:00:00Z');
const event = JSON.stringify({
  id: 'evt_1',
  object: 'event',
  type: 'invoice.paid',
  created: 1_795_341_600,
  data: { object: { id: 'in_1' } },
});

function sign(payload: string, offsetSeconds = 0, key = secret): string {
  return Stripe.webhooks.generateTestHeaderString({
    payload,
    secret: key,
    timestamp: now.getTime() / 1000 + offsetSeconds,
  });
}
const verify = (body: string, header: string | undefined) => () =>
  verifyWebhook(Buffer.from(body), header, secret, now);
const code = (expected: string) => expect.objectContaining({ code: expected, retry: 'never' }) as unknown as Error;

describe('verifyWebhook', () => {
  it('returns the event of a signed body', () => {
    expect(verify(event, sign(event))()).toMatchObject({ id: 'evt_1', type: 'invoice.paid' });
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no timestamp', 'v1=abc'],
    ['another secret', sign(event, 0, 'whsec_other')],
    ['another body', sign(`${event} `)],
    ['a stale timestamp', sign(event, -301)],
    ['a timestamp from the future', sign(event, 301)],
  ])('refuses %s', (_, header) => {
    expect(verify(event, header)).toThrow(code('STRIPE_SIGNATURE_INVALID'));
  });

  it.each([-299, 299])('accepts a clock that is %d seconds off', (offset) => {
    expect(verify(event, sign(event, offset))()).toMatchObject({ id: 'evt_1' });
  });

  it('accepts either secret while one is being rolled: Stripe sends a signature for each', () => {
    expect(verify(event, `${sign(event, 0, 'whsec_old')},${sign(event).split(',')[1]}`)()).toMatchObject({
      id: 'evt_1',
    });
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"id":"evt_1"}',
    '{"id":"evt_1","object":"event","type":"invoice.paid","created":1}',
  ])('tells a signed body that is no event from an unsigned one: %s', (body) => {
    expect(verify(body, sign(body))).toThrow(code('STRIPE_WEBHOOK_MALFORMED'));
  });
});
