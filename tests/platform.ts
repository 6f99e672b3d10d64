import { canonicalId } from '@throughline/contracts';
import { ended } from '@throughline/process';
import { dealStory, type DealStory, type Occurrence } from '../apps/cli/src/deal-show.js';
import { planDeals, type PlannedDeal } from '../apps/cli/src/demo/plan.js';
import { Vendors } from '../apps/cli/src/demo/vendors.js';
import type { ExpectedDeal } from '../apps/cli/src/demo/verify.js';
import { TENANTS, type ServiceName, type TopologyInput } from '../apps/cli/src/topology.js';

/** How long one story may take on a busy machine. */
export const STORY_LIMIT_MS = 90_000;

/** The platform that `npm test` started: two instances of every service. */
export class RunningPlatform {
  readonly topology: TopologyInput;
  readonly vendors: Vendors;
  private count = 0;

  constructor() {
    const topology = process.env['THROUGHLINE_PLATFORM'];
    if (!topology) throw new Error('No platform is running: whole stories run by `npm test -- e2e`, which starts one.');
    this.topology = JSON.parse(topology) as TopologyInput;
    this.vendors = new Vendors(this.topology, () => this.urls('finance-adapter'));
  }

  urls(service: ServiceName): string[] {
    return this.topology.instances
      .filter((instance) => instance.service === service)
      .map(({ port }) => `http://127.0.0.1:${port}`);
  }

  /** An ordinary deal that stands open in the CRM; `change` makes it another one. */
  async openDeal(change: Partial<PlannedDeal> = {}): Promise<ExpectedDeal> {
    return (await this.openDeals(1, change))[0]!;
  }

  /** Deals of one new customer. */
  async openDeals(count: number, change: Partial<PlannedDeal> = {}): Promise<ExpectedDeal[]> {
    this.count += 1;
    const plan = planDeals(count, this.count, `${process.pid}-${Date.now()}-${this.count}`);
    return this.vendors.createDeals({
      companies: plan.companies.slice(0, 1),
      deals: plan.deals.map((deal) => ({ ...deal, company: 0, ...change })),
    });
  }

  /** The story of a deal once it has as many closings as asked for, all of them ended. */
  async ended(dealId: string, closings = 1): Promise<DealStory> {
    const id = canonicalId('hubspot', TENANTS.hubspotPortal, 'deal', dealId);
    const deadline = Date.now() + STORY_LIMIT_MS;
    for (;;) {
      const story = await dealStory(this.urls('orchestrator'), id, { untilEndedMs: deadline - Date.now() });
      if (story.occurrences.length >= closings || Date.now() > deadline) return story;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** The same, once every other process that the deal set off has ended too. */
  async settled(dealId: string, closings = 1): Promise<DealStory> {
    const deadline = Date.now() + STORY_LIMIT_MS;
    for (;;) {
      const story = await this.ended(dealId, closings);
      const open = story.linked.filter(({ status }) => !(ended as readonly string[]).includes(status));
      if (story.linked.length > 0 && open.length === 0) return story;
      if (Date.now() > deadline) throw new Error(`it never came to rest: ${JSON.stringify(story, undefined, 2)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** The story once `condition` holds for its closing; fails with the story where it never does. */
  async until(dealId: string, closing: number, condition: (occurrence: Occurrence) => boolean): Promise<Occurrence> {
    const deadline = Date.now() + STORY_LIMIT_MS;
    for (;;) {
      const response = await fetch(`${this.urls('orchestrator')[0]}/v1/deals/${dealId}`, {
        signal: AbortSignal.timeout(10_000),
      });
      const story = response.ok ? ((await response.json()) as DealStory) : undefined;
      const occurrence = story?.occurrences[closing - 1];
      if (occurrence && condition(occurrence)) return occurrence;
      if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(story, undefined, 2)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** A GET at one of a service's instances, parsed. */
  async get<T>(service: ServiceName, path: string): Promise<T> {
    const response = await fetch(`${this.urls(service)[0]}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${service} answered ${response.status} to ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}
