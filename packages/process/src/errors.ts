/** An error of this package: branch on `code`; `retry` says what the caller may do; the message says what to do next. */
export class ProcessError extends Error {
  readonly retry: 'never' | 'later';

  constructor(
    readonly code:
      | 'PROCESS_DEFINITION_INVALID'
      | 'PROCESS_DEFINITION_CHANGED'
      | 'PROCESS_VERSION_UNKNOWN'
      | 'PROCESS_EVENT_WITHOUT_KEY'
      | 'PROCESS_FACT_MISSING'
      | 'PROCESS_SEARCH_INVALID'
      | 'PROCESS_ACTION_REFUSED'
      | 'PROCESS_INSTANCE_UNKNOWN',
    message: string,
    { retry = 'never', ...options }: ErrorOptions & { retry?: 'never' | 'later' } = {},
  ) {
    super(message, options);
    this.name = 'ProcessError';
    this.retry = retry;
  }
}

/** All problems of a definition at once, one per line, each starting with its path. */
export function invalidDefinition(name: string, problems: string[]): ProcessError {
  const lines = problems.map((problem) => `  - ${problem}`).join('\n');
  return new ProcessError('PROCESS_DEFINITION_INVALID', `Process definition ${name} cannot be used:\n${lines}`);
}
