import type { KafkaHeaders } from '@throughline/contracts';

/** Header values as JSON can hold them, byte for byte: text where it is text, base64 where it is not. Those without a value are left out. */
export type RawHeaders = Record<string, string | { base64: string }>;

export function toRawHeaders(headers: KafkaHeaders | undefined): RawHeaders {
  const raw = Object.create(null) as RawHeaders;
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined && first !== null)
      raw[withoutNul(name)] = typeof first === 'string' ? withoutNul(first) : toText(first);
  }
  return raw;
}

export function fromRawHeaders(raw: RawHeaders): KafkaHeaders {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : Buffer.from(value.base64, 'base64'),
    ]),
  );
}

/** PostgreSQL's text and jsonb cannot hold NUL. */
export function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

function toText(bytes: Buffer): string | { base64: string } {
  const text = bytes.toString('utf8');
  return text.includes('\0') || text.includes('\uFFFD') ? { base64: bytes.toString('base64') } : text;
}
