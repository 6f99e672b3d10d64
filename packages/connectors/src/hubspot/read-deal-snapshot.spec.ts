import { describe, expect, it } from '@jest/globals';
import type { HubspotObject } from './deal-snapshot.js';
import { readDealSnapshot, type DealReader } from './read-deal-snapshot.js';

const options = { portalId: '145', closedWonStages: ['closedwon'] };

/** A CRM in which somebody edits between our calls: `edits[n]` runs before call n. */
class EditedCrm implements DealReader {
  calls = 0;
  deal: HubspotObject | undefined = object('1', { dealstage: 'closedwon', amount: '100' });
  lines: HubspotObject[] = [object('12', { amount: '40' }), object('9', { amount: '60' })];
  companies: HubspotObject[] = [object('7', { name: 'Acme' })];
  companyIds = ['7'];

  constructor(private readonly edits: Record<number, (crm: EditedCrm) => void> = {}) {}

  async readDeal() {
    this.next();
    return (
      this.deal && {
        deal: { ...this.deal },
        stageHistory: [],
        lineItemIds: this.lines.map(({ id }) => id),
        companyIds: this.companyIds,
      }
    );
  }
  async readLineItems(ids: readonly string[]) {
    this.next();
    return this.lines.filter(({ id }) => ids.includes(id));
  }
  async readCompany(id: string) {
    this.next();
    return this.companies.find((company) => company.id === id);
  }
  private next(): void {
    this.calls += 1;
    this.edits[this.calls]?.(this);
  }
}

function object(id: string, properties: Record<string, string>): HubspotObject {
  return { id, properties, updatedAt: '2026-11-22T10:00:00.000Z' };
}

describe('readDealSnapshot', () => {
  it('reads until two reads agree, lines in the order of their creation', async () => {
    const crm = new EditedCrm();
    const snapshot = await readDealSnapshot(crm, '1', options);
    expect(snapshot?.sale?.lineItems.map(({ id }) => id)).toEqual(['9', '12']);
    expect(crm.calls).toBe(6);
  });

  it('never mixes the deal of before with the lines of after an edit', async () => {
    const edit = (crm: EditedCrm): void => {
      crm.deal = object('1', { dealstage: 'closedwon', amount: '300' });
      crm.lines = [object('9', { amount: '300' })];
    };
    for (const call of [1, 2, 3, 4, 5, 6]) {
      const snapshot = await readDealSnapshot(new EditedCrm({ [call]: edit }), '1', options);
      const sum = snapshot!.sale!.lineItems.reduce((total, line) => total + Number(line.properties['amount']), 0);
      expect(String(sum)).toBe(snapshot!.deal.properties['amount']);
    }
  });

  it('reads again when a line vanishes before it is read', async () => {
    const crm = new EditedCrm({ 2: (it) => it.lines.pop() });
    expect((await readDealSnapshot(crm, '1', options))?.sale?.lineItems).toHaveLength(1);
  });

  it('gives up, to try later, while somebody keeps editing', async () => {
    const keepEditing = Object.fromEntries(
      Array.from({ length: 40 }, (_, call) => [
        call,
        (crm: EditedCrm): void => void (crm.deal = object('1', { dealstage: 'closedwon', amount: String(call) })),
      ]),
    );
    await expect(readDealSnapshot(new EditedCrm(keepEditing), '1', options)).rejects.toMatchObject({
      code: 'HUBSPOT_SNAPSHOT_UNSTABLE',
      retry: 'later',
    });
  });

  it('reads a deal that is not won once, without its parts', async () => {
    const crm = new EditedCrm({ 1: (it) => void (it.deal = object('1', { dealstage: 'negotiation' })) });
    expect(await readDealSnapshot(crm, '1', options)).not.toHaveProperty('sale');
    expect(crm.calls).toBe(1);
  });

  it('tells a deleted deal, and a deal without a company', async () => {
    expect(
      await readDealSnapshot(new EditedCrm({ 1: (crm) => void (crm.deal = undefined) }), '1', options),
    ).toBeUndefined();
    const orphan = await readDealSnapshot(new EditedCrm({ 1: (crm) => void (crm.companyIds = []) }), '1', options);
    expect(orphan?.sale?.company).toBeNull();
  });
});
