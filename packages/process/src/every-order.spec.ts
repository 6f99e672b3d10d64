import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sale, saleEvent, saleMessages } from '../fixtures/sale.js';
import { decide, inFlight, initialState, type ProcessEvent, type State } from './index.js';

const now = '2026-11-22T10:00:00.000Z';
const fresh = (): State => initialState({ key: 'deal-1', occurrence: 1, correlationId: 'correlation-of-deal-1' });
const way = ['DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'];
const success: Record<string, string> = {
  CreateOrder: 'OrderCreated',
  PackOrder: 'OrderPacked',
  IssueInvoice: 'InvoiceIssued',
  SendNotice: 'NoticeSent',
  CancelOrder: 'OrderCancelled',
  UnpackOrder: 'OrderUnpacked',
  VoidInvoice: 'InvoiceVoided',
};

interface Run {
  state: State;
  sent: string[];
}

function take(run: Run, event: ProcessEvent): Run {
  const { state, commands } = decide(sale, run.state, { kind: 'event', event }, now);
  return { state, sent: [...run.sent, ...commands.map((command) => command.type)] };
}

/** Answers what is in flight with success until nothing is. */
function settle(run: Run): Run {
  for (let round = 0; round < 20; round += 1) {
    const waiting = inFlight(run.state);
    if (waiting.length === 0) return run;
    for (const [, { command }] of waiting)
      run = take(run, saleEvent(success[command!]!, `settled-${command}-${round}`));
  }
  throw new Error('never settles');
}

function* permutations<T>(items: T[]): Generator<T[]> {
  if (items.length <= 1) yield items;
  for (const [index, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
  }
}

describe('whatever the order of arrival', () => {
  it('the whole way ends completed, and each command is sent once', () => {
    for (const order of permutations([...way, 'PaymentSeen'])) {
      let run: Run = { state: fresh(), sent: [] };
      for (const type of order) for (const copy of [type, type]) run = take(run, saleEvent(copy));
      expect([order, run.state.status, run.sent.toSorted()]).toEqual([
        order,
        'completed',
        ['CreateOrder', 'IssueInvoice', 'PackOrder', 'SendNotice'],
      ]);
    }
  });

  it('a cancelled deal ends undone in reverse order of completion', () => {
    for (const order of permutations([...way, 'DealLost'])) {
      let run: Run = { state: fresh(), sent: [] };
      for (const type of order) for (const copy of [type, type]) run = take(run, saleEvent(copy));
      run = settle(run);
      const { state, sent } = run;
      const undoing: Record<string, string> = { order: 'CancelOrder', packing: 'UnpackOrder', billing: 'VoidInvoice' };
      // What was undone before the next thing was found to be done does not count into its order.
      const compensations = Object.values(undoing);
      const undone = sent.filter((type) => compensations.includes(type));
      expect([order, state.status, undone.toSorted()]).toEqual([order, 'compensated', compensations.toSorted()]);
      if (order.at(-1) === 'DealLost') {
        expect(undone).toEqual(
          state.completed
            .filter((step) => undoing[step])
            .map((step) => undoing[step])
            .toReversed(),
        );
      }
    }
  });
});

describe('whatever comes', () => {
  const types = Object.keys(saleMessages).filter(
    (type) => saleMessages[type as keyof typeof saleMessages].kind === 'event',
  );
  const anyEvents = fc.array(fc.tuple(fc.constantFrom(...types), fc.nat(3)), { maxLength: 25 });

  it('no input is dropped, no command is sent twice for one thing, and the end is never silent', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let run: Run = { state: fresh(), sent: [] };
        const taken = new Set<string>();
        for (const [type, copy] of events) {
          const event = saleEvent(type, `${type}-${copy}`);
          const { history } = decide(sale, run.state, { kind: 'event', event }, now);
          expect(history).toHaveLength(taken.has(event.messageId) ? 0 : 1);
          taken.add(event.messageId);
          run = take(run, event);
        }
        const { state, sent } = settle(run);
        expect(new Set(sent).size).toBe(sent.length);
        expect(['expected', 'rejected', 'completed', 'compensated', 'refused', 'stopped']).toContain(state.status);
      }),
      { numRuns: 5_000 },
    );
  });

  it('a state that was stored and read again decides the same', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let state = fresh();
        for (const [type, copy] of events) {
          const input = { kind: 'event' as const, event: saleEvent(type, `${type}-${copy}`) };
          const stored = JSON.parse(JSON.stringify(state)) as State;
          const decision = decide(sale, state, input, now);
          expect(decide(sale, stored, input, now)).toEqual(decision);
          state = decision.state;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
