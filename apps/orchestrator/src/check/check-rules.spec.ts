import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkPolicies, checkProcesses, type ProcessReport, type Surroundings } from './check-rules.js';
import { locatePolicyProblem } from '../load-policies.js';
import { loadRules } from '../load-rules.js';
import { checkPolicyTerms } from '../tasks/policy-terms.js';
import { locate, locateInPolicies, parseServices, readRules, readSurroundings } from './read-rules.js';
import { renderReports } from './render-report.js';

const shipped = fileURLToPath(new URL('../../processes/', import.meta.url));
const plain = (text: string): string => text;

describe('processes check', () => {
  let around: Surroundings;
  let directory: string;
  beforeAll(async () => {
    const { policies, calendars } = loadRules();
    const at = '2026-11-25T10:00:00.000Z';
    around = { ...(await readSurroundings(undefined)), policies, calendars, at, maxDisturbances: 1 };
    directory = mkdtempSync(join(tmpdir(), 'throughline-check-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The reports after a change of one file of what ships. */
  function after(file: string, from: string | RegExp, to: string): { reports: ProcessReport[]; broken: string[] } {
    cpSync(shipped, directory, { recursive: true });
    const text = readFileSync(join(shipped, file), 'utf8');
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    writeFileSync(join(directory, file), changed);
    const { processes, broken } = readRules(directory);
    return { reports: checkProcesses(processes, around, () => 0), broken: broken.flatMap(({ problems }) => problems) };
  }
  const told = (reports: ProcessReport[]): string =>
    renderReports(reports, { good: plain, bad: plain, warning: plain, name: plain, dim: plain });

  it('finds what ships sound, and tells what each failure leads to', () => {
    const rules = readRules(undefined);
    const reports = checkProcesses(rules.processes, around, () => 0);
    expect([rules.broken, checkPolicies(rules, around)]).toEqual([[], []]);
    expect(reports.flatMap(({ problems, warnings, stories }) => [...problems, ...warnings, ...stories])).toEqual([]);
    expect(told(reports)).toContain('│  ├─ is refused: refused  after ReleaseOrder, CancelOrder');
    expect(told(reports)).toMatch(/is late +answered after its time; what is never answered stays overdue/);
    expect(told(reports).match(/credit-approval\? +a person is asked there/g)).toHaveLength(1);
  });

  it('shows the course on which a compensation that was taken away leaves something half-done', () => {
    const { reports, broken } = after('lead-to-cash.yaml', /\n {4}compensation: \{ command: VoidInvoice.*\}/, '');
    expect(broken).toEqual([expect.stringContaining('steps.billing.compensation: must be "none"')]);
    const [story] = reports.find(({ process }) => process === 'lead-to-cash')!.stories;
    expect(story?.problem).toContain('but billing still stands');
    expect(story?.path.some((move) => move.startsWith('InvoiceIssued'))).toBe(true);
    // One thing goes wrong, and no more is needed to show it.
    expect(story?.disturbances).toBe(1);
    expect(told(reports)).toMatch(
      /problem (refused|compensated), but billing still stands.*\n {5}1\. OpportunityClosedWon/,
    );
  });

  it.each([
    ['an unknown owner', 'owner: billing', 'owner: biling', 'there is no owner "biling"'],
    [
      'a command of another process',
      'until: RevenueScheduleRecorded',
      'command: RecordRevenueSchedule\n    assigns: scheduleId\n    until: RevenueScheduleRecorded',
      'is commanded by fulfilment-to-revenue, too',
    ],
  ])('names %s', (_, from, to, problem) => {
    const { reports, broken } = after('lead-to-cash.yaml', from, to);
    expect([...broken, ...reports.flatMap(({ problems }) => problems)].join('\n')).toContain(problem);
  });

  it.each([
    [
      'an unknown command',
      'command: IssueInvoice',
      'command: IssueInvoce',
      'the contracts know no command IssueInvoce; did you mean "IssueInvoice"',
    ],
    ['an unknown field of a condition', 'policy.creditApproval.required', 'totalAmont > 5', 'totalAmont'],
    ['a condition of the wrong type', 'policy.creditApproval.required', 'name', 'a condition is true or false'],
    [
      'an unknown policy',
      'checkpoint: credit-approval',
      'checkpoint: credit-aproval',
      'there is no policy "credit-aproval"',
    ],
    [
      'an amount that is none',
      'amount: totalAmount',
      'amount: currency',
      'amount: OpportunityClosedWon.currency is a text; name a field that is an amount',
    ],
    [
      'a source of another kind',
      'command: UpdateOpportunity',
      'command: UpdateOpportunity\n    with: { orderNumber: OrderCreated.totalAmount }',
      'OrderCreated.totalAmount is an amount, and UpdateOpportunity.orderNumber is a text',
    ],
    ['a misspelt setting', 'timeout: 15 minutes', 'timout: 15 minutes', 'did you mean "timeout"?'],
    ['an unknown calendar', 'calendar: head-office', 'calendar: moon', 'there is no business calendar "moon"'],
    ['a missing timeout', /timeout: 15 minutes\n/, '\n', 'steps.order.timeout: is missing'],
  ])('names %s, and checks the others all the same', (_, from, to, problem) => {
    const { reports, broken } = after('lead-to-cash.yaml', from, to);
    expect(broken.join('\n')).toContain(problem);
    expect(reports.map(({ process }) => process)).toContain('order-to-fulfilment');
  });

  it.each([
    [
      'an answer of another service',
      'VoidInvoice, until: InvoiceVoided | InvoiceCredited | InvoiceVoidRejected',
      'VoidInvoice, until: OrderLineReturned',
      'finance-adapter carries out VoidInvoice, and does not publish OrderLineReturned',
    ],
    [
      'a refusal that would not be taken',
      'until: OrderCreated | OrderRejected',
      'until: OrderCreated',
      'steps.order.until: CreateOrder may be answered by OrderRejected, and the process would not take it',
    ],
    [
      'an answer to an undo that would not be taken',
      'VoidInvoice, until: InvoiceVoided | InvoiceCredited | InvoiceVoidRejected',
      'VoidInvoice, until: InvoiceVoided | InvoiceVoidRejected',
      'steps.billing.compensation.until: VoidInvoice may be answered by InvoiceCredited',
    ],
    [
      'a step that is dead',
      'when: policy.creditApproval.required',
      'when: 1 > 2',
      'steps.credit-approval.when: "1 > 2" is never true',
    ],
    ['a checkpoint without a requester', 'requester: closedBy\n', '', 'requester: is missing'],
    [
      'business time of a policy without a calendar',
      /calendar: head-office\nsla: 2 business days/,
      'sla: 2 days',
      'counts in business time',
    ],
  ])('names %s', (_, from, to, problem) => {
    const { reports, broken } = after('lead-to-cash.yaml', from, to);
    expect([...broken, ...reports.flatMap(({ problems }) => problems)].join('\n')).toContain(problem);
  });

  it('takes it that an answer is shown, and not waited for', () => {
    const { reports, broken } = after(
      'lead-to-cash.yaml',
      /(requester: closedBy\n)([^]*until: OrderCreated) \| OrderRejected/,
      '$1shown: OrderRejected\n$2',
    );
    expect([...broken, ...reports.flatMap(({ problems }) => problems)]).toEqual([]);
  });

  it('refuses an event that means two things, and two files of one version', () => {
    const { broken } = after(
      'lead-to-cash.yaml',
      'rejected-by: OpportunityRejected',
      'rejected-by: [OpportunityRejected, OrderRejected]',
    );
    expect(broken.join()).toContain('steps.order.until: OrderRejected is named under "rejected-by" already');
    cpSync(join(shipped, 'lead-to-cash.yaml'), join(directory, 'second.yaml'));
    cpSync(join(shipped, 'lead-to-cash.yaml'), join(directory, 'lead-to-cash.yaml'));
    expect(readRules(directory).broken).toEqual([
      { file: 'second.yaml', problems: [expect.stringContaining('another file holds lead-to-cash')] },
    ]);
    rmSync(join(directory, 'second.yaml'));
  });

  it('names a command that no service carries out, and an event that none publishes', () => {
    const { 'finance-adapter': _, ...services } = around.services;
    const { processes } = readRules(undefined);
    const problems = checkProcesses(processes, { ...around, services }, () => 0).flatMap((report) => report.problems);
    expect(problems).toContainEqual(expect.stringContaining('no service carries out IssueInvoice'));
    expect(problems).toContainEqual(expect.stringContaining('InvoiceIssued: no service publishes it'));
  });

  it('says what to write where the services are listed as they were before', () => {
    const services = (handles: unknown) => () =>
      parseServices({ services: { ops: { handles, emits: ['OrderCreated'] } } });
    expect(services({ CreateOrder: ['OrderCreated', 'OrderRejected'] })).not.toThrow();
    expect(services(['CreateOrder'])).toThrow(
      /infra\/services.yaml cannot be used:\n {2}- services.ops.handles: must name each command with the events that answer it, for example "CreateOrder: \[OrderCreated, OrderRejected\]"/,
    );
    expect(services({ CreateOrder: 'OrderCreated' })).toThrow(/services.ops.handles.CreateOrder: must be the events/);
  });

  it('warns of a calendar whose holidays end before what begins now is due', () => {
    const { processes } = readRules(undefined);
    const reports = checkProcesses(processes, { ...around, at: '2028-12-20T10:00:00.000Z' }, () => 0);
    const warned = reports.find(({ process }) => process === 'order-to-fulfilment')!;
    expect(warned.warnings).toEqual([
      expect.stringMatching(/^sla: .* due on 2029-01-\d\d, and calendar head-office .* until 2028-12-31; list those/),
    ]);
    expect(told([warned])).toContain('  warning sla: ');
    // Ten business days of an expiry reach further than any time of the process itself.
    const [ofPolicy] = reports.find(({ process }) => process === 'lead-to-cash')!.warnings;
    expect(ofPolicy).toContain('checkpoint: policy ');
  });

  describe('with policies of its own', () => {
    let whole: string;
    beforeEach(() => {
      whole = mkdtempSync(join(tmpdir(), 'throughline-check-'));
      cpSync(shipped, join(whole, 'processes'), { recursive: true });
      cpSync(join(shipped, '../policies'), join(whole, 'policies'), { recursive: true });
    });
    afterEach(() => rmSync(whole, { recursive: true, force: true }));
    const change = (file: string, ...changes: [from: string | RegExp, to: string][]): void => {
      const path = join(whole, file);
      const text = readFileSync(path, 'utf8');
      const changed = changes.reduce((before, [from, to]) => before.replace(from, to), text);
      expect(changed).not.toBe(text);
      writeFileSync(path, changed);
    };

    /** The database of a service that ran what ships. */
    const ranBefore = () => loadRules().processes.map(({ name, version }) => ({ process: name, version }));

    it('what is refused only since it ran starts all the same; a new version of it does not', () => {
      change('processes/lead-to-cash.yaml', ['amount: totalAmount', 'amount: currency']);
      const start = () => loadRules({ processes: join(whole, 'processes') }, ranBefore());
      expect(start().processes).toHaveLength(3);
      expect(readRules(whole).broken).toEqual([expect.objectContaining({ file: 'lead-to-cash.yaml' })]);
      change('processes/lead-to-cash.yaml', [/^version: .*/m, 'version: 900']);
      expect(start).toThrow(/amount: OpportunityClosedWon.currency is a text; name a field that is an amount/);
    });

    it('refuses that time alone approves what cannot be undone, and so does a start of the service', () => {
      change('policies/credit-approval.yaml', ['onExpiry: reject', 'onExpiry: approve']);
      change(
        'processes/lead-to-cash.yaml',
        ['    when: policy.creditApproval.required\n', ''],
        [/compensation: none\n    because: The numbers.*\n/, 'compensation: irreversible\n'],
      );
      const directories = { processes: join(whole, 'processes'), policies: join(whole, 'policies') };
      expect(() => loadRules(directories)).toThrow(
        expect.objectContaining({
          code: 'PROCESS_DEFINITION_INVALID',
          message: expect.stringMatching(
            /lead-to-cash.yaml: steps.credit-approval.checkpoint: policy credit-approval, rule .* approves when nobody decides, and step write-back .* write onExpiry: reject or escalate/,
          ),
        }),
      );
      expect(loadRules(directories, ranBefore()).processes).toHaveLength(3);
      const { processes, policies, broken } = readRules(whole);
      expect(broken).toEqual([]);
      const reports = checkProcesses(processes, { ...around, policies }, () => 0);
      expect(reports.flatMap(({ problems }) => problems)).toEqual([
        expect.stringMatching(
          /^steps.credit-approval.checkpoint: policy credit-approval, rule .* approves when nobody decides, and step write-back after it cannot be undone/,
        ),
      ]);
    });

    it('refuses terms with file and line, and so does a start of the service, which only warns of those that can never act', () => {
      const look = () => {
        const rules = readRules(whole);
        const told = locateInPolicies(checkPolicies(rules, around), rules.files);
        const files = [...rules.policies.all.values()].map(({ file }) => file);
        const directory = pathToFileURL(`${join(whole, 'policies')}/`);
        const locating = (problem: string) => locatePolicyProblem(problem, directory);
        return { told, start: () => checkPolicyTerms(files, around.people, locating) };
      };
      change('policies/credit-approval.yaml', ['escalateAfter: 1 business day', 'escalateAfter: 20 business days']);
      const { told, start } = look();
      expect(told.length).toBeGreaterThan(0);
      for (const problem of told)
        expect(problem).toMatch(
          /^credit-approval\.yaml:\d+ [a-z-]+: escalateAfter: it escalates after 20 business days/,
        );
      expect(start).not.toThrow();
      change('policies/credit-approval.yaml', ['roles: [credit-controller]', 'roles: [nobody-here]']);
      const [missing] = look().told.filter((problem) => problem.includes('people have nobody-here'));
      expect(missing).toMatch(/^credit-approval\.yaml:\d+ /);
      expect(look().start).toThrow(expect.objectContaining({ message: expect.stringContaining(missing!) }));
    });

    it('tells of every broken file, and of the others all the same', () => {
      change('policies/credit-approval.yaml', [
        'total: money(totalAmount, currency)',
        'total: money(totalAmout, currency)',
      ]);
      change('policies/compliance-review.yaml', ['policy: compliance-review', 'policy: [']);
      change('policies/contract-exception.yaml', [/expect: \{ rule: [a-z-]+/, 'expect: { rule: another']);
      change('processes/order-to-fulfilment.yaml', ['owner: fulfilment', 'ownr: fulfilment']);
      change('processes/lead-to-cash.yaml', ['owner: billing', 'owner: biling']);
      const rules = readRules(whole);
      expect(rules.broken.map(({ file }) => file)).toEqual([
        'compliance-review.yaml',
        'credit-approval.yaml',
        'order-to-fulfilment.yaml',
      ]);
      expect(rules.broken[1]!.problems).toEqual([
        expect.stringMatching(/^credit-approval\.yaml:\d+ names\.total: there is no "totalAmout" here/),
      ]);
      const reports = checkProcesses(rules.processes, { ...around, policies: rules.policies }, () => 0);
      const problems = [
        ...locateInPolicies(checkPolicies(rules, around), rules.files),
        ...locate(reports, rules.files).flatMap((report) => report.problems),
      ];
      expect(problems).toEqual([
        expect.stringMatching(/^contract-exception\.yaml:\d+ "A year at the list price is standard": expect.rule/),
        expect.stringMatching(/^lead-to-cash\.yaml:\d+ steps\.billing\.owner: there is no owner "biling"/),
      ]);
    });
  });
});
