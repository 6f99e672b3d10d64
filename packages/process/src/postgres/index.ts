export {
  ProcessRunner,
  type ClosedTask,
  type ControlResult,
  type Emit,
  type EmittedCommand,
  type OpenedTask,
  type TaskSink,
  type Transition,
} from './runner.js';
export type { Compile } from './definitions.js';
export { processMigrations } from './migrations.js';
export { findOccurrences, readHistory, readInstance, type StoredEvent, type StoredInstance } from './find-instances.js';
export {
  findInstances,
  searchInstances,
  searchOrders,
  type InstanceFilter,
  type SearchOrder,
} from './search/search-instances.js';
export { readStatistics, type Statistics } from './statistics.js';
