import { messagingMigrations } from '@throughline/messaging';
import { processMigrations } from '@throughline/process/postgres';

/** The orchestrator has no tables of its own: instances live in the process store, messages in the messaging tables. */
export const migrations = [...messagingMigrations, ...processMigrations];
