import { describe, expect, it } from '@jest/globals';
import { RuleFile } from './rule-file.js';

const definition = `process: sale
steps:
  order:
    command: CreateOrder
    until: OrderCreated
  billing: { command: IssueInvoice }
`;
const policy = `policy: big-deal
rules:
  - rule: small
    when: total < limit
  - rule: large
    then: { due: soon }
otherwise: { rule: huge }
examples:
  - name: A deal of 5.00 is small
    given: {}
`;

describe('a file of rules', () => {
  const told = (text: string, problem: string): string => new RuleFile('p.yaml', text).tell(problem);

  it.each([
    ['steps.order.until: is wrong', 5],
    ['steps.billing.command: is wrong', 6],
    ['steps.order.timeout: is missing', 3],
    ['starts: is missing', 1],
    ['nobody knows this: at all', 1],
  ])('tells where %s', (problem, line) => {
    expect(told(definition, problem)).toBe(`p.yaml:${line} ${problem}`);
  });

  it.each([
    ['rules.small.when: is wrong', 4],
    ['rules.1.then.due: is wrong', 6],
    ['large: due: is no term', 5],
    ['huge: roles: nobody has it', 7],
    ['"A deal of 5.00 is small": expect.rule: is another', 9],
  ])('tells where %s of a policy, whose name need not be said', (problem, line) => {
    expect(told(policy, `big-deal: ${problem}`)).toBe(`p.yaml:${line} ${problem}`);
  });

  it.each([
    ['a step that stands there twice', `${definition}  order: {}\n`, 'p.yaml:7 order stands here for the second time'],
    ['a tab', 'steps:\n\torder: {}\n', 'p.yaml:2 a tab stands here; indent with spaces'],
    ['a second document', `${definition}---\n${definition}`, 'p.yaml:7 a second document begins here'],
    ['a bracket that stays open', 'steps:\n  a: [x\n  b: y\n', 'look for a missing ":", a bracket or quote'],
    ['a name without ":"', 'steps:\n  order\n    owner: x\n', 'p.yaml:2 this is no YAML'],
  ])('says of %s what to do', (_, text, message) => {
    expect(() => new RuleFile('p.yaml', text).read()).toThrow(message);
  });

  it('is read as it was written', () => {
    expect(new RuleFile('p.yaml', definition).read()).toMatchObject({ steps: { order: { until: 'OrderCreated' } } });
    expect(new RuleFile('p.yaml', '').read()).toBeNull();
  });
});
