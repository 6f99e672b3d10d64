export type { LetterEdit } from './dead-letters/apply-edit.js';
export type { StoredAuditEntry } from './dead-letters/audit.js';
export type { By, DeadLetters, LetterStory, Selection } from './dead-letters/dead-letters.js';
export { groupStatuses, type Group } from './dead-letters/find-groups.js';
export { letterStatuses, type LetterSummary } from './dead-letters/letter.js';
export { releaseStatuses, type Release } from './dead-letters/release.js';
export type { EffectContext, OnceOptions } from './effect-context.js';
export type { EffectResult, Job, Message, MessagingTx, OutgoingMessage } from './message.js';
export {
  defineRoutes,
  effect,
  job,
  state,
  type EffectHandler,
  type EffectOptions,
  type JobHandler,
  type Replayable,
  type RetryPolicy,
  type Routes,
  type StateHandler,
} from './routes.js';
export type { KafkaOptions } from './kafka/client.js';
export { removeTopicsAndGroups } from './kafka/remove-topics-and-groups.js';
export { ensureTopics, type TopicReport } from './kafka/topics.js';
export type { Limits } from './limits.js';
export { Messaging, type MessagingHealth, type MessagingOptions } from './messaging.js';
export { messagingMigrations } from './migrations/index.js';
export { progressOf, type Counts, type Replay, type ReplayRequest } from './replay/replay.js';
export { schemaIdStore } from './schema-id-store.js';
export { keysAtWork } from './work/keys-at-work.js';
