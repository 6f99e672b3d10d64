import { afterEach, describe, expect, it } from '@jest/globals';
import { ThroughlineError, type Retry } from '@throughline/contracts';
import { Probe } from './probe.js';

describe('Probe', () => {
  let now = 0;
  let asked = 0;
  let answer: (signal: AbortSignal) => Promise<unknown> = async () => undefined;
  let stop = new AbortController();
  const make = (timeoutMs = 1_000): Probe => {
    stop = new AbortController();
    const ask = (signal: AbortSignal): Promise<unknown> => {
      asked++;
      return answer(signal);
    };
    return new Probe({ ask, timeoutMs, monotonic: () => now, stop: stop.signal });
  };
  const failing =
    (retry: Retry, rateLimited = false) =>
    async (): Promise<never> => {
      throw new ThroughlineError('x', { code: 'X', retry, rateLimited });
    };
  afterEach(() => {
    now = asked = 0;
    answer = async () => undefined;
  });

  it.each([
    ['an answer', async () => undefined, true],
    ['a refusal, which is an answer', failing('never'), true],
    ['a rate limit, which is an answer', failing('later', true), true],
    ['a failure', failing('later'), false],
    ['no connection', failing('pause'), false],
    ['an error of unknown kind', () => Promise.reject(new Error('fetch failed')), false],
    [
      'no answer within the limit, from one that does not listen to its signal',
      () => new Promise(() => undefined),
      false,
    ],
  ])('%s', async (_, says, up) => {
    answer = says;
    expect(await make(20).isUp(0)).toBe(up);
  });

  it('asks once for all who want to know meanwhile, and again for who wants to know later', async () => {
    const probe = make();
    expect(await Promise.all([probe.isUp(0), probe.isUp(0), probe.isUp(0)])).toEqual([true, true, true]);
    expect(asked).toBe(1);
    now = 500;
    expect(await probe.isUp(-500)).toBe(true);
    expect(asked).toBe(1);
    answer = failing('pause');
    expect(await Promise.all([probe.isUp(500), probe.isUp(500)])).toEqual([false, false]);
    expect(asked).toBe(2);
  });

  it('takes no answer to a question that was asked before', async () => {
    const probe = make();
    let say = (): void => undefined;
    answer = () => new Promise<void>((resolve) => (say = resolve));
    const early = probe.isUp(0);
    now = 100;
    const late = [probe.isUp(100), probe.isUp(100)];
    answer = failing('pause');
    say();
    expect(await early).toBe(true);
    expect(await Promise.all(late)).toEqual([false, false]);
    expect(asked).toBe(2);
  });

  it('ends with the service', async () => {
    const probe = make(60_000);
    answer = () => new Promise(() => undefined);
    const answered = probe.isUp(0);
    stop.abort();
    expect(await answered).toBe(false);
    now = 1;
    expect(await probe.isUp(1)).toBe(false);
    expect(asked).toBe(1);
  });
});
