import { randomBytes } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An identifier that looks like the vendors' own, for instance `cus_NffrFeUfNV2Hib`. */
export function randomId(prefix: string, length: number, letters = alphabet): string {
  let id = prefix;
  for (const byte of randomBytes(length)) id += letters[byte % letters.length];
  return id;
}
