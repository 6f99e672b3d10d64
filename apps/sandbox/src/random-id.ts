import { randomBytes } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An identifier that looks like the vendors' own, for instance `cus_NffrFeUfNV2Hib`. */
export function randomId(prefix: string, length: number, letters = alphabet): string {
  let id = prefix;
  for (const byte of randomBytes(length)) id += letters[byte % letters.length];
  return id;
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID with a prefix, as Medusa's ids are: sorts by time. */
export function ulid(prefix: string, now: Date): string {
  let time = '';
  for (let rest = now.getTime(); time.length < 10; rest = Math.floor(rest / 32)) time = crockford[rest % 32] + time;
  return randomId(`${prefix}_${time}`, 16, crockford);
}
