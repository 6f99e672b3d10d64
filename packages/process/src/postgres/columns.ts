/** Rows as `unnest` wants them: one array per column. */
export function columns(rows: unknown[][]): unknown[][] {
  return (rows[0] ?? []).map((_, index) => rows.map((row) => row[index]));
}
