/** An error of this package: branch on `code`; `retry` says what the caller may do; the message says what to do next. */
export class ProcessError extends Error {
  readonly retry: 'never' | 'later';

  constructor(
    readonly code:
      | 'PROCESS_DEFINITION_INVALID'
      | 'PROCESS_DEFINITION_CHANGED'
      | 'PROCESS_VERSION_UNKNOWN'
      | 'PROCESS_EVENT_WITHOUT_KEY'
      | 'PROCESS_SEARCH_INVALID'
      | 'PROCESS_ACTION_REFUSED'
      | 'PROCESS_INSTANCE_UNKNOWN'
      | 'PROCESS_CALENDAR_INVALID'
      | 'PROCESS_CALENDAR_MISSING'
      | 'PROCESS_ACTION_UNKNOWN'
      | 'PROCESS_ACTION_ID_TAKEN'
      | 'PROCESS_ACTION_TOO_WIDE'
      | 'PROCESS_MIGRATION_INVALID'
      | 'PROCESS_MIGRATION_REFUSED',
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
  return new ProcessError(
    'PROCESS_DEFINITION_INVALID',
    `Process definition ${name} cannot be used:\n${linesOf(problems)}`,
  );
}

export function invalidCalendar(name: string, problems: string[]): ProcessError {
  return new ProcessError('PROCESS_CALENDAR_INVALID', `Calendar ${name} cannot be used:\n${linesOf(problems)}`);
}

const linesOf = (problems: string[]): string => problems.map((problem) => `  - ${problem}`).join('\n');
