export { checkExternal } from './external.js';
export { StackError, type StackErrorCode } from './errors.js';
export type { KafkaListener } from './kafka.js';
export { endLeftovers, type Leftover } from './leftovers.js';
export type { PartName } from './part.js';
export { choosePort } from './ports.js';
export { removePostgresData } from './postgres.js';
export { identityOf, isAlive, type ProcessIdentity } from './process-identity.js';
export {
  type PartExit,
  type PartState,
  type Stack,
  type StackAddresses,
  type StackOptions,
  type StackPart,
  type StackPorts,
  type StackProgress,
  startStack,
  usualPorts,
} from './stack.js';
export { type Exit, killSupervised, type ServiceOptions, spawnService, type SupervisedProcess } from './supervise.js';
