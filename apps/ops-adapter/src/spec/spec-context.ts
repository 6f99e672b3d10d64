import { ThroughlineError } from '@throughline/contracts';
import type { EffectContext } from '@throughline/messaging';

interface Recorded {
  request: unknown;
  busy: boolean;
  response?: unknown;
}

/** For specs: the record of calls as messaging keeps it, in memory, so that many crashes are tried in little time. */
export class CallRecord {
  private readonly calls = new Map<string, Recorded>();

  context(messageId: string, attempt: number): EffectContext {
    return {
      attempt,
      signal: new AbortController().signal,
      idempotencyKey: (call) => `${messageId}:${call}`,
      once: async (call, request, perform, options) => {
        const key = `${options?.scope ?? messageId} ${call}`;
        const known = this.calls.get(key);
        if (known && 'response' in known) return known.response as never;
        if (known?.busy) {
          throw new ThroughlineError('in progress', { code: 'MSG_CALL_IN_PROGRESS', retry: 'later' });
        }
        const record: Recorded = known ?? { request: JSON.parse(JSON.stringify(request)), busy: true };
        record.busy = true;
        this.calls.set(key, record);
        try {
          const mayHaveRun = known !== undefined;
          record.response = await perform(record.request as never, `${messageId}:${call}`, { mayHaveRun });
          return record.response as never;
        } finally {
          record.busy = false;
        }
      },
    };
  }
}
