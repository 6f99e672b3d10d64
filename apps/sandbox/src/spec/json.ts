/** An answer of a foreign system, read as it comes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;
