import type { Process } from './process.js';
import type { State } from './state.js';

/** What is at risk with an instance, exact; null where the definition names no amount, or the start had none with its currency. */
export function amountAtRisk(
  { amount: field }: Process,
  { attributes, facts }: State,
): { amount: string | null; currency: string | null } {
  const { [field ?? '']: amount, currency } = { ...facts.start, ...attributes };
  // Money without its currency cannot be compared.
  const isWhole = typeof amount === 'string' && isNumber(amount) && typeof currency === 'string';
  return isWhole ? { amount, currency } : { amount: null, currency: null };
}

/** Exactly what PostgreSQL reads as a number, and short enough to be one. */
export const isNumber = (text: string): boolean => /^-?\d{1,30}(\.\d{1,20})?$/.test(text);
