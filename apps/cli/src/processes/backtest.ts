import { formatMoney } from '@throughline/contracts';
import { readFileSync } from 'node:fs';
import { colours, CommandError, table } from '../output.js';
import type { ServicesApi } from '../services-api.js';
import { joinSummaries, type BacktestSummary, type Share } from './join-backtests.js';

interface Course {
  status: string;
  approvals: string[];
}

/** The parts of the orchestrator's answer that are shown; its OpenAPI page has the whole. */
interface Backtest {
  candidate: { kind: string; name: string; version: number; refusedAtStart: string | null };
  since: string;
  at: string;
  isCutShort: boolean;
  next: string | null;
  summary: BacktestSummary;
  differences: {
    id: string;
    process: string;
    key: string;
    occurrence: number;
    amount: string | null;
    currency: string | null;
    differs: string[];
    was: Course;
    would: Course;
    blocked: string | null;
  }[];
}

/** Rows of the table of differing instances; `--json` has all of them. */
const ROWS = 25;
/** Instances compared in one request: a few seconds of the 30 that one may take, also on a busy machine. */
const PART = 1_000;

/** Asks what recorded instances would have become by a candidate, and shows it. Exit code 0 whatever would differ. */
export async function backtest(
  api: ServicesApi,
  { candidate, since, limit, json }: { candidate: string; since: string; limit: number; json: boolean },
): Promise<void> {
  const text = read(candidate);
  const answer = await inParts(api, { candidate: text, since }, limit);
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${render(answer)}\n`);
}

/** One request after the other, each of which the orchestrator answers in good time; progress on standard error where somebody watches. */
async function inParts(api: ServicesApi, request: object, limit: number): Promise<Backtest> {
  const startedAt = performance.now();
  const ask = (rest: number, before?: Backtest): Promise<Backtest> =>
    api.send<Backtest>('orchestrator', 'POST', '/backtests', {
      ...request,
      ...(before && { after: before.next, at: before.at }),
      limit: Math.min(PART, rest),
      differences: PART,
    });
  let all = await ask(limit);
  while (all.next !== null && all.summary.instances < limit) {
    const seconds = (performance.now() - startedAt) / 1_000;
    if (process.stderr.isTTY)
      process.stderr.write(`\r${all.summary.instances} instances compared in ${seconds.toFixed(0)} s ...`);
    const part = await ask(limit - all.summary.instances, all);
    all = {
      ...part,
      summary: joinSummaries(all.summary, part.summary),
      differences: [...all.differences, ...part.differences],
    };
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return all;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`The candidate ${file} cannot be read: ${(error as Error).message}.`);
  }
}

function render({ candidate, since, isCutShort, summary, differences }: Backtest): string {
  const { name, version, kind } = candidate;
  const approvals = Object.entries(summary.approvals).flatMap(([checkpoint, { more, fewer }]) => [
    ...(more.instances > 0 ? [[`${checkpoint}: people asked`, `+${more.instances}`, moneyOf(more)]] : []),
    ...(fewer.instances > 0 ? [[`${checkpoint}: people asked`, `-${fewer.instances}`, moneyOf(fewer)]] : []),
  ]);
  const terms = Object.entries(summary.terms).map(([checkpoint, share]) => [
    `${checkpoint}: other people or times`,
    share.instances,
    moneyOf(share),
  ]);
  const commands = Object.entries(summary.commands).map(([type, count]) => [type, count > 0 ? `+${count}` : count, '']);
  const sla = [
    ...(summary.sla.more > 0 ? [['promises broken', `+${summary.sla.more}`, '']] : []),
    ...(summary.sla.fewer > 0 ? [['promises broken', `-${summary.sla.fewer}`, '']] : []),
  ];
  const kinds = Object.entries(summary.byKind).flatMap(([what, count]) => (count > 0 ? [`${what} ${count}`] : []));
  const lines = [
    `${colours.bold(`${kind} ${name} ${version}`)} on ${summary.instances} instances that started since ${since}`,
    '',
    table(
      ['what', 'instances', 'money'],
      [
        ['unchanged', summary.unchanged, ''],
        [
          `would differ${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`,
          summary.differing.instances,
          moneyOf(summary.differing),
        ],
        ...(summary.blocked > 0 ? [['could not be compared', summary.blocked, '']] : []),
        ...approvals,
        ...terms,
        ...commands,
        ...sla,
      ],
    ),
  ];
  if (differences.length > 0)
    lines.push(
      '',
      table(['instance', 'process', 'amount', 'was', 'would be', 'differs in'], differences.slice(0, ROWS).map(rowOf)),
    );
  if (differences.length > ROWS) lines.push(`... and ${differences.length - ROWS} more; --json tells all of them.`);
  if (candidate.refusedAtStart) lines.push('', colours.yellow(candidate.refusedAtStart));
  if (isCutShort)
    lines.push('', colours.yellow('More instances started since then: raise --limit to look at them, too.'));
  return lines.join('\n');
}

function rowOf({
  id,
  process: name,
  amount,
  currency,
  was,
  would,
  differs,
  blocked,
}: Backtest['differences'][number]): string[] {
  const shown = amount !== null && currency !== null ? formatMoney(amount, currency) : '';
  return [id, name, shown, courseOf(was), blocked ?? courseOf(would), differs.join(', ')];
}

const courseOf = ({ status, approvals }: Course): string =>
  approvals.length > 0 ? `${status}, asked: ${approvals.join(', ')}` : status;

const moneyOf = ({ amounts }: Share): string =>
  Object.entries(amounts)
    .map(([currency, amount]) => formatMoney(amount, currency))
    .join(' + ');
