import { expect, it } from '@jest/globals';
import { changesOf, initialState, type State } from './index.js';

const state: State = {
  ...initialState({ key: 'k', occurrence: 1, correlationId: 'c' }),
  steps: {
    order: { status: 'refused', execution: { command: 'CreateOrder', outcome: 'OrderRejected' } },
    billing: { status: 'waiting' },
  },
  completed: ['order'],
  seen: ['a'],
};

it('names each place that differs, and nothing else', () => {
  const after: State = {
    ...state,
    status: 'running',
    steps: {
      ...state.steps,
      order: { status: 'commanded', execution: { command: 'CreateOrder', commandedAt: 'now' } },
    },
    completed: [],
    seen: ['a', 'b'],
  };
  expect(changesOf(state, after)).toEqual({
    before: {
      status: 'expected',
      'steps.order.status': 'refused',
      'steps.order.execution.outcome': 'OrderRejected',
      'steps.order.execution.commandedAt': null,
      completed: ['order'],
    },
    after: {
      status: 'running',
      'steps.order.status': 'commanded',
      'steps.order.execution.outcome': null,
      'steps.order.execution.commandedAt': 'now',
      completed: [],
    },
  });
  expect(changesOf(state, structuredClone(state))).toEqual({ before: {}, after: {} });
});
