import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { canonicalId } from '@throughline/contracts';
import { loadRules } from '../load-rules.js';
import { ControlHarness } from '../spec/control-harness.js';

let on: ControlHarness;
beforeAll(async () => {
  on = await ControlHarness.start(...loadRules().processes.filter(({ name }) => name === 'fulfilment-to-revenue'));
}, 60_000);
afterAll(() => on.stop());

it('an order that says no service period stops its revenue visibly, until a person tells it', async () => {
  const orderId = canonicalId('old');
  const order = { orderNumber: '7', currency: 'EUR', totalAmount: '100.0000', serviceStart: null, serviceEnd: null };
  await on.take(
    'old',
    ['OrderCreated', { orderId, ...order }],
    ['OrderProvisioned', { orderId }],
    ['InvoiceIssued', { orderId, invoiceId: canonicalId('invoice') }],
  );
  const id = await on.idOf('old');
  expect(await on.get(`instances/${id}`)).toMatchObject({
    status: 'stopped',
    attention: [{ code: 'fact-missing', message: expect.stringContaining('RecordRevenueSchedule.serviceStart') }],
    waitingFor: [{ step: 'schedule', needsPerson: true }],
  });
  expect(await on.sentOf('old')).toEqual([]);

  const facts = { start: { serviceStart: '2026-01-01', serviceEnd: '2026-12-31' } };
  await on.post('actions', { action: 'repair', ids: [id], facts, reason: 'from the contract' });
  expect(await on.sentOf('old')).toEqual(['RecordRevenueSchedule']);
  expect(await on.get(`instances/${id}`)).toMatchObject({ status: 'running' });
});

it('a credit note that a person voids is shown on its order, with its number, also after the end', async () => {
  const orderId = canonicalId('credited');
  const message =
    'Credit note 1042-CN-01 over 250.00 EUR was voided in Stripe. Credit it anew, or book the difference.';
  const order = { orderNumber: '8', currency: 'EUR', totalAmount: '900.0000', serviceStart: null, serviceEnd: null };
  await on.take('credited', ['OrderCreated', { orderId, ...order }], ['OrderCancelled', { orderId }]);
  await on.take('credited', ['CreditNoteVoided', { orderId, creditNoteNumber: '1042-CN-01', message }]);
  expect(await on.get(`instances/${await on.idOf('credited')}`)).toMatchObject({
    status: 'compensated',
    attention: [{ code: 'shown', type: 'CreditNoteVoided', message }],
  });
});
