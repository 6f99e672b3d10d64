import { describe, expect, it } from '@jest/globals';
import { ThroughlineError, type Retry } from '@throughline/contracts';
import * as fc from 'fast-check';
import { classify, decide } from '../advice.js';
import { Dependency } from './dependency.js';
import type { WorkItem } from './work-item.js';

/** What a message does at a vendor that is up. */
type Nature = 'good' | 'refused' | 'breaks-connection' | 'fails';

interface Row {
  key: string;
  nature: Nature;
  arrivesAt: number;
  availableAt: number;
  attempts: number;
  failingMs: number;
  state: 'waiting' | 'leased' | 'done' | 'dead';
}

interface World {
  outages: { from: number; forMs: number }[];
  /** Writes fail with 500 while reads, and with them the probe, succeed. */
  writeOutages: { from: number; forMs: number }[];
  rows: { nature: Nature; arrivesAt: number }[];
  callMs: number;
  maxAttempts: number;
  /** Default true. */
  hasProbe?: boolean;
}

// A failing world is shown as it was found: to shrink one takes minutes.
const STEP_MS = 100;
const OUTAGES_END_MS = 300_000;
const END_MS = 1_200_000;

/** Runs the queue's decisions against a vendor, in simulated time. */
function simulate(world: World): Row[] {
  const policy = {
    maxAttempts: world.maxAttempts,
    giveUpAfterMs: Infinity,
    backoffMs: [200, 5_000] as [number, number],
  };
  const within = (at: number, spans: World['outages']): boolean =>
    spans.some(({ from, forMs }) => at >= from && at < from + forMs);
  const rows = world.rows.map(({ nature, arrivesAt }, i): Row => ({
    key: `k${i}`,
    nature,
    arrivesAt,
    availableAt: arrivesAt,
    attempts: 0,
    failingMs: 0,
    state: 'waiting',
  }));
  const { hasProbe = true } = world;
  const vendor = new Dependency('vendor', 4, 60_000, hasProbe);
  const running: { row: Row; began: number }[] = [];
  const back = (items: WorkItem[], now: number): void => {
    for (const item of items) Object.assign(item as unknown as Row, { state: 'waiting', availableAt: now });
  };
  for (
    let now = 0;
    now < END_MS && rows.some(({ state }) => state === 'waiting' || state === 'leased');
    now += STEP_MS
  ) {
    const down = within(now, world.outages);
    if (vendor.askDue(now)) {
      vendor.asking();
      if (down) vendor.stillDown(now, 0.5);
      else vendor.up(now);
    }
    const due = rows.filter((row) => row.state === 'waiting' && row.availableAt <= now);
    due.sort((a, b) => a.availableAt - b.availableAt);
    const claimed = due.slice(0, vendor.claimable(now));
    for (const row of claimed) row.state = 'leased';
    back(vendor.accept(claimed as unknown as WorkItem[], now), now);
    for (let item = vendor.next(); item; item = vendor.next())
      running.push({ row: item as unknown as Row, began: now });

    for (const call of [...running]) {
      const { row, began } = call;
      // A call ends when the vendor goes away, or when its time has come.
      if (!down && now - began < world.callMs) continue;
      running.splice(running.indexOf(call), 1);
      row.state = 'waiting';
      row.availableAt = now;
      const said = answer(row.nature, down, within(now, world.writeOutages));
      if (said === 'done') {
        vendor.answered(row.key, now);
        row.state = 'done';
      } else {
        const failure = classify('effect', new ThroughlineError('x', { code: 'X', retry: said }));
        if (failure.kind === 'never') vendor.answered(row.key, now);
        const known = failure.kind === 'unclear' ? vendor.failed(row.key, began, now) : 'up';
        const asked = !hasProbe ? 'unknown' : down ? 'down' : 'up';
        const standing = known === 'unclear' ? asked : known;
        const tries = { attempts: row.attempts + 1, failingMs: row.failingMs };
        const decision = decide(failure, standing, tries, policy, 0.5);
        if (decision.kind === 'dead') row.state = 'dead';
        if (decision.kind === 'pause') back(vendor.pause(now, 0.5, decision.retryAfterMs), now);
        if (decision.kind === 'retry') {
          row.availableAt = now + decision.delayMs;
          if (decision.counted) row.attempts++;
        }
        if (decision.kind === 'dead') row.attempts++;
        if (decision.kind !== 'pause') vendor.untold(now, 0.5);
      }
      vendor.ended();
      vendor.settled();
    }
  }
  return rows;
}

function answer(nature: Nature, down: boolean, writesFail: boolean): 'done' | Retry {
  if (down) return 'pause';
  if (nature === 'refused') return 'never';
  if (nature === 'breaks-connection') return 'pause';
  if (writesFail || nature === 'fails') return 'later';
  return 'done';
}

const spans = fc.array(fc.record({ from: fc.nat({ max: 200_000 }), forMs: fc.integer({ min: 100, max: 90_000 }) }), {
  maxLength: 5,
});
const rowsOf = (natures: fc.Arbitrary<Nature>, maxLength: number): fc.Arbitrary<World['rows']> =>
  fc.array(fc.record({ nature: natures, arrivesAt: fc.nat({ max: OUTAGES_END_MS }) }), { minLength: 1, maxLength });
const callMs = fc.constantFrom(100, 500, 3_000);

describe('outage or poison: over many vendors, messages and outages', () => {
  it('an outage gives up no message, not even the only one in quiet traffic with a single attempt; all are done in the end', () => {
    const worlds = fc.record({ outages: spans, rows: rowsOf(fc.constant('good'), 40), callMs });
    fc.assert(
      fc.property(worlds, (world) => {
        const rows = simulate({ ...world, writeOutages: [], maxAttempts: 1 });
        expect(rows.filter(({ state }) => state !== 'done')).toEqual([]);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('what poisons is given up, alone, after exactly its attempts, outages or not', () => {
    const worlds = fc.record({
      outages: spans,
      good: rowsOf(fc.constant('good'), 30),
      poison: rowsOf(fc.constantFrom('refused', 'breaks-connection', 'fails'), 4),
      callMs,
      maxAttempts: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(worlds, ({ good, poison, ...world }) => {
        for (const row of simulate({ ...world, writeOutages: [], rows: [...good, ...poison] })) {
          expect([row.nature, row.state]).toEqual([row.nature, row.nature === 'good' ? 'done' : 'dead']);
          if (row.nature === 'refused') expect(row.attempts).toBe(1);
          else if (row.nature !== 'good') expect(row.attempts).toBe(world.maxAttempts);
        }
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('without a probe, too, an outage gives up nothing, what fails is given up alone, and all goes on', () => {
    const worlds = fc.record({
      outages: spans,
      good: rowsOf(fc.constant('good'), 30),
      poison: rowsOf(fc.constantFrom('refused', 'fails'), 4),
      callMs,
      maxAttempts: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(worlds, ({ good, poison, ...world }) => {
        for (const row of simulate({ ...world, hasProbe: false, writeOutages: [], rows: [...good, ...poison] }))
          expect([row.nature, row.state]).toEqual([row.nature, row.nature === 'good' ? 'done' : 'dead']);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('a vendor that refuses every write for minutes, its probe fine, gives up nothing where many wait', () => {
    const crowd = fc.array(fc.constant({ nature: 'good' as const, arrivesAt: 0 }), { minLength: 20, maxLength: 40 });
    const worlds = fc.record({ rows: crowd, callMs, forMs: fc.integer({ min: 10_000, max: 600_000 }) });
    fc.assert(
      fc.property(worlds, ({ forMs, ...world }) => {
        const rows = simulate({ ...world, outages: [], writeOutages: [{ from: 0, forMs }], maxAttempts: 10 });
        expect(rows.filter(({ state }) => state !== 'done')).toEqual([]);
        expect(Math.max(...rows.map(({ attempts }) => attempts))).toBeLessThanOrEqual(2);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it('a crowd of poison keeps no good message waiting', () => {
    const worlds = fc.record({
      outages: spans,
      good: rowsOf(fc.constant('good'), 10),
      poison: fc.array(
        fc.record({ nature: fc.constantFrom('breaks-connection', 'fails'), arrivesAt: fc.nat({ max: 60_000 }) }),
        {
          minLength: 5,
          maxLength: 25,
        },
      ),
      callMs,
    });
    fc.assert(
      fc.property(worlds, ({ good, poison, ...world }) => {
        const rows = simulate({
          ...world,
          writeOutages: [],
          rows: [...good, ...(poison as World['rows'])],
          maxAttempts: 3,
        });
        expect(rows.filter(({ nature, state }) => nature === 'good' && state !== 'done')).toEqual([]);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });
});
