import { ThroughlineError } from '@throughline/contracts';

/** Codes of everything this service throws itself; those of Medusa are in its connector. */
export type OpsErrorCode = 'OPS_MEDUSA_NOT_SET_UP';

/** Work waits (`pause`) until a person has set Medusa up; nothing is lost meanwhile. */
export function notSetUp(what: string, variable: string): ThroughlineError {
  const code: OpsErrorCode = 'OPS_MEDUSA_NOT_SET_UP';
  return new ThroughlineError(`Medusa has not ${what}: create one there, or name one with ${variable}.`, {
    code,
    retry: 'pause',
    dependency: 'medusa',
  });
}
