import { messagingMigrations } from '@throughline/messaging';
import { processMigrations } from '@throughline/process/postgres';
import { CreatePolicyVersions1797100000000 } from './store-policies.js';
import { taskMigrations } from './tasks/migrations.js';

/** Instances live in the process store, messages in the messaging tables; what people owe and decide, and by which policies, is the orchestrator's own. */
export const migrations = [
  ...messagingMigrations,
  ...processMigrations,
  ...taskMigrations,
  CreatePolicyVersions1797100000000,
];
