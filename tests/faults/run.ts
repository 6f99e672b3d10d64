import { setTimeout as sleep } from 'node:timers/promises';
import { findOpenInstances } from '../../apps/cli/src/demo/open-instances.js';
import { planDeals } from '../../apps/cli/src/demo/plan.js';
import { Vendors } from '../../apps/cli/src/demo/vendors.js';
import type { EndedPart } from '../../apps/cli/src/keep-running.js';
import { duration } from '../../apps/cli/src/output.js';
import type { Platform } from '../../apps/cli/src/platform.js';
import { readBus } from './bus.js';
import { checkBooks } from './check-books.js';
import { checkBus, type BusVerdict } from './check-bus.js';
import { checkGoods, DECIDED, returnedValues } from './check-goods.js';
import { checkDeadLetters, readDeadLetters, type FoundLetter } from './dead-letters.js';
import { planLife, type Life } from './lives.js';
import type { Network } from './network.js';
import { Poisoner } from './poison.js';
import { RecordReader } from './records.js';
import { describeFault, holdOf, MIN_IN_FLIGHT, ROUND_MS, type Fault, type Round } from './schedule.js';
import { Stories, type LivingDeal } from './stories.js';
import { Strikes } from './strike.js';
import { idOf, INSTANCES } from './victims.js';

/** Rounds wait while more deals than this are under way, so that a run stays within what one machine can do. */
const MAX_IN_FLIGHT = 60;
/** How long everything may take to come to its end after the last fault, in milliseconds. */
const SETTLE_LIMIT_MS = 240_000;
/** How long the last poison may take to be given up after everything else has ended, in milliseconds. */
const GIVING_UP_LIMIT_MS = 30_000;
const POLL_MS = 200;

export interface TimelineEntry {
  /** Since the first closing, in milliseconds. */
  atMs: number;
  what: string;
  inFlight: number;
  /** When it was over; undefined while it goes on. */
  overMs?: number;
}

export interface Outcome {
  deals: number;
  timeline: TimelineEntry[];
  problems: string[];
  bus: BusVerdict;
  /** All of them poison, where there is no problem. */
  deadLetters: number;
  /** From the last fault to the last deal's end. */
  settledMs: number;
  /** All that the systems had on record, for whoever looks into a difference. */
  evidence: object;
}

/** One run: deals close, faults strike, everything comes to an end, and then the records are asked. */
export class FaultRun {
  private readonly vendors: Vendors;
  private readonly strikes: Strikes;
  private readonly stories: Stories;
  private readonly timeline: TimelineEntry[] = [];
  private readonly problems: string[] = [];
  private readonly records: RecordReader;
  private readonly underWay = new Map<Promise<void>, LivingDeal>();
  /** Of a fault that is not over, by what it holds. */
  private readonly going = new Set<{ hold: string | undefined; over: Promise<void> }>();
  private readonly over = new AbortController();
  private startedAt = 0;

  constructor(
    private readonly parts: {
      platform: Platform;
      network: Network;
      rounds: readonly Round[];
      seed: number;
      say: (line: string) => void;
      signal: AbortSignal;
    },
  ) {
    const { platform, network, seed, signal } = parts;
    this.vendors = new Vendors(platform.topology, () => platform.services.urls('finance-adapter'));
    const poisoner = new Poisoner(platform.stack.addresses, seed);
    this.strikes = new Strikes({ platform, network, vendors: this.vendors, poisoner, seed });
    this.records = new RecordReader(platform.topology);
    this.stories = new Stories(platform.services, this.records, AbortSignal.any([this.over.signal, signal]));
  }

  async play(): Promise<Outcome> {
    const { rounds, say, signal } = this.parts;
    const deals = await this.createDeals();
    say(`${deals.length} deals stand open in the CRM.`);
    this.startedAt = performance.now();
    const lived: LivingDeal[] = [];
    for (const [index, round] of rounds.entries()) {
      await this.waitFor(() => performance.now() - this.startedAt >= index * ROUND_MS);
      await this.waitFor(() => this.underWay.size < MAX_IN_FLIGHT);
      const hold = holdOf(round.fault);
      await this.waitFor(() =>
        [...this.going].every((one) => !round.alone && (hold === undefined || one.hold !== hold)),
      );
      const mine = deals.slice(lived.length, lived.length + round.stories.length);
      lived.push(...mine);
      await Promise.all(mine.map((living) => this.begin(living)));
      this.strike(round.fault);
    }
    await Promise.all([...this.going].map(({ over }) => over));
    const lastFault = performance.now();
    say('The faults are over; everything has to come to its end by itself.');
    await this.settle();
    const settledMs = Math.round(performance.now() - lastFault);
    signal.throwIfAborted();
    return { deals: deals.length, timeline: this.timeline, settledMs, ...(await this.judge(lived)) };
  }

  /** Told by whoever runs the platform: nobody had asked this process to end. */
  endedByItself(part: EndedPart): void {
    const how = part.exit.signal ?? `exit code ${part.exit.code}`;
    this.note(`${part.name} ended by itself (${how})`).overMs = this.nowMs();
    this.problems.push(`${part.name} ended by itself (${how}), see ${part.logFile}`);
    const restart = async (): Promise<void> => {
      await part.restart().catch(() => (this.over.signal.aborted ? undefined : sleep(POLL_MS).then(restart)));
    };
    void restart();
  }

  /** Each customer has its own credit balance, and a credit note of one deal would pay another: so deals share no customer. */
  private async createDeals(): Promise<LivingDeal[]> {
    const { rounds, seed } = this.parts;
    const stories = rounds.flatMap((round) => round.stories);
    const { companies, deals } = planDeals(stories.length * 3, seed, String(seed));
    const lives = stories.map((story, index): Life => {
      return planLife(story, { ...deals[index]!, company: index }, `${seed}-${index + 1}`);
    });
    const created = await this.vendors.createDeals({ companies, deals: lives.map(({ deal }) => deal) });
    const living: LivingDeal[] = [];
    for (const [index, life] of lives.entries()) {
      const { currency, amount } = life.final;
      const lineIds = life.edited === life.deal ? new Map() : await this.records.lineIds(created[index]!.dealId);
      living.push({ life, deal: { ...created[index]!, currency, amount }, lineIds });
    }
    await Promise.all(living.map((one) => this.stories.stock(one)));
    return living;
  }

  /** Resolves when the deal is closed; its story goes on. */
  private begin(living: LivingDeal): Promise<void> {
    const closed = Promise.withResolvers<void>();
    const story = this.stories.live(living, closed.resolve).finally(() => {
      this.underWay.delete(story);
      closed.resolve();
    });
    // Where it is cut off, the settling has said so.
    story.catch((error: unknown) => {
      if (!this.over.signal.aborted)
        this.problems.push(`deal ${living.deal.dealId} (${living.life.story}): ${String(error)}`);
    });
    this.underWay.set(story, living);
    return closed.promise;
  }

  private strike(fault: Fault): void {
    const { say } = this.parts;
    const entry = this.note(describeFault(fault));
    if (entry.inFlight < MIN_IN_FLIGHT)
      this.problems.push(`only ${entry.inFlight} deals were under way at ${entry.what}`);
    say(
      `${seconds(entry.atMs)}  ${entry.what}${fault.forMs ? ` for ${duration(fault.forMs)}` : ''}, ${entry.inFlight} deals under way`,
    );
    const over = this.strikes.strike(fault).then(() => {
      entry.overMs = this.nowMs();
      this.going.delete(one);
    });
    const one = { hold: holdOf(fault), over };
    this.going.add(one);
    over.catch((error: unknown) => this.problems.push(`${entry.what} could not be carried out: ${String(error)}`));
  }

  private note(what: string): TimelineEntry {
    const entry = { atMs: this.nowMs(), what, inFlight: this.underWay.size };
    this.timeline.push(entry);
    return entry;
  }

  private nowMs(): number {
    return Math.round(performance.now() - this.startedAt);
  }

  /** Waits for every story, for effects that vendors owe, and for every instance to be ready again. */
  private async settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    const late = (): boolean => performance.now() > deadline;
    let said = this.underWay.size;
    await this.waitFor(() => {
      if (this.underWay.size < said / 2) this.parts.say(`${(said = this.underWay.size)} deals are still under way`);
      return this.underWay.size === 0 || late();
    });
    for (const { deal, life } of this.underWay.values())
      this.problems.push(
        `deal ${deal.dealId} (${life.story}) had not come to its end ${duration(SETTLE_LIMIT_MS)} after the last fault`,
      );
    await this.waitFor(async () => (await this.lateRequests()) === 0 || late());
    // The stories end with the sale; its delivery and its revenue are processes of their own.
    let open: string[] = [];
    await this.waitFor(async () => {
      const url = this.parts.platform.services.url('orchestrator');
      open = await findOpenInstances(url).catch((error: unknown) => [String(error)]);
      return open.length === 0 || late();
    });
    this.problems.push(...open);
    for (const instance of INSTANCES) {
      const url = this.parts.platform.services.urls(instance.service)[instance.number - 1]!;
      let answer = '';
      await this.waitFor(async () => (answer = await readiness(url)) === 'ready' || late());
      if (answer !== 'ready') this.problems.push(`${idOf(instance)} is not ready again: ${answer}`);
    }
    this.over.abort();
  }

  private async lateRequests(): Promise<number> {
    const response = await fetch(`${this.parts.platform.services.url('sandbox')}/sandbox/state`);
    return ((await response.json()) as { lateRequests: number }).lateRequests;
  }

  private async judge(lived: LivingDeal[]): Promise<Pick<Outcome, 'problems' | 'bus' | 'deadLetters' | 'evidence'>> {
    const { platform, say } = this.parts;
    say('Asking the CRM, the order system, the billing system, the subledger, the topics and for dead letters.');
    const books = await this.vendors.books(lived.map(({ deal }) => deal));
    const ends = lived.map(({ deal, life }) => ({ deal, story: life.story }));
    const goods = await this.records.all(
      platform.services.url('orchestrator'),
      lived.flatMap(({ life }) => life.goods?.sku ?? []),
      lived.flatMap(({ deal, life }) => (DECIDED.has(life.story) ? [deal.opportunityId] : [])),
    );
    const records = await readBus(platform.stack.addresses);
    const bus = checkBus(records);
    const deadline = performance.now() + GIVING_UP_LIMIT_MS;
    let letters: FoundLetter[] = [];
    // The last poison may just have been read.
    await this.waitFor(async () => {
      letters = await readDeadLetters(platform.services);
      return checkDeadLetters(records, letters).length === 0 || performance.now() > deadline;
    });
    const problems = [
      ...checkBooks(ends, books, returnedValues(lived, books, goods)),
      ...checkGoods(lived, books, goods),
      ...bus.problems,
      ...checkDeadLetters(records, letters),
    ];
    const evidence = { lived, books, orders: [...goods.orders.values()], records };
    return { bus, deadLetters: letters.length, problems: [...this.problems, ...problems], evidence };
  }

  private async waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await sleep(POLL_MS, undefined, { signal: this.parts.signal });
  }
}

/** `  12.3 s`, right-aligned for a timeline. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(6)} s`;
}

async function readiness(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(3_000) });
    return response.ok ? 'ready' : await response.text();
  } catch (error) {
    return (error as Error).message;
  }
}
