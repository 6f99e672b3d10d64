import { sumMoney, toDecimal, type Decimal } from '@throughline/contracts';
import type { PlannedDeal, PlannedLine } from '../../apps/cli/src/demo/plan.js';
import { seededRandom } from '../../apps/cli/src/demo/random.js';
import type { PlannedStory, Story } from './schedule.js';

/** Everything about one deal that is decided before anything runs. */
export interface Life extends PlannedStory {
  /** As it is closed. */
  deal: PlannedDeal;
  /** What it is edited to in the CRM. */
  edited: PlannedDeal;
  /** As its order, invoice and schedule must be in the end: as it was edited, unless a person kept it as it was. */
  final: PlannedDeal;
  goods: Goods | undefined;
}

/** What of a deal the warehouse keeps. */
export interface Goods {
  sku: string;
  /** On the shelf when the deal is closed. */
  onShelf: number;
  /** What a person fills the empty shelf up to, later. */
  restock: number | undefined;
  /** How much comes back each time. */
  back: number[];
  /** How much of what was ordered never leaves, because the deal was let go before; absent where all of it does. */
  stays?: number;
}

/** Above every credit limit, and large enough that two people decide: apps/orchestrator/policies/credit-approval.yaml. */
const LARGE_FROM = 300_000;
const LARGE_TO = 900_000;

/** The life of a deal by its story. Pure. `label` makes the SKU of its goods its own, so that no other deal takes from its shelf. */
export function planLife(planned: PlannedStory, ordinary: PlannedDeal, label: string): Life {
  const random = seededRandom(planned.chance);
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  const { story } = planned;
  const goods = GOODS[story]?.(between, `GOODS-${label}`);
  const deal = goods
    ? withLines(ordinary, [goods.line, ...(random() < 0.5 && !ALONE.has(story) ? ordinary.lines.slice(0, 1) : [])])
    : LARGE.has(story)
      ? large(ordinary, between)
      : SMALL.has(story)
        ? small(ordinary, between)
        : ordinary;
  const edited = AMENDS[story]?.(deal, between) ?? deal;
  return { ...planned, deal, edited, final: KEPT.has(story) ? deal : edited, goods: goods?.goods };
}

type Between = (from: number, to: number) => number;

const LARGE = new Set<Story>(['approved', 'rejected', 'reopened-undecided']);
/** They become large only by being amended. */
const SMALL = new Set<Story>(['amended-approved', 'amended-rejected']);

const KEPT = new Set<Story>(['shipped-amended-kept']);
/** Their goods have left all at once or not at all when the deal is reopened. */
const ALONE = new Set<Story>(['shipping-reopened']);

const AMENDS: Partial<Record<Story, (deal: PlannedDeal, between: Between) => PlannedDeal>> = {
  amended: amend,
  'amended-reopened': amend,
  'amended-approved': large,
  'amended-rejected': large,
  'amended-unshipped': moreGoods,
  'shipped-amended-kept': moreGoods,
};

function moreGoods(deal: PlannedDeal, between: Between): PlannedDeal {
  const [goods, ...others] = deal.lines;
  return withLines(deal, [priced(goods!, goods!.quantity + between(1, 3)), ...others]);
}

const GOODS: Partial<Record<Story, (between: Between, sku: string) => { line: PlannedLine; goods: Goods }>> = {
  'shipped-in-parts': inPart,
  returned: (between, sku) => {
    const line = chairs(sku, between(3, 6), between);
    const isShort = between(0, 1) === 0;
    const onShelf = isShort ? between(1, line.quantity - 1) : line.quantity + 1;
    return { line, goods: { sku, onShelf, restock: isShort ? line.quantity : undefined, back: [1, between(1, 2)] } };
  },
  'returned-paid': (between, sku) => {
    const line = chairs(sku, between(2, 6), between);
    return { line, goods: { sku, onShelf: line.quantity, restock: undefined, back: [between(1, line.quantity)] } };
  },
  'reopened-unshipped': unshipped,
  'amended-unshipped': unshipped,
  'shipped-reopened-kept': onShelf,
  'shipped-reopened-let-go': onShelf,
  'shipped-amended-kept': onShelf,
  'shipping-reopened': onShelf,
  'kept-closed-again': onShelf,
  'part-shipped-reopened-kept': inPart,
  'part-shipped-reopened-let-go': (between, sku) => {
    const { line, goods } = inPart(between, sku);
    return { line, goods: { ...goods, stays: line.quantity - goods.onShelf } };
  },
};

function inPart(between: Between, sku: string): { line: PlannedLine; goods: Goods } {
  const line = chairs(sku, between(2, 6), between);
  return { line, goods: { sku, onShelf: between(1, line.quantity - 1), restock: line.quantity, back: [] } };
}

function unshipped(between: Between, sku: string): { line: PlannedLine; goods: Goods } {
  return { line: chairs(sku, between(1, 4), between), goods: { sku, onShelf: 0, restock: 20, back: [] } };
}

function onShelf(between: Between, sku: string): { line: PlannedLine; goods: Goods } {
  const line = chairs(sku, between(1, 4), between);
  return { line, goods: { sku, onShelf: line.quantity + 5, restock: undefined, back: [] } };
}

function chairs(sku: string, quantity: number, between: Between): PlannedLine {
  // Whole units of a currency, in tens: so every currency can express them.
  const price = String(10 * between(1, 90));
  return priced({ name: 'Chair', sku, quantity, price, amount: '0.0000' }, quantity);
}

/** What a person edits in a deal: how many, for how much, or one line less. */
function amend(deal: PlannedDeal, between: Between): PlannedDeal {
  const at = between(0, deal.lines.length - 1);
  const line = deal.lines[at]!;
  const edit = between(0, deal.lines.length > 1 ? 2 : 1);
  if (edit === 2)
    return withLines(
      deal,
      deal.lines.filter((one) => one !== line),
    );
  const changed =
    edit === 0
      ? priced(line, line.quantity + between(1, 3))
      : priced({ ...line, price: dearer(line.price, between(1, 9)) }, line.quantity);
  return withLines(deal, deal.lines.with(at, changed));
}

/** One line that nobody has to agree to. */
function small(deal: PlannedDeal, between: Between): PlannedDeal {
  const line = priced({ ...deal.lines[0]!, price: String(between(100, 9_000)) }, between(1, 3));
  return withLines({ ...deal, currency: 'EUR' }, [line]);
}

/** One line, so much that two people have to agree. */
function large(deal: PlannedDeal, between: Between): PlannedDeal {
  const line = priced({ ...deal.lines[0]!, price: String(between(LARGE_FROM, LARGE_TO)) }, 1);
  return withLines({ ...deal, currency: 'EUR' }, [line]);
}

function dearer(price: string, by: number): string {
  const [whole, rest] = price.split('.');
  return [String(BigInt(whole!) + BigInt(by)), ...(rest === undefined ? [] : [rest])].join('.');
}

function priced(line: PlannedLine, quantity: number): PlannedLine {
  return { ...line, quantity, amount: times(line.price, quantity) };
}

/** Exactly. */
export function times(price: string, quantity: number): Decimal {
  return sumMoney(Array.from({ length: quantity }, () => toDecimal(price)));
}

function withLines(deal: PlannedDeal, lines: PlannedLine[]): PlannedDeal {
  return { ...deal, lines, amount: sumMoney(lines.map(({ amount }) => amount)) };
}
