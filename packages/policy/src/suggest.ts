/** `; did you mean "totalAmount"?` for the known name that is nearest to what was written; empty where none is near. */
export function suggest(written: string, known: Iterable<string>): string {
  const near = [...known]
    .map((name) => ({ name, distance: distance(written.toLowerCase(), name.toLowerCase()) }))
    .filter((one) => one.distance <= Math.max(1, Math.floor(one.name.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)[0];
  return near ? `; did you mean "${near.name}"?` : '';
}

/** Levenshtein: how many letters have to be added, removed or exchanged. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, exchanged));
    }
    row = next;
  }
  return row[b.length]!;
}
