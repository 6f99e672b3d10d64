import { describe, expect, it } from '@jest/globals';
import { sumMoney } from '@throughline/contracts';
import { planDeals } from '../../apps/cli/src/demo/plan.js';
import { planLife, times, type Life } from './lives.js';
import { STORIES, type Story } from './schedule.js';

const ordinary = planDeals(50, 1, 'spec').deals;
const livesOf = (story: Story): Life[] =>
  ordinary.map((deal, chance) => planLife({ story, pausesMs: [0, 0], chance }, deal, String(chance)));

describe('planLife', () => {
  it('reproduces itself', () => {
    for (const story of STORIES) expect(livesOf(story)).toEqual(livesOf(story));
  });

  it.each(STORIES)('adds up: %s', (story) => {
    for (const { deal, edited, final } of livesOf(story)) {
      for (const { lines, amount } of [deal, edited, final]) {
        expect(lines.length).toBeGreaterThan(0);
        expect(new Set(lines.map(({ sku }) => sku)).size).toBe(lines.length);
        for (const line of lines) expect(line.amount).toBe(times(line.price, line.quantity));
        expect(amount).toBe(sumMoney(lines.map((line) => line.amount)));
      }
      expect(final.currency).toBe(deal.currency);
    }
  });

  it('amends the amount, and adds no line that would need an id of its own', () => {
    const amended = STORIES.filter((story) => story.includes('amended'));
    expect(amended).toHaveLength(6);
    for (const { deal, edited, final, story } of amended.flatMap(livesOf)) {
      expect(edited.amount).not.toBe(deal.amount);
      expect(final).toBe(story === 'shipped-amended-kept' ? deal : edited);
      const skus = deal.lines.map(({ sku }) => sku);
      for (const { sku } of edited.lines) expect(skus).toContain(sku);
    }
  });

  it('needs people exactly where the story is about people', () => {
    const isLarge = ({ currency, amount }: Life['deal']): boolean => currency === 'EUR' && Number(amount) >= 300_000;
    const about: Partial<Record<Story, [boolean, boolean]>> = {
      approved: [true, true],
      rejected: [true, true],
      'reopened-undecided': [true, true],
      'amended-approved': [false, true],
      'amended-rejected': [false, true],
    };
    for (const story of STORIES)
      for (const { deal, final } of livesOf(story))
        expect([isLarge(deal), isLarge(final)]).toEqual(about[story] ?? [false, false]);
  });

  it('ships in parts what is short, and gets back no more than left the house', () => {
    for (const story of ['shipped-in-parts', 'returned', 'returned-paid', 'part-shipped-reopened-kept'] as const)
      for (const { final, goods } of livesOf(story)) {
        const { quantity } = final.lines.find(({ sku }) => sku === goods!.sku)!;
        expect(goods!.onShelf < quantity).toBe(goods!.restock !== undefined);
        expect(goods!.onShelf + (goods!.restock ?? 0)).toBeGreaterThanOrEqual(quantity);
        expect(goods!.back.reduce((sum, back) => sum + back, 0)).toBeLessThanOrEqual(quantity);
      }
    expect(livesOf('shipped-in-parts').every(({ goods }) => goods!.restock !== undefined)).toBe(true);
    for (const { deal, goods } of livesOf('part-shipped-reopened-let-go'))
      expect(goods!.onShelf + goods!.stays!).toBe(deal.lines[0]!.quantity);
  });
});
