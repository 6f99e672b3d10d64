import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadRules } from '../load-rules.js';
import { TasksHarness } from '../spec/tasks-harness.js';
import { FileDirectory } from './file-directory.js';

jest.setTimeout(60_000);

/** The rules and the people that this app ships. */
describe('lead-to-cash asks people', () => {
  let harness: TasksHarness;
  beforeAll(async () => {
    harness = await TasksHarness.start({ rules: loadRules(), directory: new FileDirectory() });
  });
  afterAll(() => harness.stop());

  const act = (actor: string, id: string, action: string, body: object = {}) =>
    harness.ask('POST', `/tasks/${id}/${action}`, body, actor);
  const line = {
    lineItemId: '1',
    productId: '0b7c5a3e-8a1c-5a52-9d3f-0f8f0f6f2b11',
    sku: 'PLATFORM',
    name: 'Platform',
    quantity: '1.0000',
  };
  /** A deal of this amount at the list price, for a year. */
  const sale = (amount: string, country: string | null = 'DE') => ({
    account: {
      accountId: '0b7c5a3e-8a1c-5a52-9d3f-0f8f0f6f2b12',
      name: 'Ada',
      domain: null,
      billingEmail: null,
      country,
      externalIds: [],
    },
    totalAmount: amount,
    lineItems: [{ ...line, unitAmount: amount, amount }],
    closedAt: '2026-11-23T10:00:00.000Z',
    sourceVersion: '1',
  });

  it('two of them, where the amount is large: the order is made after the second', async () => {
    const { deal, id } = await harness.close({}, { ...sale('300000.0000'), closedBy: 'hubspot:4711:owner:77' });
    const { body } = await harness.ask('GET', `/tasks/${id}`, undefined, 'ada');
    expect(body).toMatchObject({
      checkpoint: 'credit-approval',
      amount: '300000.0000',
      approvalsNeeded: 2,
      requestedBy: { id: 'sol' },
      roles: ['credit-controller', 'head-of-finance'],
      policy: { policy: 'credit-approval', rule: 'above-the-limit-and-large', because: expect.any(String) },
      dueAt: expect.any(String),
      escalateAt: expect.any(String),
      expiresAt: expect.any(String),
    });
    const values = { creditCheckedOn: '2026-11-23', securedBy: 'guarantee' };
    expect(await act('ada', id, 'approve')).toMatchObject({ status: 422, body: { code: 'TASK_FORM_INVALID' } });
    expect((await act('ada', id, 'approve', { values })).body).toMatchObject({ status: 'open', approvalsGiven: 1 });
    expect(await harness.commandsFor(deal)).toEqual([]);
    expect((await act('cleo', id, 'approve', { values })).body.status).toBe('approved');
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('several at once, each at a checkpoint of its own; one rejection withdraws the other, and nothing was ordered', async () => {
    const { deal } = await harness.close({}, sale('300000.0000', 'KP'));
    const { tasks } = (await harness.ask('GET', `/tasks?key=${deal}`)).body;
    const byCheckpoint = Object.fromEntries(tasks.map((task: { checkpoint: string }) => [task.checkpoint, task]));
    expect(Object.keys(byCheckpoint).toSorted()).toEqual(['compliance-review', 'credit-approval']);
    const rejected = await act('ida', byCheckpoint['compliance-review'].id, 'reject', { reason: 'embargo' });
    expect(rejected.body.status).toBe('rejected');
    const other = await harness.ask('GET', `/tasks/${byCheckpoint['credit-approval'].id}`);
    expect(other.body).toMatchObject({ status: 'withdrawn' });
    expect((await harness.instanceOf(deal)).status).toBe('refused');
    expect(await harness.commandsFor(deal)).toEqual([]);
  });
});
