export { addDuration, calendarJsonSchema, compileCalendar, isBeyondKnownHolidays, type Calendar } from './calendar.js';
export { isBusiness, parseDuration, type Duration } from './duration.js';
export { parseDefinition, definitionJsonSchema, type Definition, type StepDefinition } from './definition.js';
export { compileDefinition } from './compile.js';
export { isRefusal, occurrenceField, type Contracts, type Messages } from './contracts.js';
export type { CompiledStep, Process } from './process.js';
export type {
  Compiled,
  Evaluation,
  Expression,
  FactReference,
  Facts,
  Policies,
  PolicyOutcome,
  Scope,
} from './policies.js';
export { actions, allowedActions, type Action } from './actions.js';
export { decide } from './decide.js';
export { externalIdsOf } from './decide/event-parts.js';
export type { ControlInput, Decision, DecisionInput, Input, MigrationInput } from './decide/input.js';
export { inFlight, nextTimerAt } from './standing.js';
export { stepOf, unitsOf } from './units.js';
export { amountAtRisk } from './amount-at-risk.js';
export { changesOf, type StateChanges } from './changes-of.js';
export { mapSteps, type StepMapping } from './map-steps.js';
export { migrateInstance, migrateState, type RecordedEvent } from './migrate.js';
export { explore, type Exploration, type ExploredPath } from './explore.js';
export { failureTree, type Branch } from './failure-tree.js';
export {
  effects,
  ended,
  initialState,
  isOpen,
  statuses,
  stepStatuses,
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
  type StepStatus,
  type TaskChanges,
  type TaskRequest,
  type UnitState,
} from './state.js';
export { START, waitsOf, type Wait } from './waits.js';
export { replayHistory, type RecordedInput, type Replayed, type Undecided } from './replay.js';
export { courseOf, differenceKinds, differencesOf, otherTerms, type Course, type DifferenceKind } from './compare.js';
export { ProcessError } from './errors.js';
