import { setTimeout as sleep } from 'node:timers/promises';
import { readDeal, type Occurrence } from '../../apps/cli/src/deal-show.js';
import type { ExpectedDeal } from '../../apps/cli/src/demo/verify.js';
import type { Services } from '../../apps/cli/src/services.js';
import type { Story } from './schedule.js';

const POLL_MS = 500;
const AGAIN_MS = 300;
/** Limit of one question or click, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * What people do with a deal in the CRM and at the bank, and when: each step as soon as they see that the one before has come
 * through. They look at what the services' APIs say and click again where nobody answers; every click may be repeated.
 */
export class Stories {
  constructor(
    private readonly services: Pick<Services, 'urls' | 'url'>,
    private readonly signal: AbortSignal,
  ) {}

  /** Lives the story to its end; `closed` is called when the deal is closed for the first time. */
  async live(deal: ExpectedDeal, story: Story, pauseMs: number, closed: () => void): Promise<void> {
    await this.close(deal);
    closed();
    if (story === 'reopened-early') {
      await sleep(pauseMs, undefined, { signal: this.signal });
      await this.reopen(deal);
      if (await this.wasNoticed(deal)) await this.until(deal, 1, ({ status }) => status === 'compensated');
      return;
    }
    const done = await this.until(deal, 1, ({ status }) => status === 'completed');
    if (story === 'paid' || story === 'credited') {
      await this.pay(done);
      await this.until(deal, 1, ({ payments }) => payments.length === 1);
    }
    if (story === 'plain' || story === 'paid') return;
    await this.reopen(deal);
    await this.until(deal, 1, ({ status }) => status === 'compensated');
    if (story !== 'closed-again') return;
    await this.close(deal);
    await this.until(deal, 2, ({ status }) => status === 'completed');
  }

  private close({ dealId }: ExpectedDeal): Promise<void> {
    return this.click(`deals/${dealId}/close`);
  }

  private reopen({ dealId }: ExpectedDeal): Promise<void> {
    return this.click(`deals/${dealId}/reopen`);
  }

  private async pay(occurrence: Occurrence): Promise<void> {
    const billing = occurrence.steps.find(({ step }) => step === 'billing')!;
    const { id } = billing.externalIds.find(({ type }) => type === 'invoice')!;
    await this.click(`invoices/${id}/pay`, { outOfBand: true });
  }

  /** As a person at the vendor's own page, past the vendor's faults. A refusal means that an earlier click came through. */
  private async click(path: string, body: object = {}): Promise<void> {
    for (;;) {
      const response = await this.ask(`${this.services.url('sandbox')}/sandbox/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response && response.status < 500) return;
      await sleep(AGAIN_MS, undefined, { signal: this.signal });
    }
  }

  /** Whether the closing was seen before it was over; where it was not, nothing has to be taken back. */
  private async wasNoticed({ dealId }: ExpectedDeal): Promise<boolean> {
    for (;;) {
      for (const url of this.services.urls('revenue-adapter')) {
        const response = await this.ask(`${url}/v1/deals/${dealId}`);
        if (!response?.ok) continue;
        const { occurrences } = (await response.json()) as { occurrences: { status: string }[] };
        const status = occurrences[0]?.status;
        if (status === 'reopened' || status === 'passed') return status === 'reopened';
      }
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  private async until(
    { opportunityId }: ExpectedDeal,
    closing: number,
    condition: (occurrence: Occurrence) => boolean,
  ): Promise<Occurrence> {
    for (;;) {
      const story = await readDeal(this.services.urls('orchestrator'), opportunityId).catch(() => undefined);
      const occurrence = story?.occurrences[closing - 1];
      if (occurrence && condition(occurrence)) return occurrence;
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  private async ask(url: string, init: RequestInit = {}): Promise<Response | undefined> {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    } catch {
      this.signal.throwIfAborted();
      return undefined;
    }
  }
}
