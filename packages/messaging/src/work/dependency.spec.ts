import { describe, expect, it } from '@jest/globals';
import { Dependency } from './dependency.js';
import type { WorkItem } from './work-item.js';

const row = (id: number): WorkItem => ({ id: String(id) }) as WorkItem;
const rows = (n: number): WorkItem[] => Array.from({ length: n }, (_, i) => row(i));
const make = (): Dependency => new Dependency('stripe', 4, 45_000);

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
    expect(stripe.wantsMore()).toBe(false);
    for (let i = 0; i < 31; i++) {
      stripe.next();
      stripe.ended();
      stripe.settled();
    }
    expect(stripe.claimable(0)).toBe(0);
    stripe.next();
    stripe.ended();
    stripe.settled();
    expect(stripe.claimable(0)).toBe(32);
  });

  it('gives back everything that has not started when it pauses, and takes nothing meanwhile', () => {
    const stripe = make();
    stripe.accept(rows(6), 0);
    stripe.next();
    expect(stripe.pause(0, 0.5, 0).map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
    expect(stripe.wantsMore()).toBe(false);
    expect(stripe.accept([row(9)], 10)).toEqual([row(9)]);
  });

  it('is probed by one row alone, and only after those on their way have ended', () => {
    const stripe = make();
    stripe.accept(rows(1), 0);
    stripe.next();
    stripe.pause(0, 0, 0);
    const { probeAt } = stripe;
    expect(stripe.claimable(probeAt!)).toBe(0);
    stripe.ended();
    stripe.settled();
    expect(stripe.claimable(probeAt! - 1)).toBe(0);
    expect(stripe.claimable(probeAt!)).toBe(1);
    stripe.accept([row(1)], probeAt!);
    expect(stripe.claimable(probeAt!)).toBe(0);
    expect(stripe.next()?.id).toBe('1');
  });

  it('opens when the probe was answered, and waits longer after each that was not', () => {
    const stripe = make();
    let now = 0;
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      stripe.pause(now, 0, 0);
      waits.push(stripe.probeAt! - now);
      now = stripe.probeAt!;
      stripe.accept([row(i)], now);
      stripe.next();
      stripe.ended();
      stripe.settled();
    }
    expect(waits).toEqual([500, 1_000, 2_000]);
    stripe.answered();
    expect(stripe.paused).toBe(false);
    expect(stripe.wantsMore()).toBe(true);
  });

  it('waits as long as the other side asked for', () => {
    const stripe = make();
    stripe.pause(0, 0, 60_000);
    expect(stripe.probeAt).toBe(60_000);
  });

  it('does not count the ones that fail together as several outages', () => {
    const stripe = make();
    stripe.pause(0, 0, 0);
    const { probeAt } = stripe;
    stripe.pause(100, 0, 0);
    expect(stripe.probeAt).toBe(probeAt);
  });

  it('is probed again at once where the probe went back untried', () => {
    const stripe = make();
    stripe.accept(rows(1), 0);
    stripe.next();
    stripe.pause(0, 0, 0);
    stripe.ended();
    stripe.settled();
    stripe.accept([row(1)], 5_000);
    stripe.next();
    stripe.ended();
    stripe.untried(6_000);
    stripe.settled();
    expect(stripe.probeAt).toBe(6_000);
    expect(stripe.claimable(6_000)).toBe(1);
    expect(stripe.paused).toBe(true);
  });

  it('stays open where a row went back untried while it is up', () => {
    const stripe = make();
    stripe.untried(0);
    expect(stripe.paused).toBe(false);
  });
});
