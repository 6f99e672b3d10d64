import { describe, expect, it } from '@jest/globals';
import { summarise, type CpuProfile } from './profile.js';

const call = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 0 },
  children,
});

/** handle (ours) calls query (pg), which writes to a socket; the rest of the time is idle, collected, or spent in the profiler. */
const profile: CpuProfile = {
  nodes: [
    call(1, '(root)', '', [2, 5, 6, 7]),
    call(2, 'handle', 'file:///repo/packages/messaging/dist/work.js', [3]),
    call(3, 'query', 'file:///repo/node_modules/pg/lib/client.js', [4]),
    call(4, 'writev', ''),
    call(5, '(idle)', ''),
    call(6, '(garbage collector)', ''),
    call(7, 'post', 'node:inspector'),
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [1_000, 2_000, 3_000, 10_000, 500, 700],
};

describe('the summary of a CPU profile', () => {
  const summary = summarise(profile, '/repo');

  it('counts native code to the package that called it', () => {
    expect(summary.packages).toEqual([
      { name: 'pg', ms: 5 },
      { name: 'packages/messaging', ms: 1 },
      { name: '(garbage collector)', ms: 0.5 },
    ]);
  });

  it('says what a function of ours takes with everything it calls', () => {
    expect(summary.own).toEqual([{ name: 'handle packages/messaging/work.js:1', ms: 6 }]);
  });

  it('leaves out idle time and the profiler', () => {
    expect(summary.busyMs).toBe(6.5);
    expect(summary.idleMs).toBe(10);
  });
});
