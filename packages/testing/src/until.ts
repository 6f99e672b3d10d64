type Truthy<T> = Exclude<NonNullable<T>, false | 0 | ''>;

/** Waits until `probe` gives something truthy, and returns it. @throws with the last value after `timeoutMs` (default 20,000). */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Truthy<T>> {
  const end = performance.now() + (options.timeoutMs ?? 20_000);
  for (;;) {
    const value = await probe();
    if (value) return value as Truthy<T>;
    if (performance.now() > end) throw new Error(`Waited in vain for: ${what}. Last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20));
  }
}
