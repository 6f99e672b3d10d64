/**
 * Chance that can be had again: says its seed, and takes the one in SPEC_SEED instead of a new one.
 *
 * @returns numbers in [0, 1)
 */
export function seededRandom(spec: string): () => number {
  const seed = Number(process.env['SPEC_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  process.stderr.write(`${spec}: SPEC_SEED=${seed}\n`);
  let state = seed;
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
