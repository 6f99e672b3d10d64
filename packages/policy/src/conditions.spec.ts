import { describe, expect, it } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { compilePolicies, type Compiled, type Facts, type Scope } from './policies.js';

const creditApproval = {
  policy: 'credit-approval',
  version: 3,
  owner: 'credit-control',
  reason: 'Large deals are looked at.',
  about: 'OpportunityClosedWon',
  names: {
    total: 'money(totalAmount, currency)',
    region: { of: 'account.country', groups: { home: ['DE'] }, otherwise: 'abroad', empty: 'unknown' },
    limit: { of: 'region', table: { home: ['1 000 EUR'], abroad: ['500 EUR'], unknown: ['100 EUR'] } },
  },
  outputs: { required: 'boolean', limit: 'money', share: 'number', level: 'one of low, high' },
  defaults: {
    level: 'low',
    limit: '= limitFor(limit, currency)',
    share: '= round(total / limitFor(limit, currency), 4)',
  },
  rules: [{ rule: 'small', when: 'total <= limit', then: { required: false, share: 0 } }],
  otherwise: { rule: 'large', then: { required: true, level: 'high' } },
  examples: [{ name: 'small', given: { totalAmount: 1, currency: 'EUR', account: {} }, expect: { rule: 'small' } }],
};
const policies = compilePolicies([creditApproval], { catalog });

const scope: Scope = {
  start: 'OpportunityClosedWon',
  steps: { 'new-order': ['OrderCreated'], billing: ['InvoiceIssued'] },
};
const facts: Facts = {
  start: {
    totalAmount: '501.0000',
    currency: 'EUR',
    account: { country: 'FR', name: 'Ada' },
    serviceStart: '2026-12-01',
    serviceEnd: '2027-11-30',
    closedAt: '2026-11-22T10:00:00.000Z',
    occurrence: 2,
    lineItems: [{ sku: 'PLATFORM', quantity: '2.0000', unitAmount: '250.5000', amount: '501.0000' }],
  },
  steps: { 'new-order': { orderNumber: '1001' }, billing: { totalAmount: '501.0000', currency: 'EUR' } },
};

function compiled(text: string, at: Scope = scope): Compiled<boolean> {
  const result = policies.compileCondition(text, at);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result;
}
function problems(text: string, at: Scope = scope): string[] {
  const result = policies.compileCondition(text, at);
  return 'problems' in result ? result.problems : [];
}

describe('a condition of a process', () => {
  it.each([
    ['totalAmount > 500 && currency == "EUR"', true],
    ['account.country in ["DE", "AT"]', false],
    ['has(account.domain)', false],
    ['has(account.name) && has(totalAmount)', true],
    ['!has(account.domain) || account.domain.endsWith(".example")', true],
    ['orElse(account.domain, "none") == "none"', true],
    ['months(serviceStart, serviceEnd) == 12 && days(serviceStart, serviceStart) == 1', true],
    ['serviceStart > date("2026-11-30") && date(closedAt) < serviceStart', true],
    ['closedAt < timestamp("2026-11-23T00:00:00Z") && occurrence == 2', true],
    ['lineItems.exists(line, line.sku.startsWith("PLAT")) && size(lineItems) == 1', true],
    ['sum(lineItems.map(line, line.quantity * line.unitAmount)) == totalAmount', true],
    ['newOrder.orderNumber == "1001" && billing.totalAmount == totalAmount', true],
    ['policy.creditApproval.required', true],
    ['policy.creditApproval.limit == money("500 EUR") && policy.creditApproval.share > 1', true],
    ['policy.creditApproval.level == "low"', false],
  ])('is true or false of the facts: %s', (text, expected) => {
    expect(compiled(text).evaluate(facts).value).toBe(expected);
  });

  it('reads exactly the facts that it uses, and those that its policies use', () => {
    expect(compiled('has(account.domain) && newOrder.orderNumber != "1"').reads).toEqual([
      { from: 'start', field: 'account' },
      { from: 'step', step: 'new-order', field: 'orderNumber' },
    ]);
    expect(compiled('policy.creditApproval.required && lineItems.all(name, name.sku != "")').reads).toEqual([
      { from: 'start', field: 'totalAmount' },
      { from: 'start', field: 'currency' },
      { from: 'start', field: 'account' },
      { from: 'start', field: 'lineItems' },
    ]);
    const { reads, evaluate } = compiled('policy.creditApproval.required');
    const kept = Object.fromEntries(reads.map(({ field }) => [field, facts.start[field]]));
    expect(evaluate({ start: kept, steps: {} }).value).toBe(true);
  });

  it('tells what every policy said that had a part in it', () => {
    expect(compiled('policy.creditApproval.required').evaluate(facts).policies).toEqual([
      {
        policy: 'credit-approval',
        version: 3,
        rule: 'large',
        because: 'Large deals are looked at.',
        outputs: { required: true, level: 'high', limit: { amount: '500.0000', currency: 'EUR' }, share: '1.0020' },
      },
    ]);
  });

  it('is answered by what a rule says before what all of them say', () => {
    const small = { ...facts, start: { ...facts.start, totalAmount: '5.0000' } };
    const [outcome] = compiled('policy.creditApproval.required').evaluate(small).policies;
    expect(outcome).toMatchObject({ rule: 'small', outputs: { required: false, level: 'low', share: '0.0000' } });
  });

  it('looks into the item of a step that is repeated, or begun by an event', () => {
    const line: Scope = { start: 'OrderCreated', steps: {}, item: { type: 'OpportunityClosedWon', path: 'lineItems' } };
    const payment: Scope = { start: 'OrderCreated', steps: {}, item: { type: 'PaymentReceived' } };
    const item = { sku: 'A', quantity: '3.0000', amount: '12.3400' };
    expect(compiled('item.quantity > 2', line).reads).toEqual([{ from: 'item', field: 'quantity' }]);
    expect(compiled('item.quantity > 2', line).evaluate({ start: {}, steps: {}, item }).value).toBe(true);
    expect(compiled('item.amount < 12.35', payment).evaluate({ start: {}, steps: {}, item }).value).toBe(true);
    expect(problems('item.quantty > 2', line)).toEqual([
      expect.stringMatching(/no field quantty; did you mean "quantity"/),
    ]);
    expect(problems('item.quantity > 2', payment)).toEqual([
      expect.stringMatching(/PaymentReceived has no field quantity/),
    ]);
  });

  it.each([
    ['totalAmont > 500', /there is no "totalAmont" here; did you mean "totalAmount"\?/],
    ['account.contry == "DE"', /Account has no field contry; did you mean "country"\?/],
    ['has(account.contry)', /Account has no field contry/],
    ['lineItems.exists(line, line.skew == "A")', /LineItem has no field skew/],
    ['newOrder.orderNo == "1"', /has no field orderNo/],
    ['provisioning.orderId == "1"', /there is no "provisioning" here/],
    ['policy.creditAproval.required', /no field creditAproval; did you mean "creditApproval"\?/],
    ['policy.creditApproval.require', /no field require; did you mean "required"\?/],
    ['mony(totalAmount, currency) > money(5, currency)', /there is no function "mony"; did you mean "money"\?/],
    ['currency.startWith("E")', /there is no function "startWith"; did you mean "startsWith"\?/],
    ['currency > 5', /string > int has no meaning/],
    ['totalAmount', /gives decimal; a condition is true or false/],
    ['size([newOrder]) == 1', /"newOrder" alone says nothing/],
    [
      'account.country.startsWith("D")',
      /account\.country can be empty; say what holds then|"account.country" can be empty/,
    ],
    ['totalAmount > 500 &&', /Unexpected token/],
    ['currency == 5', /string == int has no meaning/],
    ['account.country == 5', /string == int has no meaning/],
    ['true != account.domain', /string != bool has no meaning/],
    ['has(lineItems[0].sku)', /has\(\) takes a field/],
  ])('that cannot mean anything is told with what to write instead: %s', (text, problem) => {
    expect(problems(text)).toEqual([expect.stringMatching(problem)]);
  });

  it('fails with a code where a fact is missing, and never takes an empty value for a false one', () => {
    const without = (start: Record<string, unknown>): Facts => ({ start, steps: {} });
    expect(() => compiled('totalAmount > 500').evaluate(without({}))).toThrow(
      expect.objectContaining({
        code: 'POLICY_FACT_MISSING',
        message: expect.stringMatching(/^totalAmount is not known/),
      }),
    );
    expect(() => compiled('account.name == "Ada"').evaluate(without({ account: {} }))).toThrow(
      expect.objectContaining({ code: 'POLICY_FACT_MISSING' }),
    );
    expect(() => compiled('totalAmount > 500').evaluate(without({ totalAmount: 500.5 }))).toThrow(
      expect.objectContaining({ code: 'POLICY_FACT_INVALID' }),
    );
    expect(() =>
      compiled('account.country != "XX" && (account.country == null || true) && account.country.size() == 2').evaluate(
        without({ account: { country: null } }),
      ),
    ).toThrow(expect.objectContaining({ code: 'POLICY_VALUE_EMPTY' }));
  });
});

describe('the policy of a checkpoint', () => {
  it('is asked about the message it is about, wherever the process has it', () => {
    const started = policies.compilePolicy('credit-approval', scope);
    const later = policies.compilePolicy('credit-approval', {
      start: 'OrderCreated',
      steps: { deal: ['OpportunityClosedWon'] },
    });
    if ('problems' in started || 'problems' in later) throw new Error('both can be compiled');
    expect(started.evaluate(facts)).toMatchObject({ value: { rule: 'large' }, policies: [{ rule: 'large' }] });
    expect(later.reads[0]).toEqual({ from: 'step', step: 'deal', field: 'totalAmount' });
    expect(later.evaluate({ start: {}, steps: { deal: facts.start } }).value.rule).toBe('large');
  });

  it('must exist, and be about something that the process knows by then', () => {
    expect(policies.compilePolicy('credit-aproval', scope)).toEqual({
      problems: ['there is no policy "credit-aproval"; did you mean "credit-approval"?'],
    });
    expect(policies.compilePolicy('credit-approval', { start: 'OrderCreated', steps: {} })).toEqual({
      problems: [expect.stringMatching(/is about OpportunityClosedWon, which is not known here/)],
    });
  });

  it('names policy, version and rule where it cannot be answered', () => {
    const asked = policies.compilePolicy('credit-approval', scope);
    if ('problems' in asked) throw new Error('it can be compiled');
    expect(() => asked.evaluate({ ...facts, start: { ...facts.start, currency: 'USD' } })).toThrow(
      expect.objectContaining({
        code: 'POLICY_LIMIT_MISSING',
        message: expect.stringMatching(
          /^policy credit-approval version 3, rule small: "total <= limit": There is no limit for USD/,
        ),
      }),
    );
  });
});
