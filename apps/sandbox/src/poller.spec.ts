import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from '@jest/globals';
import { Poller } from './poller.js';

it('works in no context of who nudged it: one webhook is not part of another request’s trace', async () => {
  const request = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const once = Promise.withResolvers<void>();
  const twice = Promise.withResolvers<void>();
  const poller = new Poller(
    () => {
      seen.push(request.getStore());
      (seen.length === 1 ? once : twice).resolve();
      return Promise.resolve(false);
    },
    5,
    twice.reject,
  );
  request.run('of another deal', () => poller.start());
  await once.promise;
  // By its timer, too, which was set meanwhile.
  await twice.promise;
  await poller.stop();
  expect(seen).toEqual([undefined, undefined]);
});
