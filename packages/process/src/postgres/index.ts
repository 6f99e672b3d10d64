export { ProcessRunner, type Emit, type EmittedCommand, type Transition } from './runner.js';
export type { Compile } from './definitions.js';
export { processMigrations } from './migrations.js';
export {
  findInstances,
  findOccurrences,
  readHistory,
  readInstance,
  type InstanceFilter,
  type StoredEvent,
  type StoredInstance,
} from './find-instances.js';
export { readStatistics, type Statistics } from './statistics.js';
