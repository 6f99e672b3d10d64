import { setTimeout as sleep } from 'node:timers/promises';
import { readDeal, type DealStory, type Occurrence } from '../../apps/cli/src/deal-show.js';
import type { ExpectedDeal } from '../../apps/cli/src/demo/verify.js';
import type { Services } from '../../apps/cli/src/services.js';
import type { Life } from './lives.js';
import type { OrderRecord, RecordReader } from './records.js';
import type { Story } from './schedule.js';

const POLL_MS = 500;
const AGAIN_MS = 300;
/** Limit of one question or click, in milliseconds. */
const TIMEOUT_MS = 5_000;
/** What an approver fills in: see apps/orchestrator/policies/credit-approval.yaml. */
const FORM = { creditCheckedOn: '2026-11-23', securedBy: 'guarantee' };

/** A deal in the CRM and what becomes of it. */
export interface LivingDeal {
  deal: ExpectedDeal;
  life: Life;
  /** Of its line items in the CRM, by SKU. */
  lineIds: ReadonlyMap<string, string>;
}

/**
 * What people do with a deal in the CRM, at its approvals, in the warehouse and at the bank, and when: as soon as they see that what was
 * before has come through, or at any moment. They look at what the services' APIs and the vendors say and click again where nobody
 * answers; every click may be repeated.
 */
export class Stories {
  constructor(
    private readonly services: Pick<Services, 'urls' | 'url'>,
    private readonly records: RecordReader,
    private readonly signal: AbortSignal,
  ) {}

  /** Lives the story to its end; `closed` is called when the deal is closed for the first time. */
  async live(living: LivingDeal, closed: () => void): Promise<void> {
    await this.close(living);
    closed();
    await this.lives[living.life.story](living);
  }

  /** Puts on the shelf what is there before the deal is closed. */
  async stock({ life: { goods } }: LivingDeal): Promise<void> {
    if (goods) await this.click(`stock/${goods.sku}`, { quantity: goods.onShelf }, 'PUT');
  }

  private readonly lives: Record<Story, (living: LivingDeal) => Promise<unknown>> = {
    plain: (living) => this.completed(living),
    paid: async (living) => this.pay(living, await this.completed(living)),
    reopened: async (living) => {
      await this.completed(living);
      await this.reopen(living);
    },
    'reopened-anytime': async (living) => {
      await this.pause(living, 0);
      await this.reopen(living);
    },
    credited: async (living) => {
      await this.pay(living, await this.completed(living));
      await this.reopen(living);
    },
    'closed-again': async (living) => {
      await this.completed(living);
      await this.reopen(living);
      await this.close(living);
      await this.until(living, 2, ({ status }) => status === 'completed');
    },
    amended: async (living) => {
      await this.pause(living, 0);
      await this.amend(living);
      await this.completed(living);
    },
    'amended-reopened': async (living) => {
      await this.pause(living, 0);
      await this.amend(living);
      await this.pause(living, 1);
      await this.reopen(living);
    },
    'amended-approved': async (living) => {
      await this.pause(living, 0);
      await this.amend(living);
      await this.approve(living);
    },
    'amended-rejected': async (living) => {
      await this.pause(living, 0);
      await this.amend(living);
      await this.reject(living);
    },
    approved: async (living) => {
      await this.pause(living, 0);
      await this.approve(living);
    },
    rejected: async (living) => {
      await this.pause(living, 0);
      await this.reject(living);
    },
    'reopened-undecided': async (living) => {
      await this.pause(living, 0);
      await this.decide(living, 'ada', 'approve', { values: FORM });
      await this.pause(living, 1);
      await this.reopen(living);
    },
    'shipped-in-parts': async (living) => {
      await this.shipped(living, living.life.goods!.onShelf);
      await this.pause(living, 0);
      await this.restock(living);
      await this.delivered(living);
    },
    returned: async (living) => {
      const { back, onShelf, restock } = living.life.goods!;
      const [first, second] = back;
      await this.shipped(living, restock === undefined ? first! : onShelf);
      await this.pause(living, 0);
      await this.restock(living);
      await this.sendBack(living, first!);
      await this.delivered(living);
      await this.pause(living, 1);
      await this.sendBack(living, first! + second!);
      await this.credited(living);
    },
    'returned-paid': async (living) => {
      await this.pay(living, await this.completed(living));
      await this.delivered(living);
      await this.pause(living, 0);
      await this.sendBack(living, living.life.goods!.back[0]!);
      await this.credited(living);
    },
    'reopened-unshipped': async (living) => {
      await this.pause(living, 0);
      await this.reopen(living);
      await this.restock(living);
    },
    'amended-unshipped': async (living) => {
      await this.pause(living, 0);
      await this.amend(living);
      await this.completed(living);
      await this.restock(living);
      await this.delivered(living);
    },
    'shipped-reopened-kept': async (living) => {
      await this.completed(living);
      await this.delivered(living);
      await this.toReopen(living);
      await this.settleStop(living, 'keep', 'completed');
    },
    'shipped-reopened-let-go': async (living) => {
      await this.completed(living);
      await this.delivered(living);
      await this.toReopen(living);
      await this.settleStop(living, 'skip', 'compensated');
    },
    'shipped-amended-kept': async (living) => {
      await this.completed(living);
      await this.delivered(living);
      await this.amend(living);
      await this.settleStop(living, 'keep', 'completed');
    },
    'shipping-reopened': async (living) => {
      await this.pause(living, 0);
      await this.toReopen(living);
      if (await this.wasNoticed(living)) await this.settleStop(living, 'skip', 'compensated', false);
    },
    'kept-closed-again': async (living) => {
      await this.completed(living);
      await this.delivered(living);
      await this.toReopen(living);
      await this.settleStop(living, 'keep', 'completed');
      await this.close(living);
      const { id } = await this.until(living, 2, ({ status }) => status === 'paused');
      await this.pause(living, 0);
      await this.act(id, 'cancel', 'paused');
      await this.until(living, 2, ({ status }) => status === 'compensated');
    },
    'part-shipped-reopened-kept': async (living) => {
      const delivery = await this.stoppedInPart(living);
      await this.settleStop(living, 'keep', 'completed');
      await this.act(delivery, 'retry', 'stopped');
      await this.delivered(living);
    },
    'part-shipped-reopened-let-go': async (living) => {
      const delivery = await this.stoppedInPart(living);
      await this.settleStop(living, 'skip', 'compensated');
      await this.act(delivery, 'cancel', 'stopped');
    },
  };

  private pause({ life }: LivingDeal, which: 0 | 1): Promise<void> {
    return sleep(life.pausesMs[which], undefined, { signal: this.signal });
  }

  private close({ deal }: LivingDeal): Promise<void> {
    return this.click(`deals/${deal.dealId}/close`);
  }

  /** And waits until all is taken back; where nobody had noticed that it was closed, there is nothing to take back. */
  private async reopen(living: LivingDeal): Promise<void> {
    await this.toReopen(living);
    if (await this.wasNoticed(living)) await this.until(living, 1, ({ status }) => status === 'compensated');
  }

  private toReopen({ deal }: LivingDeal): Promise<void> {
    return this.click(`deals/${deal.dealId}/reopen`);
  }

  /** A person looks, some time later, at a sale that stopped because its goods have left, and decides what becomes of it. */
  private async settleStop(
    living: LivingDeal,
    action: 'keep' | 'skip',
    end: 'completed' | 'compensated',
    mustStop = true,
  ): Promise<void> {
    const { id, status } = await this.until(
      living,
      1,
      (sale) => sale.status === 'stopped' || (!mustStop && sale.status === end),
    );
    if (status === end) return;
    await this.pause(living, 1);
    await this.act(id, action, 'stopped');
    await this.until(living, 1, (sale) => sale.status === end);
  }

  /** What a person does to an instance, until it is no more what it was. */
  private async act(id: string, action: string, from: string): Promise<void> {
    for (;;) {
      await this.ask(`${this.services.url('orchestrator')}/v1/actions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-actor': 'olga@acme.example' },
        body: JSON.stringify({ action, ids: [id], reason: 'spoke to the customer' }),
      });
      const response = await this.ask(`${this.services.url('orchestrator')}/v1/instances/${id}`);
      if (response?.ok && ((await response.json()) as { status: string }).status !== from) return;
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /**
   * Part of the goods has left when the deal is reopened: the sale stops and says what is still here, and so does the delivery of the rest,
   * which nothing follows although the shelf is filled up. Returns the delivery.
   */
  private async stoppedInPart(living: LivingDeal): Promise<string> {
    const { onShelf } = living.life.goods!;
    await this.completed(living);
    await this.shipped(living, onShelf);
    await this.pause(living, 0);
    await this.toReopen(living);
    const { attention } = await this.until(living, 1, ({ status }) => status === 'stopped');
    const { quantity } = living.life.deal.lines[0]!;
    const left = quantity - onShelf;
    if (!attention.some(({ message }) => message.includes(` ${left}.0000 of ${quantity}.0000 of line `)))
      throw new Error(
        `nobody is told that ${left} are still here: ${attention.map(({ message }) => message).join(' ')}`,
      );
    await this.restock(living);
    for (;;) {
      const linked = (await this.read(living))?.linked ?? [];
      const stopped = linked.find(({ process, status }) => process === 'order-to-fulfilment' && status === 'stopped');
      if (stopped) return stopped.id;
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  private amend({ deal, life, lineIds }: LivingDeal): Promise<void> {
    const kept = new Map(life.edited.lines.map((line) => [line.sku, line]));
    const lines = [...kept.values()].map(({ sku, quantity, price }) => ({ id: lineIds.get(sku), quantity, price }));
    const removeLines = [...lineIds].flatMap(([sku, id]) => (kept.has(sku) ? [] : [id]));
    return this.click(`deals/${deal.dealId}`, { lines, removeLines }, 'PATCH');
  }

  private async pay(living: LivingDeal, occurrence: Occurrence): Promise<void> {
    await this.click(`invoices/${externalId(occurrence, 'billing', 'invoice')}/pay`, { outOfBand: true });
    await this.until(living, 1, ({ payments }) => payments.length === 1);
  }

  /** Until the sale of what the deal is in the end has come through. */
  private completed(living: LivingDeal): Promise<Occurrence> {
    const { amount } = living.deal;
    return this.until(
      living,
      1,
      ({ status, attributes }) => status === 'completed' && attributes['totalAmount'] === amount,
    );
  }

  /** Two people, one after the other, whenever they are asked. */
  private async approve(living: LivingDeal): Promise<void> {
    for (let isDone = false; !isDone;) {
      await this.decide(living, 'ada', 'approve', { values: FORM });
      await this.pause(living, 1);
      await this.decide(living, 'cleo', 'approve', { values: FORM });
      const story = await this.read(living);
      const sale = story?.occurrences[0];
      isDone = sale?.status === 'completed' && sale.attributes['totalAmount'] === living.deal.amount;
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  private async reject(living: LivingDeal): Promise<void> {
    await this.until(living, 1, ({ status }) => status === 'deciding');
    for (let isDone = false; !isDone;) {
      await this.decide(living, 'ben', 'reject', { reason: 'no security' });
      isDone = (await this.read(living))?.occurrences[0]?.status === 'refused';
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /** What one person does with every task that is open for the deal; a refusal means that an earlier click came through. */
  private async decide({ deal }: LivingDeal, actor: string, action: string, body: object): Promise<void> {
    for (const url of this.services.urls('orchestrator')) {
      const response = await this.ask(`${url}/v1/tasks?key=${deal.opportunityId}`);
      if (!response?.ok) continue;
      const { tasks } = (await response.json()) as { tasks: { id: string }[] };
      for (const { id } of tasks)
        await this.ask(`${url}/v1/tasks/${id}/${action}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-actor': actor },
          body: JSON.stringify(body),
        });
      return;
    }
  }

  /** Fills the empty shelf up; who finds something on it has done so before. */
  private async restock({ life: { goods } }: LivingDeal): Promise<void> {
    if (goods?.restock === undefined) return;
    for (;;) {
      const onShelf = await this.records.onShelf(goods.sku).catch(() => undefined);
      if (onShelf === 0) await this.click(`stock/${goods.sku}`, { quantity: goods.restock }, 'PUT');
      if (onShelf !== undefined) return;
      await sleep(AGAIN_MS, undefined, { signal: this.signal });
    }
  }

  /** Until so much of the goods has left the house, as Medusa says. */
  private async shipped(living: LivingDeal, quantity: number): Promise<void> {
    await this.untilOrder(living, (order) => goodsOf(living, order).shipped >= quantity);
  }

  /** Until all goods have left, and both the delivery and the revenue know of each shipment. */
  private async delivered(living: LivingDeal): Promise<void> {
    const { quantity } = living.life.final.lines.find(({ sku }) => sku === living.life.goods!.sku)!;
    await this.shipped(living, quantity);
    await this.untilHeard(living, 'order-to-fulfilment', (count) => count('OrderLineFulfilled') > 0);
    await this.untilHeard(living, 'fulfilment-to-revenue', (count) => count('RevenueRecognitionStarted') > 0);
  }

  /** Goods come back until so much of them has been received in all. */
  private async sendBack(living: LivingDeal, total: number): Promise<void> {
    for (;;) {
      const { id, order } = await this.untilOrder(living, () => true);
      const line = goodsOf(living, order);
      const missing = total - received(order);
      if (missing <= 0) return;
      await this.click(`orders/${id}/return`, { items: [{ id: line.id, quantity: missing }] });
    }
  }

  /** Until revenue knows of every receipt. */
  private async credited(living: LivingDeal): Promise<void> {
    const { order } = await this.untilOrder(living, () => true);
    await this.untilHeard(
      living,
      'fulfilment-to-revenue',
      (count) => count('RevenueScheduleReduced') >= order.received.length,
    );
  }

  private async untilOrder(
    living: LivingDeal,
    condition: (order: OrderRecord) => boolean,
  ): Promise<{ id: string; order: OrderRecord }> {
    for (;;) {
      const sale = await this.until(living, 1, (occurrence) => externalId(occurrence, 'order', 'order') !== undefined);
      const id = externalId(sale, 'order', 'order')!;
      const order = await this.records.order(id).catch(() => undefined);
      if (order && condition(order)) return { id, order };
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /** Until a process that the deal set off has taken in what it should, counted by message type. */
  private async untilHeard(
    living: LivingDeal,
    process: string,
    condition: (count: (type: string) => number) => boolean,
  ): Promise<void> {
    for (;;) {
      const linked = (await this.read(living))?.linked.filter((one) => one.process === process) ?? [];
      for (const { id } of linked) {
        const response = await this.ask(`${this.services.url('orchestrator')}/v1/instances/${id}`);
        if (!response?.ok) continue;
        const { history } = (await response.json()) as { history: { type: string }[] };
        if (condition((type) => history.filter((event) => event.type === type).length)) return;
      }
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  /** As a person at the vendor's own page, past the vendor's faults. A refusal means that an earlier click came through. */
  private async click(path: string, body: object = {}, method = 'POST'): Promise<void> {
    for (;;) {
      const response = await this.ask(`${this.services.url('sandbox')}/sandbox/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response && response.status < 500) return;
      await sleep(AGAIN_MS, undefined, { signal: this.signal });
    }
  }

  /** Whether the closing was seen before it was over; where it was not, nothing has to be taken back. */
  private async wasNoticed({ deal: { dealId } }: LivingDeal): Promise<boolean> {
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
    living: LivingDeal,
    closing: number,
    condition: (occurrence: Occurrence) => boolean,
  ): Promise<Occurrence> {
    for (;;) {
      const occurrence = (await this.read(living))?.occurrences[closing - 1];
      if (occurrence && condition(occurrence)) return occurrence;
      await sleep(POLL_MS, undefined, { signal: this.signal });
    }
  }

  private read({ deal }: LivingDeal): Promise<DealStory | undefined> {
    return readDeal(this.services.urls('orchestrator'), deal.opportunityId).catch(() => undefined);
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

function externalId({ steps }: Occurrence, name: string, type: string): string | undefined {
  return steps.find(({ step }) => step === name)?.externalIds.find((one) => one.type === type)?.id;
}

function goodsOf({ life }: LivingDeal, order: OrderRecord): OrderRecord['lines'][number] {
  const line = order.lines.find(({ sku }) => sku === life.goods!.sku);
  if (!line) throw new Error(`order ${order.number} has no line of ${life.goods!.sku}`);
  return line;
}

function received(order: OrderRecord): number {
  return order.received.reduce((sum, { quantity }) => sum + quantity, 0);
}
