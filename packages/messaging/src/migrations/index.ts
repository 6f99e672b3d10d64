import type { MigrationClass } from '@throughline/postgres';
import { CreateMessaging1790000000001 } from './create-messaging.js';
import { CountFailingTime1790000000006 } from './count-failing-time.js';
import { HoldKeys1790000000002 } from './hold-keys.js';
import { LettersAsText1790000000008 } from './letters-as-text.js';
import { LettersByContent1790000000007 } from './letters-by-content.js';
import { WorkOnDeadLetters1790000000003 } from './work-on-dead-letters.js';
import { InboxGenerations1790000000004 } from './inbox-generations.js';
import { WorkAsText1790000000005 } from './work-as-text.js';

/** Migrations of messaging; put them before the service's own. */
export const messagingMigrations: MigrationClass[] = [
  CreateMessaging1790000000001,
  HoldKeys1790000000002,
  WorkOnDeadLetters1790000000003,
  InboxGenerations1790000000004,
  WorkAsText1790000000005,
  CountFailingTime1790000000006,
  LettersByContent1790000000007,
  LettersAsText1790000000008,
];
