import { describe, expect, it } from '@jest/globals';
import { Wake } from './wake.js';

describe('Wake', () => {
  it('ends a sleep, or its time does', async () => {
    const wake = new Wake();
    const sleeping = wake.sleep();
    wake.wake();
    await sleeping;
    await wake.sleep(1);
  });

  it('does not lose a wake that comes before the sleep', async () => {
    const wake = new Wake();
    wake.wake();
    await wake.sleep();
  });

  it('refuses a second sleeper, which would never wake', async () => {
    const wake = new Wake();
    const first = wake.sleep();
    expect(() => wake.sleep()).toThrow('Two loops');
    wake.wake();
    await first;
  });
});
