import { beforeAll, describe, expect, it } from '@jest/globals';
import { verify } from '../apps/cli/src/demo/verify.js';
import { RunningPlatform, STORY_LIMIT_MS } from './platform.js';

/** Above every credit limit, so that two people decide: see apps/orchestrator/policies/credit-approval.yaml. */
const LARGE = {
  currency: 'EUR',
  amount: '300000.0000',
  lines: [{ name: 'Platform', sku: 'PLATFORM', quantity: 1, price: '300000', amount: '300000.0000' }],
};
const FORM = { creditCheckedOn: '2026-11-23', securedBy: 'guarantee' };

let platform: RunningPlatform;
beforeAll(() => {
  platform = new RunningPlatform();
});

/** A large deal that was closed in the CRM, and the task that it waits for. */
async function closeLargeDeal() {
  const deal = await platform.openDeal(LARGE);
  await platform.vendors.closeDeal(deal.dealId);
  await platform.until(deal.dealId, 1, ({ status }) => status === 'deciding');
  const { opportunityId } = await platform.get<{ opportunityId: string }>('orchestrator', `/v1/deals/${deal.dealId}`);
  const path = `/v1/tasks?key=${opportunityId}`;
  const { tasks } = await platform.get<{ tasks: { id: string; checkpoint: string }[] }>('orchestrator', path);
  expect(tasks).toMatchObject([{ checkpoint: 'credit-approval' }]);
  return { deal, taskId: tasks[0]!.id };
}

/** Asks the instances in turn: it does not matter which one a person is connected to. */
let asked = 0;
async function act(actor: string, taskId: string, action: string, body: object): Promise<{ status: string }> {
  const urls = platform.urls('orchestrator');
  const response = await fetch(`${urls[asked++ % urls.length]}/v1/tasks/${taskId}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-actor': actor },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  return (await response.json()) as { status: string };
}

describe('a deal above the credit limit', () => {
  it(
    'becomes an order when two people have approved, and not before',
    async () => {
      const { deal, taskId } = await closeLargeDeal();
      expect(await act('ada', taskId, 'approve', { values: FORM })).toMatchObject({ status: 'open' });
      expect(await act('ada', taskId, 'approve', { values: FORM })).toMatchObject({
        code: 'TASK_SECOND_PERSON_NEEDED',
      });
      expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [], invoices: [], schedules: [] });
      expect(await act('cleo', taskId, 'approve', { values: FORM })).toMatchObject({ status: 'approved' });
      expect(await platform.settled(deal.dealId)).toMatchObject({ occurrences: [{ status: 'completed' }] });
      expect(verify([deal], await platform.vendors.evidence([deal])).problems).toEqual([]);
    },
    STORY_LIMIT_MS,
  );

  it(
    'leaves nothing anywhere when one person has rejected it',
    async () => {
      const { deal, taskId } = await closeLargeDeal();
      expect(await act('ben', taskId, 'reject', { reason: 'no security' })).toMatchObject({ status: 'rejected' });
      const { occurrences } = await platform.ended(deal.dealId);
      expect(occurrences).toMatchObject([
        { status: 'refused', cause: { step: 'credit-approval', message: 'no security' } },
      ]);
      expect(await platform.vendors.evidence([deal])).toMatchObject({ orders: [], invoices: [], schedules: [] });
    },
    STORY_LIMIT_MS,
  );
});
