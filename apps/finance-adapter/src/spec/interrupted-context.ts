import { retryOf } from '@throughline/contracts';
import type { EffectContext } from '@throughline/messaging';

/** Where a process dies: after its request is pinned, or after the call and before its response is recorded. */
export interface Crash {
  /** The how-manieth call that is not recorded yet, from 1. */
  call: number;
  moment: 'before' | 'after';
}

interface CallRecord {
  request: unknown;
  response?: unknown;
  attempts: number;
}

/** The permanent record of effects as messaging keeps it, in memory, and able to die at any named moment. */
export class CallRecords {
  readonly records = new Map<string, CallRecord>();

  /** The context of one attempt of one message. */
  attempt(messageId: string, attempt = 1, crash?: Crash): EffectContext {
    let performed = 0;
    const records = this.records;
    return {
      attempt,
      signal: new AbortController().signal,
      idempotencyKey: (call) => `${messageId}:${call}`,
      async once(call, request, perform, options) {
        const key = `${options?.scope ?? messageId}:${call}`;
        const record = records.get(key) ?? { request: structuredClone(request), attempts: 0 };
        records.set(key, record);
        if (record.response !== undefined) return record.response as never;
        const mayHaveRun = record.attempts++ > 0;
        performed++;
        if (crash?.call === performed && crash.moment === 'before') throw new Error('crashed');
        const response = await perform(record.request as never, key, { mayHaveRun }).catch((error: unknown) => {
          if (retryOf(error) === 'never' && !mayHaveRun) records.delete(key);
          throw error;
        });
        if (crash?.call === performed && crash.moment === 'after') throw new Error('crashed');
        record.response = structuredClone(response);
        return response;
      },
    };
  }
}
