import type { MigrationClass } from '@throughline/postgres';
import { CreateMessaging1790000000001 } from './create-messaging.js';

/** Migrations of messaging; put them before the service's own. */
export const messagingMigrations: MigrationClass[] = [CreateMessaging1790000000001];
