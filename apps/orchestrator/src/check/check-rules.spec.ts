import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPolicies, checkProcesses, type ProcessReport, type Surroundings } from './check-rules.js';
import { loadRules } from '../load-rules.js';
import { readRules, readSurroundings } from './read-rules.js';
import { renderReports } from './render-report.js';

const shipped = fileURLToPath(new URL('../../processes/', import.meta.url));
const plain = (text: string): string => text;

describe('processes check', () => {
  let around: Surroundings;
  let directory: string;
  beforeAll(async () => {
    around = { ...(await readSurroundings(undefined)), policies: loadRules().policies, maxDisturbances: 1 };
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
    renderReports(reports, { good: plain, bad: plain, name: plain, dim: plain });

  it('finds what ships sound, and tells what each failure leads to', () => {
    const rules = readRules(undefined);
    const reports = checkProcesses(rules.processes, around, () => 0);
    expect([rules.broken, checkPolicies(rules, around)]).toEqual([[], []]);
    expect(reports.flatMap(({ problems, stories }) => [...problems, ...stories])).toEqual([]);
    expect(told(reports)).toContain('│  ├─ is refused: refused  after ReleaseOrder, CancelOrder');
  });

  it('shows the course on which a compensation that was taken away leaves something half-done', () => {
    const { reports, broken } = after('lead-to-cash.yaml', /\n {4}compensation: \{ command: VoidInvoice.*\}/, '');
    expect(broken).toEqual([expect.stringContaining('steps.billing.compensation: must be "none"')]);
    const [story] = reports.find(({ process }) => process === 'lead-to-cash')!.stories;
    expect(story?.problem).toContain('but billing still stands');
    expect(story?.path.some((move) => move.startsWith('InvoiceIssued'))).toBe(true);
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
      'the contracts know no command IssueInvoce; did you mean IssueInvoice',
    ],
    ['an unknown field of a condition', 'policy.creditApproval.required', 'totalAmont > 5', 'totalAmont'],
    ['a condition of the wrong type', 'policy.creditApproval.required', 'name', 'a condition is true or false'],
    [
      'an unknown policy',
      'checkpoint: credit-approval',
      'checkpoint: credit-aproval',
      'there is no policy "credit-aproval"',
    ],
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
});
