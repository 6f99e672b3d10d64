import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { TaskCount } from './count-tasks.js';
import { gauges, withZeros } from './task-metrics.js';

const waiting = (status: string, count: number): TaskCount => ({
  checkpoint: 'credit-approval',
  status,
  count,
  overdue: 1,
  ageSeconds: 60,
});

it('the metrics of tasks say what waits, by checkpoint and status, and a 0 where nothing waits any more', () => {
  const counts = withZeros([waiting('open', 3), waiting('claimed', 1)], [waiting('open', 2)]);
  const attributes = (status: string) => ({ checkpoint: 'credit-approval', status });
  expect(Object.fromEntries(gauges.map(({ name, read }) => [name, read(counts)]))).toEqual({
    'throughline.task.open': [
      { value: 2, attributes: attributes('open') },
      { value: 0, attributes: attributes('claimed') },
    ],
    'throughline.task.overdue': [
      { value: 1, attributes: attributes('open') },
      { value: 0, attributes: attributes('claimed') },
    ],
    'throughline.task.age': [
      { value: 60, attributes: attributes('open') },
      { value: 0, attributes: attributes('claimed') },
    ],
  });
});

it('the README names each', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  for (const { name } of [...gauges, { name: 'throughline.task.events' }]) expect(readme).toContain(name);
});
