import { Signature } from '@hubspot/api-client';
import { describe, expect, it } from '@jest/globals';
import { parseWebhook, verifySignature, type SignedRequest } from './webhook.js';

const secret = 'a-client-secret';
const now = Date.parse('2026-11-22T10:00:00Z');
const element = {
  eventId: 1,
  subscriptionId: 12345,
  portalId: 145,
  appId: 9,
  occurredAt: now,
  subscriptionType: 'deal.propertyChange',
  attemptNumber: 0,
  objectId: 4711,
  propertyName: 'dealstage',
  propertyValue: 'closedwon',
  changeSource: 'CRM_UI',
};

/** Signed by HubSpot's own SDK. */
function signed(
  body: string,
  timestampMs = now,
  uri = 'https://hooks.example/webhooks/hubspot?tenant=a',
): SignedRequest {
  const signature = Signature.getSignature('POST', 'v3', {
    clientSecret: secret,
    requestBody: body,
    signature: '',
    url: uri,
    timestamp: timestampMs,
  });
  return { method: 'POST', uri, rawBody: Buffer.from(body), signature, timestamp: String(timestampMs) };
}

const invalid = expect.objectContaining({ code: 'HUBSPOT_SIGNATURE_INVALID' });

describe('verifySignature', () => {
  it("accepts what HubSpot's SDK signs, beyond ASCII too", () => {
    expect(() => verifySignature(signed('[{"name":"Müller 東京"}]'), secret, now)).not.toThrow();
  });

  it('accepts five minutes either way and not a millisecond more', () => {
    const minutes = 60_000;
    expect(() => verifySignature(signed('[]', now - 5 * minutes), secret, now)).not.toThrow();
    expect(() => verifySignature(signed('[]', now + 5 * minutes), secret, now)).not.toThrow();
    expect(() => verifySignature(signed('[]', now - 5 * minutes - 1), secret, now)).toThrow(invalid);
    expect(() => verifySignature(signed('[]', now + 5 * minutes + 1), secret, now)).toThrow(invalid);
  });

  it.each<[string, Partial<SignedRequest>]>([
    ['another body', { rawBody: Buffer.from('[ ]') }],
    ['another method', { method: 'PUT' }],
    ['another address', { uri: 'https://evil.example/webhooks/hubspot' }],
    ['another timestamp', { timestamp: String(now + 1) }],
    ['a timestamp that is no number', { timestamp: '1e12' }],
    ['no timestamp', { timestamp: undefined }],
    ['no signature', { signature: undefined }],
    ['an empty signature', { signature: '' }],
    ['a short signature', { signature: 'AAAA' }],
  ])('refuses %s', (_, change) => {
    expect(() => verifySignature({ ...signed('[]'), ...change }, secret, now)).toThrow(invalid);
  });

  it('refuses the secret of another app', () => {
    expect(() => verifySignature(signed('[]'), 'another-secret', now)).toThrow(invalid);
  });

  it('signs the address as HubSpot decodes it', () => {
    const request = signed('[]', now, 'https://hooks.example/hook?to=a@b');
    expect(() =>
      verifySignature({ ...request, uri: 'https://hooks.example/hook?to=a%40b' }, secret, now),
    ).not.toThrow();
  });
});

describe('parseWebhook', () => {
  const parse = (body: unknown): ReturnType<typeof parseWebhook> => parseWebhook(Buffer.from(JSON.stringify(body)));

  it('gives one hint per element', () => {
    expect(parse([element])).toEqual([
      {
        id: '145:12345:4711:dealstage:1795341600000:1',
        portalId: '145',
        dealId: '4711',
        subscriptionType: 'deal.propertyChange',
        occurredAt: '2026-11-22T10:00:00.000Z',
      },
    ]);
  });

  it('takes a repeated element once, and an event id used twice for two', () => {
    expect(parse([element, { ...element, attemptNumber: 1 }])).toHaveLength(1);
    expect(
      parse([
        element,
        { ...element, propertyName: 'amount' },
        { ...element, occurredAt: now + 1 },
        { ...element, objectId: 4712 },
      ]),
    ).toHaveLength(4);
  });

  it('knows deals in the generic form and in associations, and passes over everything else', () => {
    const { objectId: _, ...association } = {
      ...element,
      subscriptionType: 'deal.associationChange',
      fromObjectId: 4711,
      toObjectId: 7001,
    };
    expect(parse([association])[0]).toHaveProperty('dealId', '4711');
    expect(parse([{ ...element, subscriptionType: 'object.propertyChange', objectTypeId: '0-3' }])[0]).toHaveProperty(
      'dealId',
      '4711',
    );
    expect(
      parse([{ ...element, subscriptionType: 'object.propertyChange', objectTypeId: '0-1' }])[0],
    ).not.toHaveProperty('dealId');
    expect(parse([{ ...element, subscriptionType: 'company.creation' }])[0]).not.toHaveProperty('dealId');
    expect(parse([])).toEqual([]);
  });

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['no array', JSON.stringify(element)],
    ['an element without its event id', JSON.stringify([{ ...element, eventId: undefined }])],
    ['a time that is no number', JSON.stringify([{ ...element, occurredAt: 'today' }])],
    ['a time out of range', JSON.stringify([{ ...element, occurredAt: 9e15 }])],
    ['nothing', ''],
  ])('refuses %s', (_, body) => {
    expect(() => parseWebhook(Buffer.from(body))).toThrow(
      expect.objectContaining({ code: 'HUBSPOT_WEBHOOK_MALFORMED' }),
    );
  });
});
