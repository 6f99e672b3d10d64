import { describe, expect, it } from '@jest/globals';
import type { BusRecord } from './bus.js';
import { checkBus } from './check-bus.js';

let made = 0;
const record = (change: Partial<BusRecord>): BusRecord => ({
  topic: 'throughline.operations.order',
  partition: 0,
  offset: String(made),
  id: `m${++made}`,
  type: 'OrderCreated',
  source: 'ops-adapter',
  subject: 'order-1',
  sequence: 1,
  correlationId: 'closing-1',
  causationId: 'm0',
  body: {},
  poison: undefined,
  ...change,
});

/** A closing of two lines; the first ships in parts, and comes back. */
const delivered = [
  ...line('1', ['f1', 'f2']),
  ...line('2', ['f3']),
  ...['f1', 'f2', 'f3'].map((fulfilmentId) => told('RevenueRecognitionStarted', { fulfilmentId })),
  told('OrderLineBackordered', { lineItemId: '1' }),
  told('OrderLineReturned', { returnId: 'r1', lineItemId: '1' }),
  told('OrderLineReturned', { returnId: 'r2', lineItemId: '1' }),
  told('CreditNoteIssued', { creditNoteId: 'c1', returnId: 'r1' }),
  told('CreditNoteIssued', { creditNoteId: 'c2', returnId: null }),
  told('CreditNoteIssued', { creditNoteId: 'c4', returnId: null }),
];

function told(type: string, body: Record<string, unknown>, change: Partial<BusRecord> = {}): BusRecord {
  return record({ type, body, subject: `${type} ${made}`, ...change });
}

function line(lineItemId: string, shipments: string[]): BusRecord[] {
  const id = `l${lineItemId}`;
  return [
    told('FulfilOrderLine', { lineItemId }, { id, source: 'orchestrator', causationId: undefined }),
    ...shipments.map((fulfilmentId) => told('OrderLineShipped', { fulfilmentId, lineItemId }, { causationId: id })),
    told('OrderLineFulfilled', { lineItemId }, { causationId: id }),
  ];
}

describe('checkBus', () => {
  it('takes gapless sequences, and the same message more than once', () => {
    const created = record({});
    const cancelled = record({ type: 'OrderCancelled', sequence: 2 });
    expect(checkBus([created, created, cancelled, created, cancelled])).toEqual({
      messages: 2,
      repeats: 3,
      problems: [],
    });
  });

  it('takes each line, shipment, return and credit note as one, and progress as no answer', () => {
    expect(checkBus(delivered).problems).toEqual([]);
  });

  it.each([
    ['OrderLineFulfilled', /2 different messages OrderLineFulfilled of closing closing-1, lineItemId 1/],
    ['OrderLineShipped', /2 different messages OrderLineShipped of closing closing-1, fulfilmentId f1/],
    ['OrderLineBackordered', /2 different messages OrderLineBackordered of closing closing-1, lineItemId 1/],
    ['OrderLineReturned', /2 different messages OrderLineReturned of closing closing-1, returnId r1/],
    [
      'RevenueRecognitionStarted',
      /2 different messages RevenueRecognitionStarted of closing closing-1, fulfilmentId f1/,
    ],
    ['CreditNoteIssued', /2 different messages CreditNoteIssued of closing closing-1, creditNoteId c1/],
    ['FulfilOrderLine', /2 different messages FulfilOrderLine of closing closing-1, lineItemId 1/],
  ])('finds %s a second time for the same', (type, problem) => {
    const { body, source } = delivered.find((one) => one.type === type)!;
    const again = record({ type, body, source, subject: 'another' });
    expect(checkBus([...delivered, again]).problems).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  it('finds a second credit note for one return, and a line that was shipped and never fulfilled', () => {
    const second = record({ type: 'CreditNoteIssued', subject: 'c3', body: { creditNoteId: 'c3', returnId: 'r1' } });
    expect(checkBus([...delivered, second]).problems).toEqual([expect.stringMatching(/returnId r1/)]);
    const unfulfilled = delivered.filter(
      ({ type, causationId }) => type !== 'OrderLineFulfilled' || causationId !== 'l2',
    );
    expect(checkBus(unfulfilled).problems).toContainEqual(expect.stringMatching(/FulfilOrderLine .* has 0 answers/));
  });

  it('takes of a line that was refused all once more, of the same line, and an answer to each command', () => {
    const asked = told(
      'FulfilOrderLine',
      { lineItemId: '3' },
      { id: 'l3', source: 'orchestrator', causationId: undefined },
    );
    const short = told('OrderLineBackordered', { lineItemId: '3' });
    const refused = told('OrderLineFulfilmentRejected', { lineItemId: '3' });
    const again = [asked, short].map((one) => ({ ...one, id: `${one.id} again`, sequence: 2 }));
    const fulfilled = told('OrderLineFulfilled', { lineItemId: '3' });
    expect(checkBus([asked, short, refused, ...again, fulfilled]).problems).toEqual([]);
    expect(checkBus([asked, short, ...again, fulfilled]).problems).toContainEqual(
      expect.stringMatching(/2 different messages FulfilOrderLine of closing closing-1, lineItemId 3/),
    );
    expect(checkBus([asked, short, refused, ...again]).problems).toContainEqual(
      expect.stringMatching(/FulfilOrderLine .* has 1 answers instead of 2/),
    );
    expect(checkBus([asked, short, refused, fulfilled]).problems).toContainEqual(
      expect.stringMatching(/FulfilOrderLine .* has 2 answers instead of one/),
    );
  });

  it('leaves the poison out', () => {
    const poison = record({ sequence: 9, poison: { kind: 'undecodable', consumer: 'orchestrator' } });
    expect(checkBus([poison])).toMatchObject({ messages: 0, problems: [] });
  });

  it.each([
    ['a gap', [record({}), record({ type: 'B', sequence: 3 })], /as number 3, not 2/],
    [
      'a step back',
      [record({ sequence: 1 }), record({ type: 'B', sequence: 2 }), record({ type: 'C', sequence: 1 })],
      /as number 1, not 3/,
    ],
    ['a lost beginning', [record({ sequence: 2 })], /as number 2, not 1/],
    ['the same effect under two ids', [record({}), record({ sequence: 2 })], /2 different messages OrderCreated/],
    ['a second partition', [record({}), record({ type: 'B', sequence: 2, partition: 1 })], /two partitions/],
    ['a changed message', [record({ id: 'same' }), record({ id: 'same', sequence: 2 })], /different headers/],
    ['a command without an answer', [record({ type: 'CreateOrder', causationId: undefined })], /0 answers/],
  ])('finds %s', (_, records, problem) => {
    expect(checkBus(records).problems).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
  });

  it('finds a command that was answered twice', () => {
    const command = record({ id: 'command', type: 'CreateOrder', source: 'orchestrator', causationId: undefined });
    const answer = record({ causationId: 'command' });
    expect(checkBus([command, answer]).problems).toEqual([]);
    const other = record({ type: 'OrderRejected', sequence: 2, causationId: 'command' });
    expect(checkBus([command, answer, other]).problems).toEqual([expect.stringMatching(/2 answers/)]);
  });

  it('takes of an amended closing all once more, each for another order, and no more than that', () => {
    const amendment = told('OpportunityAmended', { amendmentId: 'a1' });
    const [first, second, third] = ['order-1', 'order-2', 'order-3'].map((subject) => record({ subject }));
    const again = { ...second!, id: 'again', subject: 'order-1', sequence: 2 };
    expect(checkBus([first!, second!]).problems).toEqual([expect.stringMatching(/2 different messages OrderCreated/)]);
    expect(checkBus([amendment, first!, second!]).problems).toEqual([]);
    expect(checkBus([amendment, first!, again]).problems).toEqual([expect.stringMatching(/are about the same/)]);
    expect(checkBus([amendment, first!, second!, third!]).problems).toEqual([
      expect.stringMatching(/3 different messages OrderCreated/),
    ]);
  });
});
