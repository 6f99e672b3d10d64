import { messagingMigrations } from '@throughline/messaging';
import { Operations1763800000000 } from './1763800000000-operations.js';
import { OrderLines1764100000000 } from './1764100000000-order-lines.js';

/** In the order in which they are applied. */
export const migrations = [...messagingMigrations, Operations1763800000000, OrderLines1764100000000];
