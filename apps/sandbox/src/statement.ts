import { createHash } from 'node:crypto';

/** Names a statement that is put together from filters, so that it is prepared once per combination. */
export function statement(text: string): { name: string; text: string } {
  return { name: createHash('md5').update(text).digest('hex'), text };
}
