import Table from 'cli-table3';
import type { DrainFigures } from './backlog.js';
import type { FailingKeysFigures } from './failing-keys.js';
import type { IdleFigures } from './idle.js';
import type { Limits } from './limits.js';
import type { OrchestratorFigures } from './open-instances.js';
import type { PathFigures } from './measure-path.js';
import { total, type CpuParts } from './proc.js';
import type { SandboxMeasurement } from './sandbox.js';
import type { ValidationFigures } from './validation.js';
import { judge, type Verdict } from './verdict.js';

/** What was measured; what was not asked for is absent. */
export interface Results {
  shipped?: PathFigures;
  traced?: PathFigures;
  limits?: Limits;
  failingKeys?: FailingKeysFigures;
  idle?: IdleFigures;
  validation?: ValidationFigures;
  backlog?: DrainFigures[];
  orchestrator?: OrchestratorFigures;
  sandbox?: SandboxMeasurement;
}

/** Every figure that has a limit, in the order in which they are shown. */
export function verdictsOf({ shipped, failingKeys, idle, validation, backlog = [], orchestrator }: Results): Verdict[] {
  return [
    ...(shipped
      ? (
          ['bareRatio', 'cpuSecondsPer1000', 'commitsPerMessage', 'p50Ms', 'p99Ms', 'cpuSecondsPer1000At50'] as const
        ).map((figure) => judge(figure, shipped[figure]))
      : []),
    ...(failingKeys ? [judge('healthyShare', failingKeys.healthyShare)] : []),
    ...(idle
      ? Object.entries(idle.percentOfCore).map(([side, percent]) =>
          judge('idlePercent', percent, `idlePercent ${side}`),
        )
      : []),
    ...(validation ? [judge('validationP99Ms', validation.validationP99Ms)] : []),
    ...backlog.flatMap((drain) =>
      (['slowestToMedian', 'rssGrowth', 'doubled', 'missing'] as const).map((figure) =>
        judge(figure, drain[figure], `${figure} with ${drain.instances} instance(s)`),
      ),
    ),
    ...(orchestrator ? [judge('openShare', orchestrator.openShare)] : []),
  ];
}

/** One line for scripts: the path's figures at the top, as they are quoted. */
export function toJson(results: Results): string {
  const { shipped, traced, ...others } = results;
  const all = { ...shipped, ...(traced && { at100PercentSampling: traced }), ...others, verdicts: verdictsOf(results) };
  return JSON.stringify(all, (_, value: unknown) => (typeof value === 'number' ? round(value) : value));
}

export function printTable(results: Results): void {
  const { shipped, traced, limits, failingKeys, idle, validation, backlog = [], orchestrator, sandbox } = results;
  const verdicts = new Map(verdictsOf(results).map((verdict) => [verdict.figure, verdict]));
  const table = new Table({
    head: ['', 'measured', 'limit', 'verdict', '100 % sampling'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'left', 'left', 'right'],
  });
  const row = (name: string, value: string | number, figure?: string, atFullSampling: string | number = ''): void => {
    const verdict = figure === undefined ? undefined : verdicts.get(figure);
    table.push([name, value, verdict?.limit ?? '', verdict ? (verdict.met ? 'met' : 'NOT MET') : '', atFullSampling]);
  };
  const ofPath = (name: string, of: (figures: PathFigures) => string | number, figure?: string): void => {
    if (shipped || traced) row(name, shipped ? of(shipped) : '', figure, traced ? of(traced) : '');
  };
  ofPath('processes per second at saturation', (m) => round(m.perSecond));
  ofPath('  of the bare loop', (m) => round(m.barePerSecond));
  ofPath('  ratio to it', (m) => round(m.bareRatio), 'bareRatio');
  ofPath('CPU-seconds per 1000 at saturation', (m) => round(m.cpuSecondsPer1000), 'cpuSecondsPer1000');
  ofPath('  services / postgres / broker', (m) => partsOf(m.cpuParts));
  ofPath('  of the bare loop', (m) => round(total(m.bareCpuParts)));
  ofPath('  services / postgres / broker', (m) => partsOf(m.bareCpuParts));
  ofPath('commits per message, effects apart', (m) => round(m.commitsPerMessage), 'commitsPerMessage');
  ofPath('at 50 per second: p50, ms', (m) => round(m.p50Ms), 'p50Ms');
  ofPath('at 50 per second: p99, ms', (m) => round(m.p99Ms), 'p99Ms');
  ofPath('  of the bare loop: p50, p99, ms', (m) => [m.bareP50Ms, m.bareP99Ms].map(round).join(' / '));
  ofPath('at 50 per second: CPU-seconds per 1000', (m) => round(m.cpuSecondsPer1000At50), 'cpuSecondsPer1000At50');
  ofPath('  services / postgres / broker', (m) => partsOf(m.cpuPartsAt50));
  ofPath('  of the bare loop', (m) => round(total(m.bareCpuPartsAt50)));
  ofPath('  services / postgres / broker', (m) => partsOf(m.bareCpuPartsAt50));
  ofPath('  worst lateness of a closing, ms', (m) => round(m.behindMs));
  if (failingKeys) {
    const { failing, healthyPerSecond, perSecondWithoutFailures, healthyShare } = failingKeys;
    row(`healthy per second, ${failing} deals failing`, round(healthyPerSecond));
    row('  per second, none failing', round(perSecondWithoutFailures));
    row('  share kept', round(healthyShare), 'healthyShare');
  }
  for (const [side, percent] of Object.entries(idle?.percentOfCore ?? {}))
    row(`idle ${side}, % of a core`, round(percent), `idlePercent ${side}`);
  if (validation) {
    const { perSecond, validationP50Ms, validationP99Ms, cpuSecondsPer1000, outcomes } = validation;
    row(`validations at ${perSecond} per second: p50, ms`, round(validationP50Ms));
    row('  p99, ms', round(validationP99Ms), 'validationP99Ms');
    row('  CPU-seconds per 1000', round(cpuSecondsPer1000));
    row(
      '  answers',
      Object.entries(outcomes)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(', '),
    );
  }
  for (const drain of backlog) {
    const of = `with ${drain.instances} instance(s)`;
    row(`backlog of ${drain.messages} ${of}, per second`, round(drain.perSecond));
    row('  per second by tenths', drain.perSecondByDecile.join(' '));
    row('  slowest tenth to median', round(drain.slowestToMedian), `slowestToMedian ${of}`);
    row('  memory by tenths, MB', drain.rssMegabytesByDecile.join(' '));
    row('  last tenth to median', round(drain.rssGrowth), `rssGrowth ${of}`);
    row('  taken by each instance, %', drain.shares.map((share) => round(share * 100)).join(' / '));
    row('  effects doubled', drain.doubled, `doubled ${of}`);
    row('  effects missing', drain.missing, `missing ${of}`);
  }
  for (const { open, events, timers, cpu, ...figures } of orchestrator ? [orchestrator.one, orchestrator.many] : []) {
    row(`${events} events, ${timers} timers, ${open} open: per CPU-second`, round(figures.perCpuSecond));
    row('  per second', round(figures.perSecond));
    row('  CPU-seconds: runner / postgres', [cpu.services, cpu.postgres].map(round).join(' / '));
    row('  statements of the largest batch', figures.statementsPerBatch);
  }
  if (orchestrator) row('  per CPU-second, many open against one', round(orchestrator.openShare), 'openShare');
  process.stdout.write(`${table.toString()}\n`);
  for (const [name, part] of Object.entries({
    'limits of the parts, per second': limits,
    'whole product against the sandbox': sandbox,
  })) {
    if (!part) continue;
    const figures = Object.entries(part).map(([key, value]) => `${key} ${round(value as number)}`);
    process.stdout.write(`${name}: ${figures.join(', ')}\n`);
  }
}

function partsOf({ services, postgres, broker }: CpuParts): string {
  return [services, postgres, broker].map(round).join(' / ');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
