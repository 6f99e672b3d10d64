import { describe, expect, it } from '@jest/globals';
import { compareMoney, fromMinorUnits, sumMoney } from '@throughline/contracts';
import type { MedusaOrder, MedusaReturn, OrderFulfilment } from '@throughline/connectors/medusa';
import fc from 'fast-check';
import { medusaLine, medusaOrder, orderLine, salesOrder } from '../spec/order-examples.js';
import { tellBackorder, tellReturns, tellShipments, whatIsStillHere, type Telling } from './order-lines.js';

const STORE = 'store_1';
const at = (minute: number) => new Date(Date.parse('2026-11-22T10:00:00Z') + minute * 60_000).toISOString();
const shipment = (
  id: string,
  quantity: number,
  minute: number,
  more: Partial<OrderFulfilment> = {},
): OrderFulfilment => ({
  id,
  orderId: undefined,
  createdAt: at(minute),
  cancelledAt: undefined,
  requiresShipping: true,
  shippedAt: at(minute),
  items: [{ itemId: 'item_1', quantity }],
  ...more,
});
const facts = ({ events }: Telling): unknown[] =>
  events.map(({ type, payload }) => [
    type,
    'quantity' in payload ? payload.quantity : null,
    'outstandingQuantity' in payload ? payload.outstandingQuantity : null,
  ]);

it('what is still here names every line of which something has not left: how much, and whether it is ready', () => {
  const item = (itemId: string, quantity: number) => ({ items: [{ itemId, quantity }] });
  const lines = [
    medusaLine({ quantity: '5.0000', orderedQuantity: 5, remaining: 2, name: 'Chair' }),
    medusaLine({ itemId: 'item_2', lineItemId: '2', remaining: 0, name: 'Licence' }),
    medusaLine({ itemId: 'item_3', lineItemId: '3', remaining: 0, name: 'Table' }),
    medusaLine({ itemId: 'item_4', lineItemId: '4', name: 'Discount', amount: '-10.0000' }),
  ];
  const fulfilments = [
    shipment('ful_1', 2, 1),
    shipment('ful_2', 1, 2, { shippedAt: undefined }),
    shipment('ful_3', 1, 3, { shippedAt: undefined, ...item('item_2', 1) }),
    shipment('ful_4', 1, 4, item('item_3', 1)),
  ];
  const known = salesOrder({});
  expect(whatIsStillHere(known, medusaOrder({ lines, fulfilments }))).toBe(
    'Still here: 3.0000 of 5.0000 of line 1 (Chair), ready in fulfilment ful_2, the rest waited for no more; ' +
      '1.0000 of 1.0000 of line 2 (Licence), ready in fulfilment ful_3. ' +
      'If the order stands, have these lines delivered again; if not, cancel in Medusa what is ready.',
  );
  const shipped = medusaOrder({ lines: lines.slice(2), fulfilments: fulfilments.slice(3) });
  expect(whatIsStillHere(known, shipped)).toBeUndefined();
});

it('what was delivered without a shipment is not still here, and is told apart', () => {
  const licence = medusaLine({ remaining: 0, name: 'Licence' });
  const ready = shipment('ful_1', 1, 1, { requiresShipping: false, shippedAt: undefined });
  const told = (line: Parameters<typeof orderLine>[0]) =>
    whatIsStillHere(salesOrder({ lines: [orderLine(line)] }), medusaOrder({ lines: [licence], fulfilments: [ready] }));
  const delivered =
    'Delivered without shipment: line 1 (Licence) by fulfilment ful_1. ' +
    'If the order does not stand, withdraw it from the customer and cancel in Medusa what delivered it.';
  expect(told({ requested: true })).toBe(delivered);
  // Also where nobody waits for it any more.
  expect(told({ requested: false, shippedIn: ['ful_1'] })).toBe(delivered);
  expect(told({ requested: false })).toMatch(/^Still here: .*line 1 \(Licence\), ready in fulfilment ful_1/);
});

describe('shipments', () => {
  const line = medusaLine({ quantity: '5.0000', orderedQuantity: 5 });

  it('are told once each, with what is outstanding after them, and that all is delivered', () => {
    const first = shipment('ful_1', 2, 1);
    const seen = medusaOrder({ lines: [line], fulfilments: [shipment('ful_2', 3, 2), first] });
    const half = tellShipments(salesOrder({}), orderLine({}), { ...seen, fulfilments: [first] }, STORE);
    expect(facts(half)).toEqual([['OrderLineShipped', '2.0000', '3.0000']]);
    const rest = tellShipments(salesOrder({}), half.line, seen, STORE);
    expect(facts(rest)).toEqual([
      ['OrderLineShipped', '3.0000', '0.0000'],
      ['OrderLineFulfilled', '5.0000', null],
    ]);
    expect(rest.line).toMatchObject({ shippedIn: ['ful_1', 'ful_2'], fulfilledAt: at(2), backordered: 0 });
    expect(tellShipments(salesOrder({}), rest.line, seen, STORE).events).toEqual([]);
    expect(facts(tellShipments(salesOrder({}), rest.line, seen, STORE, true))).toEqual([
      ['OrderLineFulfilled', '5.0000', null],
    ]);
  });

  it('that carry two lines are two, each with an id of its own', () => {
    const both = shipment('ful_1', 5, 1, {
      items: [
        { itemId: 'item_1', quantity: 5 },
        { itemId: 'item_2', quantity: 1 },
      ],
    });
    const lines = [line, medusaLine({ itemId: 'item_2', lineItemId: '2' })];
    const ids = ['1', '2'].map((lineItemId) => {
      const seen = medusaOrder({ lines, fulfilments: [both] });
      return tellShipments(salesOrder({}), orderLine({ lineItemId }), seen, STORE).events[0]!.payload;
    });
    expect(ids).toMatchObject([{ lineItemId: '1' }, { lineItemId: '2' }]);
    expect(new Set(ids.map((payload) => (payload as { fulfilmentId: string }).fulfilmentId)).size).toBe(2);
  });

  it('of what needs no shipping are told once the delivery was asked for: until then it is only ready', () => {
    const ready = shipment('ful_1', 5, 1, { requiresShipping: false, shippedAt: undefined });
    const seen = medusaOrder({ lines: [line], fulfilments: [ready] });
    expect(tellShipments(salesOrder({}), orderLine({}), seen, STORE).events).toEqual([]);
    const asked = tellShipments(salesOrder({}), orderLine({ requested: true }), seen, STORE);
    expect(asked.events.map(({ type }) => type)).toEqual(['OrderLineShipped', 'OrderLineFulfilled']);
    const handedOver = { ...seen, fulfilments: [{ ...ready, shippedAt: at(3) }] };
    expect(tellShipments(salesOrder({}), orderLine({}), handedOver, STORE).events).toMatchObject([
      { payload: { shippedAt: at(3) } },
      { payload: { fulfilledAt: at(3) } },
    ]);
  });

  it('count as the deal does, where Medusa keeps one unit at the amount', () => {
    const one = medusaLine({ quantity: '4.0000', orderedQuantity: 1 });
    const seen = medusaOrder({ lines: [one], fulfilments: [shipment('ful_1', 1, 1)] });
    expect(facts(tellShipments(salesOrder({}), orderLine({ quantity: '4.0000' }), seen, STORE))).toEqual([
      ['OrderLineShipped', '4.0000', '0.0000'],
      ['OrderLineFulfilled', '4.0000', null],
    ]);
  });
});

describe('a back-order', () => {
  const seen = medusaOrder({ lines: [medusaLine({ quantity: '5.0000', orderedQuantity: 5, remaining: 3 })] });

  it('is told once, and again to who asks again', () => {
    const told = tellBackorder(salesOrder({}), orderLine({}), seen, true);
    expect(facts(told)).toEqual([['OrderLineBackordered', null, '3.0000']]);
    expect(told.line.backordered).toBe(3);
    expect(tellBackorder(salesOrder({}), told.line, seen, false).events).toEqual([]);
    expect(facts(tellBackorder(salesOrder({}), told.line, seen, true))).toEqual([
      ['OrderLineBackordered', null, '3.0000'],
    ]);
  });
});

describe('returns', () => {
  const received = (id: string, quantity: number, minute: number): MedusaReturn => ({
    id,
    receivedAt: at(minute),
    items: [{ itemId: 'item_1', received: quantity }],
  });
  const seen = medusaOrder({ lines: [medusaLine({ quantity: '3.0000', orderedQuantity: 3, amount: '100.0000' })] });

  /** What is told when everything of an order comes back, unit by unit. */
  const returned = (order: MedusaOrder) =>
    order.lines.flatMap(({ lineItemId, itemId, orderedQuantity }) => {
      let line = orderLine({ lineItemId });
      return Array.from({ length: orderedQuantity }, (_, unit) => {
        const returns = [{ id: `return_${unit}`, receivedAt: at(unit), items: [{ itemId, received: 1 }] }];
        const told = tellReturns(salesOrder({}), line, order, returns, STORE);
        line = told.line;
        return told.events[0]!.payload as { amount: string };
      });
    });

  it('are told once each, and their amounts add up to that of the line', () => {
    const first = tellReturns(salesOrder({}), orderLine({}), seen, [received('return_1', 1, 1)], STORE);
    const all = [received('return_1', 1, 1), received('return_2', 2, 2)];
    const second = tellReturns(salesOrder({}), first.line, seen, all, STORE);
    const payloads = [...first.events, ...second.events].map(({ payload }) => payload as { amount: string });
    expect(payloads).toMatchObject([
      { quantity: '1.0000', amount: '33.3300', currency: 'USD', returnedAt: at(1) },
      { quantity: '2.0000', amount: '66.6700', returnedAt: at(2) },
    ]);
    expect(compareMoney(sumMoney(payloads.map(({ amount }) => amount)), '100.0000')).toBe(0);
    expect(tellReturns(salesOrder({}), second.line, seen, all, STORE).events).toEqual([]);
  });

  it('that come in parts are told part by part, each with an id of its own', () => {
    const first = tellReturns(salesOrder({}), orderLine({}), seen, [received('return_1', 1, 1)], STORE);
    const rest = tellReturns(salesOrder({}), first.line, seen, [received('return_1', 3, 2)], STORE);
    expect(rest.events).toMatchObject([{ payload: { quantity: '2.0000', amount: '66.6700' } }]);
    const ids = [...first.events, ...rest.events].map(({ payload }) => (payload as { returnId: string }).returnId);
    expect(new Set(ids).size).toBe(2);
  });

  it('that nothing has been received of yet are not told', () => {
    expect(tellReturns(salesOrder({}), orderLine({}), seen, [received('return_1', 0, 1)], STORE).events).toEqual([]);
  });

  it('of a discounted order are worth what was paid: all that comes back adds up to the total, to the cent', () => {
    const line = (id: number, amount: string, orderedQuantity = 1) =>
      medusaLine({ itemId: `item_${id}`, lineItemId: String(id), amount, orderedQuantity });
    const lines = [line(1, '100.0000', 3), line(2, '50.0000'), line(3, '-10.0000'), line(4, '0.0000')];
    const order = medusaOrder({ lines, totalAmount: '140.0000' });
    const amounts = returned(order).map((each) => each.amount);
    expect(amounts).toEqual(['31.1100', '31.1100', '31.1100', '46.6700', '0.0000', '0.0000']);
    expect(sumMoney(amounts)).toBe('140.0000');
  });

  it('add up to the total of any order, whatever its lines, discounts and currency', () => {
    const minor = fc.bigInt({ min: 0n, max: 10n ** 9n });
    const sold = fc.array(fc.record({ minor, ordered: fc.integer({ min: 1, max: 4 }) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        fc.constantFrom('JPY', 'USD', 'KWD'),
        sold,
        fc.array(minor, { maxLength: 3 }),
        (currency, given, off) => {
          const whole = given.reduce((sum, each) => sum + each.minor, 0n);
          const discounts = off.map((each) => -(each % (whole / BigInt(off.length) + 1n)));
          const all = [...given, ...discounts.map((units) => ({ minor: units, ordered: 1 }))];
          const lines = all.map(({ minor: units, ordered }, index) =>
            medusaLine({
              itemId: `item_${index}`,
              lineItemId: String(index),
              amount: fromMinorUnits(units, currency),
              orderedQuantity: ordered,
            }),
          );
          const totalAmount = sumMoney(lines.map(({ amount }) => amount));
          const amounts = returned(medusaOrder({ lines, currency, totalAmount })).map(({ amount }) => amount);
          expect(sumMoney(amounts)).toBe(totalAmount);
          expect(amounts.every((amount) => compareMoney(amount, '0') >= 0)).toBe(true);
        },
      ),
    );
  });

  it('are cut to the minor unit of the currency', () => {
    const yen = { ...seen, currency: 'JPY' };
    const { events } = tellReturns(salesOrder({}), orderLine({}), yen, [received('return_1', 1, 1)], STORE);
    expect(events).toMatchObject([{ payload: { amount: '33.0000', currency: 'JPY' } }]);
  });
});
