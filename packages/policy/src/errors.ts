import { ThroughlineError } from '@throughline/contracts';

type PolicyErrorCode =
  | 'POLICY_INVALID'
  | 'POLICY_CHANGED'
  | 'POLICY_FACT_MISSING'
  | 'POLICY_FACT_INVALID'
  | 'POLICY_VALUE_EMPTY'
  | 'POLICY_CURRENCY_MISMATCH'
  | 'POLICY_LIMIT_MISSING'
  | 'POLICY_DIVISION_BY_ZERO'
  | 'POLICY_AMOUNT_INVALID'
  | 'POLICY_NOT_EXPRESSIBLE'
  | 'POLICY_EVALUATION_FAILED';

/**
 * An error of this package: branch on `code`. None goes away by itself, so `retry` is always `never`; the message names the policy, the
 * rule and the next step.
 */
export class PolicyError extends ThroughlineError {
  declare readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { code, retry: 'never', ...options });
    this.name = 'PolicyError';
  }

  /** The same error, told with where it happened, for example `policy credit-approval version 1, rule within-limit`. */
  at(place: string): PolicyError {
    return new PolicyError(this.code, `${place}: ${this.message}`, { cause: this });
  }
}

/** All problems of the policies at once, one per line, each starting with its path. */
export function invalidPolicies(problems: string[]): PolicyError {
  const lines = problems.map((problem) => `  - ${problem}`).join('\n');
  return new PolicyError('POLICY_INVALID', `The policies cannot be used:\n${lines}`);
}
