import { StackError } from './errors.js';
import type { SupervisedProcess } from './supervise.js';

/**
 * Asks until the question is answered. Rejects when the process ended, the time is over or the signal was given.
 * @param ask throws while there is no answer yet; gets a signal that ends one attempt.
 */
export async function waitFor<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  options: { what: string; timeoutMs: number; process?: SupervisedProcess; signal?: AbortSignal | undefined },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    if (options.signal?.aborted) throw new StackError('STACK_ABORTED', `${options.what}: start-up was interrupted.`);
    const exit = options.process?.exit;
    if (exit) {
      throw new StackError('STACK_PART_FAILED', `${options.what} ended while starting (${describeExit(exit)}).`, {
        logFile: options.process?.logFile,
        nextStep: 'the log says why; start again after that is solved.',
      });
    }
    try {
      return await ask(AbortSignal.timeout(2_000));
    } catch (error) {
      last = error;
    }
    if (Date.now() >= deadline) {
      throw new StackError(
        'STACK_PART_NOT_READY',
        `${options.what} gave no answer within ${options.timeoutMs / 1000} s.`,
        {
          logFile: options.process?.logFile,
          nextStep: 'look into the log; on a very busy machine simply start again.',
          cause: last,
        },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function describeExit(exit: { code: number | null; signal: string | null }): string {
  return exit.signal ? `killed by ${exit.signal}` : `exit code ${exit.code}`;
}

/** One HTTP question; throws unless the answer is 2xx. */
export async function httpGet(url: string, signal: AbortSignal): Promise<string> {
  // A kept-alive connection would hold up the shutdown of the one that answers.
  const response = await fetch(url, { signal, headers: { connection: 'close' } });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body.slice(0, 200)}`);
  return body;
}
