export {
  ProcessRunner,
  type BatchResult,
  type ClosedTask,
  type ControlResult,
  type Emit,
  type EmittedCommand,
  type JoinedTask,
  type MigrationPlan,
  type OpenedTask,
  type TaskSink,
  type Transition,
} from './runner.js';
export type { Compile } from './definitions.js';
export type { Look } from './timers.js';
export { processMigrations } from './migrations.js';
export {
  appendAudit,
  claimAction,
  findAudit,
  readAction,
  readActions,
  stopAction,
  storeAction,
  type ActionRequest,
  type AuditEntry,
  type StoredAction,
  type OnVersion,
  type StoredAuditEntry,
} from './control/actions.js';
export {
  readInstancesOnVersion,
  readProcessNames,
  readVersionKeys,
  readVersionNumbers,
  readVersions,
  type StoredVersion,
} from './control/versions.js';
export {
  findCorrelated,
  findOccurrences,
  readHistory,
  readInstance,
  readInstances,
  type StoredEvent,
  type StoredInstance,
} from './find-instances.js';
export { refuseUnknownNames } from './search/known-names.js';
export {
  findInstances,
  searchInstances,
  searchOrders,
  type InstanceFilter,
  type SearchOrder,
} from './search/search-instances.js';
export { readRecordedInstances } from './read-recorded-instances.js';
export { readStatistics, type Statistics } from './statistics.js';
