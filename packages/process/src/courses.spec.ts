import { describe, expect, it } from '@jest/globals';
import { sale } from '../fixtures/sale.js';
import { shop, shopContracts, shopDefinition } from '../fixtures/shop.js';
import { CONDITIONS_AT_ONCE } from './choices.js';
import { Courses, pathTo, type Node } from './courses.js';
import { compileDefinition, explore, parseDefinition } from './index.js';

/** Follows, at each moment, the first move that begins with these words. */
function follow(courses: Courses, ...said: string[]): Node {
  return said.reduce((node, words) => {
    const next = courses.movesFrom(node, 3).find(({ last }) => last!.what.startsWith(words));
    if (!next) throw new Error(`nothing "${words}" can happen after ${pathTo(node).join(', ')}`);
    return next;
  }, courses.root());
}
const whatNext = (courses: Courses, node: Node, disturbances = 1): string[] =>
  courses.movesFrom(node, disturbances).map(({ last }) => last!.what);

describe('what can happen to an imagined instance', () => {
  const courses = new Courses(sale, 'free');

  it('begins before its start: answers, cancellations and a rejection can come first', () => {
    expect(whatNext(courses, courses.root())).toEqual(
      expect.arrayContaining([
        'DealWon -> CreateOrder',
        '(unasked) DealRejected',
        '(unasked) OrderPacked, early',
        '(unasked) DealLost',
      ]),
    );
    const early = follow(courses, '(unasked) OrderCreated, early', 'DealWon');
    expect([early.state.steps['order']?.status, early.standing]).toEqual(['done', ['order']]);
  });

  it('lets an answer come before its step is due, and stands by it', () => {
    const node = follow(courses, 'DealWon', '(unasked) NoticeSent, early', 'OrderCreated', 'OrderPacked', 'InvoiceIssued'); // prettier-ignore
    expect([node.state.status, node.standing.length]).toEqual(['completed', 4]);
  });

  it('lets a person ask again for a compensation that was refused', () => {
    const refused = follow(courses, 'DealWon', 'OrderCreated', '(unasked) DealLost', 'PackingRejected', 'InvoiceIssued', 'InvoiceVoidRejected'); // prettier-ignore
    expect(refused.state.status).toBe('stopped');
    expect(whatNext(courses, refused, 0)).toContain('a person chooses to retry billing -> VoidInvoice');
    const again = courses.movesFrom(refused, 0)[0]!;
    expect(whatNext(courses, again, 0)).toContain('InvoiceVoided -> CancelOrder');
  });

  it('only goes well where no disturbance is left', () => {
    expect(whatNext(courses, courses.root(), 0)).toEqual(['DealWon -> CreateOrder']);
  });

  it('tells once more of what an amendment replaced: undone, it changes nothing; refused, somebody is told', () => {
    const amended = new Courses(shop, 'free');
    const undone = follow(amended, 'BasketPaid (approval: not needed)', 'OrderPlaced', '(unasked) BasketChanged', 'SendingRejected of parcel/line-1', 'SendingRejected of parcel/line-2', 'OrderWithdrawn (approval: not needed)', '(unasked) OrderPlaced of what was amended'); // prettier-ignore
    expect([undone.state.steps['order']?.status, undone.stale, undone.state.attention]).toEqual(['commanded', [], []]);
    const refused = follow(amended, 'BasketPaid (approval: not needed)', '(unasked) BasketChanged', 'PlacingRejected', '(unasked) OrderPlaced of what was amended'); // prettier-ignore
    expect(refused.stale).toEqual([['order', refused.state.attention[0]?.messageId]]);
  });
});

describe('conditions', () => {
  const wide = (count: number) => {
    const { approval, order } = shopDefinition.steps;
    const asked = Object.fromEntries(Array.from({ length: count }, (_, n) => [`asked-${n}`, approval]));
    const steps = { ...asked, order: { ...order, after: Object.keys(asked) } };
    return compileDefinition(parseDefinition({ ...shopDefinition, steps }), shopContracts);
  };

  it('fall in every way', () => {
    expect(new Courses(wide(3), 'free').beginnings()).toHaveLength(8);
    expect(new Courses(wide(3), 'needed').beginnings()).toHaveLength(1);
  });

  it('that are too many in one decision are named, and each is looked at alone', () => {
    const courses = new Courses(wide(CONDITIONS_AT_ONCE + 1), 'free');
    expect(courses.beginnings()).toHaveLength(1 + CONDITIONS_AT_ONCE + 1);
    expect(courses.tooManyConditions).toHaveLength(CONDITIONS_AT_ONCE + 1);
    const { isCutShort, tooManyConditions, widest } = explore(wide(40), { maxMoves: 2_000 });
    expect([isCutShort, tooManyConditions.length, widest.length]).toEqual([true, 40, 40]);
  });
});
