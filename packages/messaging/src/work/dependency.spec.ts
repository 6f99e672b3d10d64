import { describe, expect, it } from '@jest/globals';
import { Dependency } from './dependency.js';
import type { WorkItem } from './work-item.js';

const row = (id: number): WorkItem => ({ id: String(id) }) as WorkItem;
const rows = (n: number): WorkItem[] => Array.from({ length: n }, (_, i) => row(i));
const make = (hasProbe = false): Dependency => new Dependency('stripe', 4, 45_000, hasProbe);
/** One row from lease to record. */
function runOne(stripe: Dependency): void {
  stripe.next();
  stripe.ended();
  stripe.settled();
}

describe('Dependency', () => {
  it('runs as many rows at once as the limit says, oldest first', () => {
    const stripe = make();
    stripe.accept(rows(6), 0);
    const started = [stripe.next(), stripe.next(), stripe.next(), stripe.next(), stripe.next()];
    expect(started.map((item) => item?.id)).toEqual(['0', '1', '2', '3', undefined]);
    stripe.ended();
    expect(stripe.next()?.id).toBe('4');
  });

  it('stops leasing at its bound, and claims again only when half of it is free', () => {
    const stripe = make(); // bound 64
    stripe.accept(rows(64), 0);
    expect(stripe.wantsMore(0)).toBe(false);
    for (let i = 0; i < 31; i++) runOne(stripe);
    expect(stripe.claimable(0)).toBe(0);
    runOne(stripe);
    expect(stripe.claimable(0)).toBe(32);
  });

  it('gives back everything that has not started when it pauses, and takes nothing meanwhile', () => {
    const stripe = make();
    stripe.accept(rows(6), 0);
    stripe.next();
    expect(stripe.pause(0, 0.5, 0).map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
    expect(stripe.wantsMore(0)).toBe(false);
    expect(stripe.accept([row(9)], 10)).toEqual([row(9)]);
  });

  it('does not count the ones that fail together as several outages', () => {
    const stripe = make();
    stripe.pause(0, 0, 0);
    const at = stripe.nextAt(0);
    stripe.pause(100, 0, 0);
    expect(stripe.nextAt(100)).toBe(at);
  });

  it('waits as long as the other side asked for', () => {
    const stripe = make();
    stripe.pause(0, 0, 60_000);
    expect(stripe.nextAt(0)).toBe(60_000);
  });

  describe('without a probe', () => {
    it('is tried with one row alone, and only after those on their way have ended', () => {
      const stripe = make();
      stripe.accept(rows(1), 0);
      stripe.next();
      stripe.pause(0, 0, 0);
      const at = stripe.nextAt(0)!;
      expect(stripe.claimable(at)).toBe(0);
      stripe.ended();
      stripe.settled();
      expect(stripe.claimable(at - 1)).toBe(0);
      expect(stripe.claimable(at)).toBe(1);
      stripe.accept([row(1)], at);
      expect(stripe.claimable(at)).toBe(0);
      expect(stripe.next()?.id).toBe('1');
    });

    it('opens when that row was answered, and waits longer after each that was not', () => {
      const stripe = make();
      let now = 0;
      const waits: number[] = [];
      for (let i = 0; i < 3; i++) {
        stripe.pause(now, 0, 0);
        waits.push(stripe.nextAt(now)! - now);
        now += waits.at(-1)!;
        stripe.accept([row(i)], now);
        runOne(stripe);
      }
      expect(waits).toEqual([500, 1_000, 2_000]);
      stripe.answered('k', now);
      expect(stripe.paused).toBe(false);
      expect(stripe.wantsMore(now)).toBe(true);
    });

    it('is tried again at once where the row went back untried', () => {
      const stripe = make();
      stripe.pause(0, 0, 0);
      stripe.accept([row(1)], 5_000);
      stripe.next();
      stripe.untried(6_000);
      stripe.ended();
      stripe.settled();
      expect(stripe.claimable(6_000)).toBe(1);
      expect(stripe.paused).toBe(true);
    });

    it('stays open where a row went back untried while it is up', () => {
      const stripe = make();
      stripe.untried(0);
      expect(stripe.paused).toBe(false);
    });
  });

  describe('with a probe', () => {
    it('is asked, not tried, and opens when the probe succeeds', () => {
      const stripe = make(true);
      stripe.pause(0, 0, 0);
      expect(stripe.askDue(499)).toBe(false);
      expect(stripe.askDue(500)).toBe(true);
      expect(stripe.claimable(500)).toBe(0);
      stripe.asking();
      expect(stripe.askDue(600)).toBe(false);
      stripe.up(600);
      expect(stripe.paused).toBe(false);
    });

    it('waits longer after each probe that failed, whatever else fails meanwhile', () => {
      const stripe = make(true);
      let now = 0;
      stripe.pause(now, 0, 0);
      const waits: number[] = [];
      for (let i = 0; i < 3; i++) {
        waits.push(stripe.nextAt(now)! - now);
        now += waits.at(-1)!;
        stripe.asking();
        expect(stripe.pause(now, 0, 0)).toEqual([]);
        stripe.stillDown(now, 0);
      }
      expect(waits).toEqual([500, 1_000, 2_000]);
    });

    it('where many keys failed although the probe succeeds, one row must succeed as well', () => {
      const stripe = make(true);
      const said = Array.from({ length: 5 }, (_, i) => stripe.failed(`k${i}`, i, i));
      expect(said).toEqual(['unclear', 'unclear', 'unclear', 'unclear', 'down']);
      stripe.pause(5, 0, 0);
      expect(stripe.pausedBecause).toBe('many-fail');
      stripe.asking();
      stripe.up(600);
      expect(stripe.paused).toBe(true);
      expect(stripe.claimable(600)).toBe(1);
      stripe.accept([row(1)], 600);
      expect(stripe.failed('k1', 600, 700)).toBe('down');
      runOne(stripe);
      stripe.pause(700, 0, 0);
      expect(stripe.askDue(1_700)).toBe(true);
      stripe.asking();
      stripe.up(1_700);
      stripe.accept([row(2)], 1_700);
      runOne(stripe);
      stripe.answered('k2', 1_800);
      expect(stripe.paused).toBe(false);
    });

    it('a call that began while it was down is not judged by how it stands when it ends', () => {
      const stripe = make(true);
      stripe.pause(0, 0, 0);
      stripe.asking();
      stripe.up(1_000);
      expect(stripe.failed('k', 900, 2_000)).toBe('recovered');
      expect(stripe.failed('k', 1_100, 2_000)).toBe('unclear');
    });
  });

  it('starts nothing while it limits our rate, and goes on by itself', () => {
    const stripe = make();
    stripe.accept(rows(3), 0);
    stripe.next();
    expect(stripe.limited(0, 2_000).map(({ id }) => id)).toEqual(['1', '2']);
    expect([stripe.wantsMore(1_999), stripe.claimable(1_999), stripe.nextAt(1_999)]).toEqual([false, 0, 2_000]);
    expect(stripe.accept([row(5)], 1_999)).toEqual([row(5)]);
    stripe.limited(100, 500); // one that was on its way, and asks for less
    expect(stripe.wantsMore(1_999)).toBe(false);
    expect(stripe.wantsMore(2_000)).toBe(true);
    expect(stripe.paused).toBe(false);
  });
});
