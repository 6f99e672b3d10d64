import { describe, expect, it } from '@jest/globals';
import { sale, saleEvent, Story } from '../fixtures/sale.js';
import { decide, initialState } from './index.js';

const all = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'];

describe('the way forward', () => {
  it('commands each step as soon as what it waits for is done', () => {
    const story = new Story();
    expect(story.when('DealWon').sent).toEqual(['CreateOrder']);
    expect(story.when('OrderCreated').sent).toEqual(['PackOrder', 'IssueInvoice']);
    expect(story.when('InvoiceIssued').sent).toEqual([]);
    expect(story.when('OrderPacked').sent).toEqual(['SendNotice']);
    expect(story.state.status).toBe('running');
    expect(story.when('NoticeSent').state).toMatchObject({ status: 'completed', attributes: { title: 'Ten chairs' } });
    expect(story.nextTimerAt).toBeUndefined();
  });

  it("fills commands from the deal's own word, the ids it assigns, and the steps before", () => {
    const started = decide(
      sale,
      new Story().state,
      { kind: 'event', event: saleEvent('DealWon') },
      '2026-11-22T10:00:00.000Z',
    );
    expect(started.commands[0]?.payload).toEqual({
      dealId: 'deal-1',
      occurrence: 1,
      orderId: 'correlation-of-deal-1/deal-1/orderId',
      lines: [{ sku: 'chair' }],
      amount: '100.0000',
    });
    const event = saleEvent('OrderCreated');
    const { commands } = decide(sale, started.state, { kind: 'event', event }, '2026-11-22T10:00:01.000Z');
    expect(commands[1]?.payload).toMatchObject({
      orderNumber: 'O-1',
      amount: '100.0000',
      invoiceId: 'correlation-of-deal-1/deal-1/invoiceId',
    });
  });

  it('does not change the state it was given', () => {
    const before = new Story().given('DealWon').state;
    const copy = structuredClone(before);
    decide(sale, before, { kind: 'event', event: saleEvent('OrderCreated') }, '2026-11-22T10:00:00.000Z');
    expect(before).toEqual(copy);
  });

  it('ignores a message that it has taken before', () => {
    const story = new Story().given('DealWon', 'OrderCreated');
    const { history, commands, state } = decide(
      sale,
      story.state,
      { kind: 'event', event: saleEvent('OrderCreated') },
      'now',
    );
    expect([history, commands]).toEqual([[], []]);
    expect(state).toEqual(story.state);
  });

  it('records a payment before the invoice is known to be issued, and after the end', () => {
    const story = new Story().given('DealWon', 'PaymentSeen', ...all.slice(1));
    expect(story.state.status).toBe('completed');
    const event = saleEvent('PaymentSeen', 'second');
    const { history, state } = decide(sale, story.state, { kind: 'event', event }, 'now');
    expect(history).toEqual([
      { messageId: 'second', type: 'PaymentSeen', effect: 'recorded', at: 'now', commands: [] },
    ]);
    expect(state.status).toBe('completed');
  });

  it('keeps an outcome that comes before its command until the command is sent', () => {
    const story = new Story().given('DealWon', 'InvoiceIssued');
    expect(story.status('billing')).toBe('waiting');
    expect(story.when('OrderCreated').sent).toEqual(['PackOrder', 'IssueInvoice']);
    expect(story.status('billing')).toBe('done');
  });

  it('keeps whatever comes before the start', () => {
    const story = new Story().given('PaymentSeen', 'OrderCreated');
    expect(story.state.status).toBe('expected');
    expect(story.when('DealWon').sent).toEqual(['CreateOrder', 'PackOrder', 'IssueInvoice']);
  });

  it('shows a start that comes again for the same occurrence, and goes on with the first', () => {
    const story = new Story().given('DealWon').when(saleEvent('DealWon', 'edited'));
    expect(story.sent).toEqual([]);
    expect(story.state.attention).toEqual([expect.objectContaining({ code: 'started-again', messageId: 'edited' })]);
  });
});

describe('a deal that cannot start', () => {
  it('is rejected with reason and field, and nothing is commanded', () => {
    const story = new Story().when('DealRejected');
    expect(story.allSent).toEqual([]);
    expect(story.state).toMatchObject({ status: 'rejected', rejection: { reason: 'not-possible', field: 'lines' } });
  });

  it('starts when it is corrected', () => {
    const story = new Story().given('DealRejected').when('DealWon');
    expect(story.sent).toEqual(['CreateOrder']);
    expect(story.state.rejection).toBeUndefined();
    expect(story.state.status).toBe('running');
  });
});

describe('a cancellation', () => {
  it('undoes what was done, the last first, one at a time', () => {
    const story = new Story().given(...all);
    expect(story.when('DealLost').sent).toEqual(['VoidInvoice']);
    expect(story.state.status).toBe('compensating');
    expect(story.when('InvoiceCredited').sent).toEqual(['UnpackOrder']);
    expect(story.when('OrderUnpacked').sent).toEqual(['CancelOrder']);
    expect(story.when('OrderCancelled').state.status).toBe('compensated');
    expect(story.status('notice')).toBe('kept');
  });

  it('tells each compensation why', () => {
    const { state } = new Story().given('DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued');
    const first = decide(sale, state, { kind: 'event', event: saleEvent('NoticeSent') }, '2026-11-22T10:00:00.000Z');
    const { commands } = decide(
      sale,
      first.state,
      { kind: 'event', event: saleEvent('DealLost') },
      '2026-11-22T10:00:00.000Z',
    );
    expect(commands[0]?.payload).toEqual({
      dealId: 'deal-1',
      occurrence: 1,
      invoiceId: 'correlation-of-deal-1/deal-1/invoiceId',
      reason: 'DealLost',
    });
  });

  it('awaits the outcome of every command in flight first, and sends no new ones', () => {
    const story = new Story().given('DealWon', 'OrderCreated');
    expect(story.when('DealLost').sent).toEqual([]);
    expect(story.when('OrderPacked').sent).toEqual([]);
    expect(story.when('InvoiceIssued').sent).toEqual(['VoidInvoice']);
    expect(story.status('notice')).toBe('waiting');
  });

  it('has nothing to undo when what was in flight is refused', () => {
    const story = new Story().given('DealWon', 'DealLost').when('OrderRejected');
    expect(story.allSent).toEqual(['CreateOrder']);
    expect(story.state.status).toBe('compensated');
  });

  it('that comes before the start leaves nothing to do', () => {
    const story = new Story().given('DealLost').when('DealWon');
    expect(story.allSent).toEqual([]);
    expect(story.state.status).toBe('compensated');
  });

  it('by a person who cancels the order undoes the rest, and does not cancel the order again', () => {
    const story = new Story().given(...all);
    expect(story.when('OrderCancelled').sent).toEqual(['VoidInvoice']);
    story.when('InvoiceVoided', 'OrderUnpacked');
    expect(story.state.status).toBe('compensated');
    expect(story.allSent).not.toContain('CancelOrder');
  });

  it('that was carried out is not carried out twice', () => {
    const story = new Story().given('DealWon', 'OrderCreated', 'DealLost');
    story.when(
      saleEvent('DealLost', 'again'),
      'OrderPacked',
      'InvoiceIssued',
      'InvoiceVoided',
      'OrderUnpacked',
      'OrderCancelled',
    );
    story.when(saleEvent('DealLost', 'and again'));
    expect(story.allSent.filter((type) => type === 'CancelOrder')).toHaveLength(1);
    expect(story.state.status).toBe('compensated');
  });
});

describe('a refusal', () => {
  it('of a step undoes what was done and ends visibly, with reason and field', () => {
    const story = new Story().given('DealWon', 'OrderCreated', 'OrderPacked');
    expect(story.when('InvoiceRejected').sent).toEqual(['UnpackOrder']);
    story.when('OrderUnpacked', 'OrderCancelled');
    expect(story.state).toMatchObject({
      status: 'refused',
      cause: { step: 'billing', reason: 'not-possible', field: 'lines' },
    });
  });

  it('waits for the parallel branch before it turns back', () => {
    const story = new Story().given('DealWon', 'OrderCreated');
    expect(story.when('PackingRejected').sent).toEqual([]);
    expect(story.when('InvoiceIssued').sent).toEqual(['VoidInvoice']);
  });

  it('of a compensation stops visibly, and goes on when a person has undone it', () => {
    const story = new Story().given(
      'DealWon',
      'OrderCreated',
      'OrderPacked',
      'InvoiceIssued',
      'NoticeSent',
      'DealLost',
    );
    expect(story.when('InvoiceVoidRejected').sent).toEqual([]);
    expect(story.state).toMatchObject({
      status: 'stopped',
      steps: { billing: { compensation: { reason: 'not-possible' } } },
    });
    expect(story.when('InvoiceVoided').sent).toEqual(['UnpackOrder']);
    expect(story.state.steps.billing?.compensation?.reason).toBeUndefined();
  });

  it('of a step with "on-refusal: stop" takes nothing back, and a late success completes it', () => {
    const story = new Story().given(...all.slice(0, 4)).when('NoticeRejected');
    expect(story.state.status).toBe('stopped');
    expect(story.when('NoticeSent').state.status).toBe('completed');
    expect(story.state.steps.notice?.execution?.reason).toBeUndefined();
  });

  it('of a step with "on-refusal: stop" still lets the deal be cancelled', () => {
    const story = new Story().given(...all.slice(0, 4), 'NoticeRejected').when('DealLost');
    story.when('InvoiceVoided', 'OrderUnpacked', 'OrderCancelled');
    expect(story.state.status).toBe('compensated');
  });

  it('that turns out to have succeeded is undone as well, even after the end', () => {
    const story = new Story().given('DealWon', 'OrderRejected');
    expect(story.state.status).toBe('refused');
    expect(story.when('OrderCreated').sent).toEqual(['CancelOrder']);
    expect(story.when('OrderCancelled').state.status).toBe('refused');
  });

  it('of something done is shown to a person', () => {
    const story = new Story().given('DealWon', 'OrderCreated').when('OrderRejected');
    expect(story.state).toMatchObject({
      status: 'running',
      attention: [{ code: 'unexpected-event', type: 'OrderRejected' }],
    });
  });
});

describe('a timeout', () => {
  it('is visible, and the outcome is still awaited', () => {
    const story = new Story().given('DealWon');
    expect(story.nextTimerAt).toBe('2026-11-22T10:15:00.000Z');
    story.whenTime('2026-11-22T10:14:59.999Z');
    expect(story.state.status).toBe('running');
    story.whenTime('2026-11-22T10:15:00.000Z');
    expect(story.state).toMatchObject({
      status: 'overdue',
      steps: { order: { execution: { overdueSince: '2026-11-22T10:15:00.000Z' } } },
    });
    expect(story.nextTimerAt).toBeUndefined();
    expect(story.when('OrderCreated').sent).toEqual(['PackOrder', 'IssueInvoice']);
    expect(story.state.status).toBe('running');
  });

  it('of one branch leaves the timer of the other', () => {
    const story = new Story().given('DealWon', 'OrderCreated').whenTime('2026-11-22T11:00:00.000Z');
    expect(story.state.status).toBe('overdue');
    expect(story.nextTimerAt).toBe('2026-11-23T10:00:00.000Z');
  });

  it('of a compensation uses its own time, or that of the step', () => {
    const story = new Story().given('DealWon', 'OrderCreated', 'PackingRejected', 'InvoiceIssued');
    expect(story.nextTimerAt).toBe('2026-11-22T11:00:00.000Z');
    expect(story.when('InvoiceVoided').nextTimerAt).toBe('2026-11-22T10:05:00.000Z');
  });
});

it('an event of another process is kept and shown', () => {
  const state = initialState({ key: 'deal-1', occurrence: 1, correlationId: 'c' });
  const { history } = decide(sale, state, { kind: 'event', event: saleEvent('Nonsense') }, '2026-11-22T10:00:00.000Z');
  expect(history[0]?.effect).toBe('unexpected');
});
