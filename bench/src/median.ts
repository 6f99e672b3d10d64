/** The middle one; of an even number the lower of the two. */
export function medianBy<T>(list: readonly T[], by: (item: T) => number): T {
  return [...list].sort((a, b) => by(a) - by(b))[Math.floor((list.length - 1) / 2)]!;
}

export function median(list: readonly number[]): number {
  return medianBy(list, (value) => value);
}

/** The smallest value that at least this share of the list does not exceed. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)]!;
}
