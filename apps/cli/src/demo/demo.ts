import { setTimeout as sleep } from 'node:timers/promises';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { removePostgresData } from '@throughline/local-stack';
import type { Config } from '../config.js';
import { Installation } from '../installation.js';
import { namespaceOfRun, removeNamespace } from '../namespace.js';
import { colours, CommandError, duration, table } from '../output.js';
import { startPlatform, type Platform } from '../platform.js';
import { dealEnds, type DealEnd } from '../deal-show.js';
import { MIN_IN_FLIGHT, planKills, type KillTarget, type PlannedKill } from './kill-schedule.js';
import { findOpenInstances, findUncompletedInstances } from './open-instances.js';
import { planDeals } from './plan.js';
import { Vendors } from './vendors.js';
import { percentile, verify, type ExpectedDeal, type Verdict } from './verify.js';

export interface DemoOptions {
  deals: number;
  kill?: 'all';
  seed: number;
  /** Deals closed per second at most: several are always under way. */
  perSecond: number;
  /** Whether webhooks are duplicated, disordered and dropped. */
  faults: boolean;
  json: boolean;
}

/** What the vendors do to our webhooks during a demo: a tenth never comes. */
const FAULTS = (['hubspot', 'stripe'] as const).flatMap((vendor) => [
  { kind: 'webhook-duplicate', vendor, probability: 0.2 },
  { kind: 'webhook-disorder', vendor, probability: 0.3 },
  { kind: 'webhook-drop', vendor, probability: 0.1 },
]);
/** No run takes longer than this beyond the closing itself, in milliseconds. */
const END_LIMIT_MS = 180_000;
const POLL_MS = 250;

interface Kill {
  target: KillTarget;
  inFlight: number;
}

/**
 * `throughline demo`: a platform of its own, deals closed under faults, the end awaited, and then the proof by the vendors' own
 * APIs. Exit code 0 only if every deal has exactly one of each with equal amounts, every line is fulfilled, revenue is recognised from
 * then on, and no process is left open or stopped.
 */
export async function demo(own: Config, parent: Installation, options: DemoOptions): Promise<number> {
  const kills = options.kill ? planKills(options.deals, options.seed) : [];
  const installation = new Installation(freshDirectory(parent));
  const config: Config = { ...own, namespace: namespaceOfRun('demo') };
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());

  say(
    `Demo of ${options.deals} deals, seed ${options.seed}${options.kill ? ', killing every service, the sandbox and the broker once' : ''}.`,
  );
  let platform: Platform | undefined;
  let clean = false;
  try {
    platform = await startPlatform({
      config,
      installation,
      instances: options.kill ? 2 : 1,
      preferPorts: false,
      signal: interrupt.signal,
      onExit: (instance, logFile) => say(`${instance.service} ended by itself; its log: ${logFile}`),
    });
    const run = new Run(platform, options, kills, say, interrupt.signal);
    const result = await run.play();
    report(result, options);
    clean = result.ok;
    return result.ok ? 0 : 1;
  } finally {
    await platform?.stop();
    await removeNamespace(config.namespace, config).catch((error: Error) =>
      say(`Not everything with "${config.namespace}" in its name could be removed: ${error.message}`),
    );
    if (clean) {
      removePostgresData(installation.path('stack'));
      rmSync(installation.directory, { recursive: true, force: true });
    } else say(`Logs and data of this run are kept in ${installation.directory}`);
  }
}

/** Never one of an earlier run: its data would be this run's beginning. */
function freshDirectory(parent: Installation): string {
  mkdirSync(parent.path('demo'), { recursive: true });
  return mkdtempSync(parent.path('demo', 'run-'));
}

interface Result {
  ok: boolean;
  deals: number;
  completed: number;
  verdict: Verdict;
  p50Ms: number;
  p99Ms: number;
  perSecond: number;
  seed: number;
  kills: Kill[];
}

/** One run: closing, killing, waiting, asking. */
class Run {
  private readonly vendors: Vendors;
  private readonly closedAt = new Map<string, number>();
  private readonly done = new Map<string, DealEnd>();
  private readonly kills: Kill[] = [];
  /** Instances of any process that have not come to their good end, one sentence each. */
  private uncompleted: string[] = [];
  /** The opportunities of this run: an external orchestrator may know others. */
  private opportunities = new Set<string>();
  /** Ends every wait, by Ctrl-C or because another part of the run failed. */
  private readonly over = new AbortController();
  private readonly signal: AbortSignal;

  constructor(
    private readonly platform: Platform,
    private readonly options: DemoOptions,
    private readonly plannedKills: PlannedKill[],
    private readonly say: (line: string) => void,
    interrupt: AbortSignal,
  ) {
    this.signal = AbortSignal.any([interrupt, this.over.signal]);
    this.vendors = new Vendors(platform.topology, () => platform.services.urls('finance-adapter'));
  }

  async play(): Promise<Result> {
    const plan = planDeals(this.options.deals, this.options.seed, String(this.options.seed));
    const deals = await this.vendors.createDeals(plan);
    this.opportunities = new Set(deals.map(({ opportunityId }) => opportunityId));
    this.say(`${deals.length} deals of ${plan.companies.length} customers stand open in the CRM.`);
    if (this.options.faults) await this.vendors.setFaults({ seed: this.options.seed, faults: FAULTS });

    const allClosed = Promise.withResolvers<void>();
    const closing = this.closeAll(deals).then(allClosed.resolve);
    try {
      await Promise.all([closing, this.watch(deals, allClosed.promise)]);
    } finally {
      this.over.abort();
    }

    await this.vendors.setFaults(null);
    const verdict = verify(deals, await this.vendors.evidence(deals));
    verdict.problems.push(...this.uncompleted);
    const durations = deals.flatMap(({ dealId, opportunityId }) => {
      const end = this.done.get(opportunityId);
      return end ? [Date.parse(end.endedAt) - this.closedAt.get(dealId)!] : [];
    });
    const completed = [...this.done.values()].filter(({ status }) => status === 'completed').length;
    const lastEnd = Math.max(...[...this.done.values()].map(({ endedAt }) => Date.parse(endedAt) || 0));
    const seconds = (lastEnd - Math.min(...this.closedAt.values())) / 1_000;
    return {
      ok: completed === deals.length && verdict.problems.length === 0 && this.kills.length === this.plannedKills.length,
      deals: deals.length,
      completed,
      verdict,
      p50Ms: percentile(durations, 0.5),
      p99Ms: percentile(durations, 0.99),
      perSecond: Math.round((completed / seconds) * 100) / 100,
      seed: this.options.seed,
      kills: this.kills,
    };
  }

  /** Closes the deals at a steady pace; around a kill all at once, so that enough are under way. */
  private async closeAll(deals: ExpectedDeal[]): Promise<void> {
    const open = [...deals];
    let restart: Promise<void> = Promise.resolve();
    for (const { target, afterClosed } of this.plannedKills) {
      const closed = deals.length - open.length;
      await this.closeSteadily(open.splice(0, afterClosed - MIN_IN_FLIGHT - closed));
      // One at a time: the next kill waits until this one is up again, as an operator's cluster would be asked to survive.
      await restart;
      await Promise.all(open.splice(0, MIN_IN_FLIGHT).map((deal) => this.close(deal)));
      await this.refresh();
      while (this.inFlight() < MIN_IN_FLIGHT && open.length > 0) {
        await Promise.all(open.splice(0, MIN_IN_FLIGHT - this.inFlight()).map((deal) => this.close(deal)));
        await this.refresh();
      }
      if (this.inFlight() < MIN_IN_FLIGHT) {
        this.say(
          `not killed: ${target}, because fewer than ${MIN_IN_FLIGHT} deals are under way and none is left to close`,
        );
      } else {
        restart = this.kill(target);
        // Awaited before the next kill; until then a failure must not count as unhandled.
        restart.catch(() => undefined);
      }
    }
    await this.closeSteadily(open);
    await restart;
  }

  private async closeSteadily(deals: ExpectedDeal[]): Promise<void> {
    const start = Date.now();
    const closing: Promise<void>[] = [];
    for (const [index, deal] of deals.entries()) {
      await delay(start + (index * 1_000) / this.options.perSecond - Date.now(), this.signal);
      closing.push(this.close(deal));
    }
    await Promise.all(closing);
  }

  /** The sandbox may be down at this very moment: a salesperson clicks again. Closing is idempotent. */
  private async close({ dealId }: ExpectedDeal): Promise<void> {
    this.closedAt.set(dealId, Date.now());
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.vendors.closeDeal(dealId);
      } catch (error) {
        if (attempt === 240) throw error;
        await delay(POLL_MS, this.signal);
      }
    }
  }

  private async kill(target: KillTarget): Promise<void> {
    const inFlight = this.inFlight();
    this.kills.push({ target, inFlight });
    this.say(`killing ${target} with ${inFlight} deals under way`);
    if (target === 'broker') {
      await this.platform.stack.parts.kafka?.kill();
      await this.platform.stack.parts.kafka?.start();
    } else {
      await this.platform.services.killAndRestart(target);
    }
    this.say(`${target} is up again`);
  }

  private async refresh(): Promise<void> {
    for (const end of await dealEnds(this.platform.services.urls('orchestrator'))) {
      if (this.opportunities.has(end.opportunityId)) this.done.set(end.opportunityId, end);
    }
  }

  private inFlight(): number {
    return this.closedAt.size - this.done.size;
  }

  /** Follows the deals until every one has ended, and what each has set off, or the limit after the last closing is over. */
  private async watch(deals: ExpectedDeal[], allClosed: Promise<void>): Promise<void> {
    let deadline = Infinity;
    void allClosed.then(() => (deadline = Date.now() + END_LIMIT_MS));
    let said = 0;
    while (this.done.size < deals.length && Date.now() < deadline) {
      await this.refresh();
      if (this.done.size - said >= Math.max(1, Math.floor(deals.length / 10))) {
        said = this.done.size;
        this.say(`${said} of ${deals.length} deals have ended`);
      }
      await delay(POLL_MS, this.signal);
    }
    if (this.done.size < deals.length)
      this.say(`${deals.length - this.done.size} deals had not ended ${duration(END_LIMIT_MS)} after the last closing`);
    await allClosed;
    const ask = (find: (url: string) => Promise<string[]>): Promise<string[]> =>
      find(this.platform.services.url('orchestrator')).catch((error: Error) => [
        `the orchestrator does not say what is still open: ${error.message}`,
      ]);
    while ((await ask(findOpenInstances)).length > 0 && Date.now() < deadline) await delay(POLL_MS, this.signal);
    this.uncompleted = await ask(findUncompletedInstances);
  }
}

function report(result: Result, options: DemoOptions): void {
  const { verdict } = result;
  for (const problem of verdict.problems.slice(0, 20)) process.stderr.write(`${colours.red('wrong')} ${problem}\n`);
  const line = {
    deals: result.deals,
    completed: result.completed,
    orders: verdict.orders,
    invoices: verdict.invoices,
    schedules: verdict.schedules,
    writtenBack: verdict.writtenBack,
    duplicates: verdict.duplicates,
    lost: verdict.lost,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    ...(!options.faults && { perSecond: result.perSecond }),
    ...(options.kill && { seed: result.seed, kills: result.kills }),
  };
  if (options.json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else {
    const rows = Object.entries(line).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((kill: Kill) => `${kill.target} (${kill.inFlight})`).join(', ') : String(value),
    ]);
    process.stdout.write(`${table(['', 'found'], rows)}\n`);
  }
  process.stderr.write(
    result.ok
      ? `${colours.green('proved')} every deal has exactly one of each, with equal amounts, delivered and recognised; nothing is left open\n`
      : `${colours.red('not proved')} see the lines above\n`,
  );
}

/** Waits, and ends early with an error where the run is over. */
async function delay(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(Math.max(0, ms), undefined, { signal });
  } catch {
    throw new CommandError('interrupted', 130);
  }
}
