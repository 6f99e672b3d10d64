import { messagingMigrations } from '@throughline/messaging';
import { processMigrations } from '@throughline/process/postgres';
import { taskMigrations } from './tasks/migrations.js';

/** Instances live in the process store, messages in the messaging tables; what people owe and decide is the orchestrator's own. */
export const migrations = [...messagingMigrations, ...processMigrations, ...taskMigrations];
