/** What an error says. Anything may be thrown, also what cannot be made a text of; this never throws. */
export function describeError(error: unknown): string {
  try {
    return String((error as { message?: unknown } | null)?.message ?? error);
  } catch {
    return 'What was thrown is no error and has no text.';
  }
}
