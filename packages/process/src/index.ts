export { parseDuration } from './duration.js';
export { parseDefinition, type Definition, type StepDefinition } from './definition.js';
export {
  compileDefinition,
  isRefusal,
  occurrenceField,
  type CompiledStep,
  type Contracts,
  type Messages,
  type Process,
} from './compile.js';
export { decide, externalIdsOf, inFlight, type Decision, type Input } from './decide.js';
export { explore, type Exploration, type ExploredPath } from './explore.js';
export {
  initialState,
  statuses,
  type Attention,
  type Cause,
  type Command,
  type Effect,
  type Execution,
  type ExternalId,
  type HistoryEntry,
  type ProcessEvent,
  type State,
  type Status,
  type StepState,
  type StepStatus,
} from './state.js';
export { START, waitsOf, type Wait } from './waits.js';
export { ProcessError } from './errors.js';
