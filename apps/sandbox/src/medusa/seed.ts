import type { Database } from '@throughline/postgres';

export async function seedStore(_database: Database): Promise<void> {}
