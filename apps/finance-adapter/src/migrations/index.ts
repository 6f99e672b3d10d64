import { messagingMigrations } from '@throughline/messaging';
import { Finance1763800000000 } from './1763800000000-finance.js';
import { PlanVersions1764000000000 } from './1764000000000-plan-versions.js';
import { CreditNotes1764100000000 } from './1764100000000-credit-notes.js';
import { VoidedCreditNotes1764200000000 } from './1764200000000-voided-credit-notes.js';

/** In the order in which they are applied. */
export const migrations = [
  ...messagingMigrations,
  Finance1763800000000,
  PlanVersions1764000000000,
  CreditNotes1764100000000,
  VoidedCreditNotes1764200000000,
];
