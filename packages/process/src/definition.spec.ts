import { describe, expect, it } from '@jest/globals';
import { saleContracts, saleDefinition } from '../fixtures/sale.js';
import { compileDefinition, parseDefinition } from './index.js';

/** A definition as it comes from a file, open to any mistake. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the mistakes are of any shape
type Written = Record<string, any>;

/** The problems found in the sale process after a change to it. */
function problemsOf(change: (definition: Written) => void): string {
  const definition = structuredClone(saleDefinition) as Written;
  change(definition);
  try {
    compileDefinition(parseDefinition(definition), saleContracts);
  } catch (error) {
    expect(error).toMatchObject({ code: 'PROCESS_DEFINITION_INVALID' });
    return (error as Error).message;
  }
  return '';
}

describe('a definition', () => {
  it('is read into lists and milliseconds', () => {
    const { steps } = parseDefinition(saleDefinition);
    expect(steps.order).toMatchObject({
      after: [],
      until: ['OrderCreated', 'OrderRejected'],
      timeout: { ms: 900_000 },
    });
    expect(steps.notice?.after).toEqual(['packing', 'billing']);
  });

  it.each<[string, (definition: Written) => void, string]>([
    ['a missing setting', (d) => delete d.key, 'key: is missing'],
    ['a misspelt setting', (d) => (d.steps.order.timout = '1 day'), 'steps.order.timout: no such setting'],
    [
      'a misspelt setting of a compensation',
      (d) => (d.steps.order.compensation.til = 'X'),
      'steps.order.compensation.til: no such setting',
    ],
    [
      'a wrong duration',
      (d) => (d.steps.order.timeout = '15 minuts'),
      'steps.order.timeout: "15 minuts" is not a duration; write',
    ],
    [
      'no compensation',
      (d) => delete d.steps.billing.compensation,
      'steps.billing.compensation: must be "none", "irreversible" or a command',
    ],
    [
      'business time without a calendar',
      (d) => (d.steps.order.timeout = '4 business hours'),
      'steps.order.timeout: is in business time; say by which calendar with "calendar: <name>" at the top',
    ],
    [
      'an unknown calendar',
      (d) => (d.calendar = 'moon'),
      'calendar: there is no business calendar "moon"; known: none',
    ],
    ['an unknown step', (d) => (d.steps.billing.after = 'ordr'), 'steps.billing.after: there is no step "ordr"'],
    ['a circle', (d) => (d.steps.order.after = 'notice'), 'waits for itself'],
    [
      'an unknown command',
      (d) => (d.steps.order.command = 'CreateOrdr'),
      'steps.order.command: the contracts know no command CreateOrdr; did you mean "CreateOrder"?',
    ],
    ['an unknown event', (d) => (d['cancelled-by'] = 'DealGone'), 'cancelled-by: the contracts know no event DealGone'],
    [
      'a command where an event belongs',
      (d) => (d.records = 'PackOrder'),
      'records: the contracts know no event PackOrder; PackOrder is a command',
    ],
    ['a key that the start lacks', (d) => (d.key = 'orderId'), 'key: DealWon has no field orderId'],
    ['only refusals', (d) => (d.steps.order.until = 'OrderRejected'), 'steps.order.until: names no event of success'],
    [
      'one event for two commands',
      (d) => (d.steps.billing.until = 'OrderPacked'),
      'OrderPacked is awaited by step packing already',
    ],
    [
      'a field nobody knows',
      (d) => delete d.steps.billing.assigns,
      'steps.billing: IssueInvoice.invoiceId is not known when the command is sent',
    ],
    [
      'a field known too late',
      (d) => (d.steps.notice.after = 'packing'),
      'steps.notice: SendNotice.invoiceNumber is not known when the command is sent',
    ],
    [
      'an override from nowhere',
      (d) => (d.steps.order.with = { amount: 'InvoiceIssued.amount' }),
      'steps.order.with.amount: InvoiceIssued is not known when this command is sent',
    ],
    [
      'an override of nothing',
      (d) => (d.steps.order.with = { price: 'DealWon.amount' }),
      'steps.order.with.price: CreateOrder has no such field',
    ],
    ['an unknown attribute', (d) => (d.attributes = 'colour'), 'attributes: DealWon has no field colour'],
  ])('with %s is refused with its path and the next step', (_, change, problem) => {
    expect(problemsOf(change)).toContain(problem);
  });

  it('names all its problems at once', () => {
    const message = problemsOf((definition) => {
      definition.steps.order.command = 'Nothing';
      definition.steps.billing.after = 'nowhere';
    });
    expect(message).toContain('Nothing');
    expect(message).toContain('nowhere');
  });

  it('takes a field from where it is told to, even when it is known by another name already', () => {
    expect(problemsOf((definition) => (definition.steps.billing.with = { amount: 'OrderCreated.amount' }))).toBe('');
  });
});
