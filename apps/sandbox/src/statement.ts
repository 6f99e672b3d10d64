import { createHash } from 'node:crypto';

/**
 * Names a statement that is put together from filters, so that it is prepared once per combination. The name is also its span's: it
 * begins with what is done to which table.
 */
export function statement(text: string): { name: string; text: string } {
  const verb = /\w+/.exec(text)?.[0] ?? 'statement';
  const table = /\b(?:FROM|INTO|UPDATE)\s+(\w+)/i.exec(text)?.[1] ?? '';
  const digest = createHash('md5').update(text).digest('hex').slice(0, 12);
  return { name: [verb, table, digest].filter(Boolean).join('-').toLowerCase(), text };
}
