import type { Queryable } from '@throughline/postgres';
import { INSTANCE_COLUMNS, type StoredInstance } from './find-instances.js';

const page = {
  name: 'process-read-recorded-instances',
  text: `
    SELECT ${INSTANCE_COLUMNS} FROM process_instance AS instance
    WHERE id > $1::bigint AND process = ANY($2::text[]) AND started_at >= $3
    ORDER BY id LIMIT $4`,
};

/** Instances of these processes that started since a moment, in the order of their creation, page by page. */
export function readRecordedInstances(
  database: Queryable,
  { after, processes, since, limit }: { after: string; processes: string[]; since: Date; limit: number },
): Promise<StoredInstance[]> {
  return database.query<StoredInstance>(page, [after, processes, since, limit]);
}
