import pg from 'pg';

/** A column as the server describes it. */
export interface Column {
  name: string;
  dataTypeID: number;
}

/** Makes a row of the fields of one, in text or `null`, by pg's parser of each column's type. */
export type ReadRow = (fields: (string | null)[]) => object;

export function rowReader(columns: Column[]): ReadRow {
  const names = columns.map(({ name }) => name);
  const parsers = columns.map(
    ({ dataTypeID }) => pg.types.getTypeParser(dataTypeID, 'text') as (text: string) => unknown,
  );
  const empty = Object.fromEntries(names.map((name) => [name, null]));
  return (fields) => {
    const row: Record<string, unknown> = { ...empty };
    for (let n = 0; n < fields.length; n++) {
      const field = fields[n]!;
      if (field !== null) row[names[n]!] = parsers[n]!(field);
    }
    return row;
  };
}
