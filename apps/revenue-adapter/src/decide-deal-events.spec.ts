import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { DealSnapshot, HubspotObject } from '@throughline/connectors/hubspot';
import type { OpportunityClosedWon } from '@throughline/contracts';
import { decideDealEvents, type Decision } from './decide-deal-events.js';
import type { DealState } from './deal-state.js';

const now = '2026-11-22T12:00:00.000Z';
const options = { closedWonStages: ['closedwon'], now };

/** `stages[n]` was entered at minute n; the last one is the deal's stage. */
function snapshot(
  stages: string[],
  change: Record<string, string | null> = {},
  modified = stages.length,
): DealSnapshot {
  const line: HubspotObject = {
    id: '9',
    properties: { name: 'Platform', quantity: '1', price: '100', amount: '100', hs_sku: 'TL' },
    updatedAt: at(0),
  };
  const company: HubspotObject = { id: '7', properties: { name: 'Acme' }, updatedAt: at(0) };
  const stage = stages.at(-1)!;
  const properties = {
    dealname: 'Acme',
    amount: '100',
    deal_currency_code: 'EUR',
    dealstage: stage,
    closedate: at(0),
    hs_lastmodifieddate: at(modified),
    ...change,
  };
  return {
    portalId: '145',
    deal: { id: '4711', properties, updatedAt: at(modified) },
    stageHistory: stages.map((value, minute) => ({ value, timestamp: at(minute) })),
    ...(stage === 'closedwon' && { sale: { lineItems: [line], company } }),
  };
}

function at(minute: number): string {
  return new Date(Date.parse('2026-11-22T10:00:00Z') + minute * 60_000).toISOString();
}

/** Feeds snapshots in order; returns what each emitted, as `Type(occurrence)`. */
function run(...snapshots: DealSnapshot[]): { emitted: string[][]; state: DealState } {
  let state: DealState | undefined;
  const emitted = snapshots.map((each) => {
    const decision: Decision = decideDealEvents(state, each, options);
    state = decision.state;
    return decision.events.map(({ type, payload }) => `${type}(${(payload as { occurrence: number }).occurrence})`);
  });
  return { emitted, state: state! };
}

describe('decideDealEvents', () => {
  it('emits a closing once, however often the deal is read', () => {
    expect(run(snapshot(['new']), snapshot(['new', 'closedwon']), snapshot(['new', 'closedwon'])).emitted).toEqual([
      [],
      ['OpportunityClosedWon(1)'],
      [],
    ]);
  });

  it('does not take a deal that changes hands for one that was edited', () => {
    const { emitted, state } = run(snapshot(['closedwon']), snapshot(['closedwon'], { hubspot_owner_id: '77' }, 5));
    expect(emitted[1]).toEqual([]);
    expect(state).toMatchObject({ isEditedAfterClose: false });
  });

  it('lets the echo of our own write-back end here', () => {
    const echo = snapshot(['closedwon'], { throughline_order_number: 'SO-1', throughline_invoice_number: 'INV-1' }, 5);
    const { emitted, state } = run(snapshot(['closedwon']), echo);
    expect(emitted[1]).toEqual([]);
    expect(state).toMatchObject({ isEditedAfterClose: false, modifiedAt: at(5) });
  });

  it('drops what is older than what is known', () => {
    const { emitted, state } = run(
      snapshot(['new', 'closedwon', 'new']),
      snapshot(['new', 'closedwon']),
      snapshot(['new']),
    );
    expect(emitted).toEqual([[], [], []]);
    expect(state.stage).toBe('new');
    expect(run(snapshot(['new', 'closedwon'], {}, 9), snapshot(['new'])).emitted).toEqual([
      ['OpportunityClosedWon(1)'],
      [],
    ]);
  });

  it('reopens what was won, and counts the next closing', () => {
    expect(
      run(snapshot(['closedwon']), snapshot(['closedwon', 'new']), snapshot(['closedwon', 'new', 'closedwon'])).emitted,
    ).toEqual([['OpportunityClosedWon(1)'], ['OpportunityReopened(1)'], ['OpportunityClosedWon(2)']]);
  });

  it('catches up, in order, on what happened between two reads', () => {
    expect(run(snapshot(['closedwon']), snapshot(['closedwon', 'new', 'closedwon'])).emitted[1]).toEqual([
      'OpportunityReopened(1)',
      'OpportunityClosedWon(2)',
    ]);
    expect(
      run(snapshot(['closedwon']), snapshot(['closedwon', 'new', 'closedwon', 'new', 'closedwon', 'new'])).emitted[1],
    ).toEqual(['OpportunityReopened(1)']);
  });

  it('starts nothing for a closing that was over before it was seen', () => {
    const { emitted, state } = run(snapshot(['closedwon', 'new']), snapshot(['closedwon', 'new', 'closedwon']));
    expect(emitted).toEqual([[], ['OpportunityClosedWon(2)']]);
    expect(state.closings.map(({ status }) => status)).toEqual(['passed', 'won']);
  });

  it('tells the time and stage of the reopening, not those of the read', () => {
    const first = decideDealEvents(undefined, snapshot(['closedwon']), options);
    const { events } = decideDealEvents(first.state, snapshot(['closedwon', 'negotiation', 'new'], {}, 30), options);
    expect(events[0]?.payload).toMatchObject({ stage: 'negotiation', reopenedAt: at(1) });
  });

  it('rejects once per reason, and takes the corrected deal as the same occurrence', () => {
    const { emitted, state } = run(
      snapshot(['closedwon'], { amount: '90' }),
      snapshot(['closedwon'], { amount: '90', throughline_order_number: null }, 2),
      snapshot(['closedwon'], { amount: '-1' }, 3),
      snapshot(['closedwon'], {}, 4),
      snapshot(['closedwon'], {}, 5),
    );
    expect(emitted).toEqual([
      ['OpportunityRejected(1)'],
      [],
      ['OpportunityRejected(1)'],
      ['OpportunityClosedWon(1)'],
      [],
    ]);
    expect(state.closings).toEqual([expect.objectContaining({ status: 'won' })]);
    expect(state.closings[0]).not.toHaveProperty('rejection');
  });

  it('has nothing to undo when a rejected deal is reopened', () => {
    const { emitted, state } = run(
      snapshot(['closedwon'], { amount: '90' }),
      snapshot(['closedwon', 'new']),
      snapshot(['closedwon', 'new', 'closedwon']),
    );
    expect(emitted).toEqual([['OpportunityRejected(1)'], [], ['OpportunityClosedWon(2)']]);
    expect(state.closings[0]).toMatchObject({ status: 'rejected', reopenedAt: at(1) });
  });

  it.each<[string, Record<string, string>]>([
    ['the name', { dealname: 'Acme and sons' }],
    ['the service period', { contract_start_date: '2027-01-01', contract_end_date: '2027-12-31' }],
    ['the currency', { deal_currency_code: 'USD' }],
  ])('amends a won deal whose %s was edited, once per edit', (_, change) => {
    const edited = (modified: number) => snapshot(['closedwon'], change, modified);
    const { emitted, state } = run(snapshot(['closedwon']), edited(2), edited(3), snapshot(['closedwon'], {}, 4));
    expect(emitted).toEqual([['OpportunityClosedWon(1)'], ['OpportunityAmended(1)'], [], ['OpportunityAmended(1)']]);
    expect(state).toMatchObject({ isEditedAfterClose: false, closings: [{ status: 'won', amendedAt: at(4) }] });
  });

  it('amends a deal that was given to another customer, not one whose customer moved, was renamed or corrected', () => {
    const customer = (company: Partial<HubspotObject>, modified: number, change = {}): DealSnapshot => {
      const read = snapshot(['closedwon'], change, modified);
      return { ...read, sale: { ...read.sale!, company: { ...read.sale!.company!, ...company } } };
    };
    const properties = { name: 'Acme Ltd', domain: 'acme.example', billing_email: 'pay@acme.example', country: 'DE' };
    const { emitted } = run(
      snapshot(['closedwon']),
      customer({ properties, updatedAt: at(2) }, 2),
      customer({ id: '8' }, 3),
      customer({ id: '8', properties }, 4),
    );
    expect(emitted).toEqual([['OpportunityClosedWon(1)'], [], ['OpportunityAmended(1)'], []]);
  });

  it('neither amends a deal that was told by an earlier release, nor misses its next edit', () => {
    const won = decideDealEvents(undefined, snapshot(['closedwon']), options);
    const { sourceVersion: _, closedBy: __, ...told } = won.events[0]!.payload as OpportunityClosedWon;
    const contentHash = createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 32);
    const upgraded = { ...won.state, closings: [{ ...won.state.closings[0]!, contentHash }] };
    const typesOf = ({ events }: Decision) => events.map(({ type }) => type);
    const read = decideDealEvents(upgraded, snapshot(['closedwon'], {}, 5), options);
    expect([typesOf(read), read.state.closings]).toEqual([[], won.state.closings]);
    const edited = decideDealEvents(upgraded, snapshot(['closedwon'], { dealname: 'Acme and sons' }, 5), options);
    expect(typesOf(edited)).toEqual(['OpportunityAmended']);
  });

  it('amends with the whole sale as it stands: lines and amount together, under an id of that version', () => {
    const first = decideDealEvents(undefined, snapshot(['closedwon']), options);
    const edited = snapshot(['closedwon'], { amount: '250' }, 2);
    edited.sale!.lineItems.push({
      id: '10',
      properties: { name: 'Setup', quantity: '3', price: '50', amount: '150', hs_sku: 'SETUP' },
      updatedAt: at(3),
    });
    const amended = decideDealEvents(first.state, edited, options).events;
    expect(amended).toMatchObject([
      {
        type: 'OpportunityAmended',
        correlationId: first.events[0]!.correlationId,
        payload: {
          totalAmount: '250.0000',
          lineItems: [{ lineItemId: '9' }, { lineItemId: '10', quantity: '3.0000' }],
          closedAt: at(0),
          amendedAt: at(3),
        },
      },
    ]);
    const idOf = (events: Decision['events']) => (events[0]!.payload as { amendmentId: string }).amendmentId;
    expect(decideDealEvents(first.state, edited, options).events.map((it) => it.payload)).toEqual(
      amended.map((it) => it.payload),
    );
    edited.deal.properties['hs_lastmodifieddate'] = at(4);
    edited.deal.properties['dealname'] = 'Acme again';
    expect(idOf(decideDealEvents(first.state, edited, options).events)).not.toBe(idOf(amended));
  });

  it('does not amend for what is not carried, nor what was reopened, nor what was over before it was seen', () => {
    const uncarried = { hs_next_step: 'Call them', throughline_order_number: 'SO-1' };
    expect(run(snapshot(['closedwon']), snapshot(['closedwon'], uncarried, 2)).emitted[1]).toEqual([]);
    const changed = { dealname: 'Other' };
    const reopened = run(snapshot(['closedwon']), snapshot(['closedwon', 'new'], changed));
    expect(reopened.emitted[1]).toEqual(['OpportunityReopened(1)']);
    const old = decideDealEvents(undefined, snapshot(['closedwon'], {}, 9), { ...options, closedSince: at(1) });
    expect(decideDealEvents(old.state, snapshot(['closedwon'], changed, 10), options).events).toEqual([]);
  });

  it('refuses an edit that cannot become an order, once per reason, and takes the correction as the amendment', () => {
    const bad = (modified: number) => snapshot(['closedwon'], { amount: '90' }, modified);
    const good = { amount: '100', dealname: 'Acme and sons' };
    const refused = run(snapshot(['closedwon']), bad(2), bad(3));
    expect(refused.emitted).toEqual([['OpportunityClosedWon(1)'], ['OpportunityAmendmentRejected(1)'], []]);
    expect(refused.state).toMatchObject({
      isEditedAfterClose: true,
      closings: [{ status: 'won', amendmentRejection: { reason: 'total-mismatch', field: 'amount' } }],
    });
    const corrected = run(snapshot(['closedwon']), bad(2), snapshot(['closedwon'], good, 3));
    expect(corrected.emitted[2]).toEqual(['OpportunityAmended(1)']);
    expect(corrected.state.closings[0]).not.toHaveProperty('amendmentRejection');
    const takenBack = run(snapshot(['closedwon']), bad(2), snapshot(['closedwon'], {}, 3));
    expect([takenBack.emitted[2], takenBack.state.isEditedAfterClose]).toEqual([[], false]);
  });

  it('keeps the number of a closing that HubSpot has forgotten', () => {
    const before = run(snapshot(['new', 'closedwon', 'new', 'closedwon'])).state;
    const now5 = snapshot(['new', 'closedwon', 'new', 'closedwon', 'new', 'closedwon']);
    const { events } = decideDealEvents(before, { ...now5, stageHistory: now5.stageHistory.slice(3) }, options);
    expect(events.map(({ type, payload }) => [type, (payload as { occurrence: number }).occurrence])).toEqual([
      ['OpportunityReopened', 2],
      ['OpportunityClosedWon', 3],
    ]);
  });

  it('does not act on closings from before it was put to use', () => {
    const decide = (each: DealSnapshot, previous?: DealState): Decision =>
      decideDealEvents(previous, each, { ...options, closedSince: at(1) });
    const old = decide(snapshot(['closedwon'], {}, 9));
    expect(old).toMatchObject({ events: [], state: { closings: [{ status: 'passed' }] } });
    const again = decide(snapshot(['closedwon', 'new', 'closedwon'], {}, 10), old.state);
    expect(again.events.map(({ type }) => type)).toEqual(['OpportunityClosedWon']);
  });

  it('gives every event of a closing one correlation id', () => {
    const won = decideDealEvents(undefined, snapshot(['closedwon']), options);
    const { events } = decideDealEvents(won.state, snapshot(['closedwon', 'new', 'closedwon']), options);
    expect(events[0]?.correlationId).toBe(won.events[0]?.correlationId);
    expect(events[1]?.correlationId).not.toBe(won.events[0]?.correlationId);
  });

  it('waits for another read where history and stage disagree', () => {
    const torn = snapshot(['closedwon', 'new']);
    torn.stageHistory.pop();
    expect(run(torn, snapshot(['closedwon'], {}, 5)).emitted).toEqual([[], ['OpportunityClosedWon(1)']]);
  });
});
