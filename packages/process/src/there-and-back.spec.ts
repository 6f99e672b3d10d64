import { describe, expect, it } from '@jest/globals';
import { shopContracts, shopDefinition } from '../fixtures/shop.js';
import {
  allowedActions,
  compileDefinition,
  decide,
  inFlight,
  initialState,
  mapSteps,
  migrateInstance,
  migrateState,
  parseDefinition,
  stepOf,
  type Input,
  type Process,
  type RecordedEvent,
  type State,
} from './index.js';

const compile = (version: number, steps: object, more: object): Process =>
  compileDefinition(parseDefinition({ ...shopDefinition, ...more, version, steps }), shopContracts);
const { approval, order, parcel, receipt, refund } = shopDefinition.steps;
const first = compile(1, { approval, order, parcel, receipt, refund }, {});
/** Other names, among them that of the step that runs for each line, another promise, and a field of the line that it does not use. */
const second = compile(
  2,
  {
    approval,
    purchase: { ...order, after: 'approval' },
    shipment: { ...parcel, after: 'purchase', with: { sku: 'BasketPaid.customer' } },
    receipt: { ...receipt, after: 'shipment' },
    refund: { ...refund, after: 'purchase' },
  },
  { sla: '1 hour', attributes: ['customer'] },
);
const there = mapSteps(first, second, { order: 'purchase', parcel: 'shipment' });
const back = mapSteps(second, first, { purchase: 'order', shipment: 'parcel' });

interface Node {
  state: State;
  history: RecordedEvent[];
  now: number;
  said: string[];
}

const lines = ['a', 'b'].map((lineId) => ({ lineId, sku: `sku of ${lineId}`, count: 1 }));
const basket = { customer: 'Ada', total: '5000.00', currency: 'EUR', address: 'Here 1', lines };
const fresh: Node = {
  state: initialState({ key: 'basket-1', occurrence: 1, correlationId: 'c' }),
  history: [],
  now: Date.UTC(2026, 10, 22, 10),
  said: [],
};

function take(process: Process, node: Node, input: Input): Node {
  const now = new Date(node.now);
  const decision = decide(process, node.state, input, now.toISOString());
  const payload = input.kind === 'event' ? input.event.payload : null;
  const taken = decision.history.map(({ messageId, type, effect, detail }) => ({ messageId, type, effect, detail: detail ?? null, payload, recordedAt: now })); // prettier-ignore
  const history = [...node.history, ...taken];
  const said = [...node.said, input.kind === 'event' ? input.event.type : input.kind];
  return { state: decision.state, history, now: node.now + 60_000, said };
}

/** An event that says of every id what the instance means by it. */
function eventOf(node: Node, type: string, fields: object = {}): Input {
  const { assigned } = node.state.facts;
  const refusal = type.endsWith('Rejected') ? { reason: 'a-reason', message: 'No.' } : {};
  const payload = { basketId: 'basket-1', occurrence: 1, number: 'N-1', ...assigned, ...refusal, ...fields };
  const time = new Date(node.now - 5_000).toISOString();
  return { kind: 'event', event: { messageId: `${type}#${node.said.length}`, type, payload, source: 's', time, correlationId: 'c' } }; // prettier-ignore
}

function movesOf(process: Process, node: Node): Node[] {
  const { state } = node;
  const answers = inFlight(state).flatMap(([unit]) => {
    const step = stepOf(process, unit);
    if (step.checkpoint)
      return [take(process, node, { kind: 'decision', id: `d#${node.said.length}`, unit, verdict: 'approved', by: 'a' })]; // prettier-ignore
    const direction = state.steps[unit]!.status === 'compensating' ? 'compensation' : 'forward';
    const run = unit.split('/')[1];
    return [...process.outcomes]
      .filter(([, outcome]) => outcome.step === step.name && outcome.direction === direction)
      .map(([type]) => take(process, node, eventOf(node, type, step.repeat ? { [step.repeat.by]: run } : {})));
  });
  const isOnce = (type: string): boolean => !node.said.includes(type);
  const asked = [
    ...(isOnce('ComplaintMade') ? [eventOf(node, 'ComplaintMade', { complaintId: 'x', amount: '5.00' })] : []),
    ...(isOnce('BasketReturned') ? [eventOf(node, 'BasketReturned')] : []),
  ];
  const late = isOnce('timer') ? [take(process, { ...node, now: node.now + 3 * 3_600_000 }, { kind: 'timer' })] : [];
  return [...answers, ...asked.map((input) => take(process, node, input)), ...late];
}

/** Also: it is amended, and a person lets it stand as it was where that could not be undone. */
function movesWithAmendment(process: Process, node: Node): Node[] {
  const isAmended = node.said.includes('BasketChanged');
  const amended = isAmended
    ? []
    : [take(process, node, eventOf(node, 'BasketChanged', { ...basket, total: '6000.00', customer: 'Bea' }))];
  const isKept = allowedActions(process, node.state).some(({ action }) => action === 'keep');
  const kept = isKept ? [take(process, node, { kind: 'control', id: `keep#${node.said.length}`, action: 'keep', by: 'a', reason: 'r' })] : []; // prettier-ignore
  const others = movesOf(process, node).filter(
    ({ said }) => said.at(-1) !== 'timer' && said.at(-1) !== 'ComplaintMade',
  );
  return [...others, ...amended, ...kept];
}

/** Every node that can be reached, each once. */
function walk(process: Process, from: Node, moves = movesOf): Node[] {
  const seen = new Map<string, Node>();
  const pending = [from];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const { steps, phase, completed, cause, slaBreachedAt, amendment, attributes } = node.state;
    const units = Object.entries(steps).map(([id, { status, execution }]) => [id, status, execution?.overdueSince !== undefined]); // prettier-ignore
    const signature = JSON.stringify([units, phase, completed, cause?.step, cause !== undefined, slaBreachedAt !== undefined, amendment, attributes, node.said.includes('BasketChanged')]); // prettier-ignore
    if (seen.has(signature)) continue;
    seen.set(signature, node);
    pending.push(...moves(process, node));
  }
  return [...seen.values()];
}

function migrated(from: Process, to: Process, { state, history }: Pick<Node, 'state' | 'history'>): State {
  const result = migrateState(from, to, state, history, from === first ? there : back);
  if ('refused' in result) throw new Error(result.refused);
  return result.state;
}

describe('there and back', () => {
  const started = take(first, fresh, eventOf(fresh, 'BasketPaid', basket));
  const nodes = walk(first, started);

  it('keeps what is undone, due and known, from every state', () => {
    expect(nodes.length).toBeGreaterThan(300);
    for (const node of nodes) {
      const away = migrated(first, second, node);
      const home = migrated(second, first, { state: away, history: node.history });
      expect([node.said, home]).toEqual([node.said, node.state]);
    }
  });

  it('keeps what an amendment said where it came into force, and nothing of one that was dropped', () => {
    const amended = walk(first, started, movesWithAmendment).filter(({ state }) => state.phase !== 'amending');
    const dropped = amended.filter(({ said, state }) => said.includes('BasketChanged') && state.revision === undefined);
    const kept = dropped.filter(({ said }) => said.includes('control'));
    expect([kept.length > 20, amended.length - dropped.length > 50]).toEqual([true, true]);
    for (const node of amended) {
      const away = migrated(first, second, node);
      const home = migrated(second, first, { state: away, history: node.history });
      expect([node.said, home]).toEqual([node.said, node.state]);
    }
  });

  it('tells from what the instance goes by what was dropped before that was recorded, and is refused where it cannot', () => {
    const unmarked = ({ history }: Node): RecordedEvent[] =>
      history.map(({ detail, ...entry }) => {
        const { dropped: _, ...rest } = detail ?? {};
        return { ...entry, detail: rest };
      });
    const amended = walk(first, started, movesWithAmendment).filter(({ state }) => state.phase !== 'amending');
    const customers = amended.map((node) => {
      const away = migrated(first, second, node);
      expect([node.said, migrated(first, second, { state: node.state, history: unmarked(node) })]).toEqual([node.said, away]); // prettier-ignore
      return away.attributes['customer'];
    });
    expect(new Set(customers)).toEqual(new Set(['Ada', 'Bea']));
    // Told twice, to and fro: what the old version goes by says nothing of the first one.
    const turned = amended.find(({ said, state }) => said.includes('BasketChanged') && state.revision !== undefined && state.cause !== undefined)!; // prettier-ignore
    const history = unmarked(turned);
    const told = history.find(({ type }) => type === 'BasketChanged')!;
    const back = { ...told, messageId: 'back', payload: { ...basket, customer: 'Cy' } };
    const state = { ...turned.state, facts: { ...turned.state.facts, start: { ...turned.state.facts.start, total: basket.total } } }; // prettier-ignore
    expect(() => migrated(first, second, { state, history: history.toSpliced(history.indexOf(told) + 1, 0, back) })).toThrow(
      'nobody has recorded whether BasketChanged came into force before the instance turned back, and version 2 needs its customer',
    ); // prettier-ignore
  });

  it('keeps what a person has put right, also of a fact that the other version does not use', () => {
    const bare = compile(2, { approval, purchase: { ...order, after: 'approval' } }, {});
    const order1 = take(first, take(first, started, { kind: 'decision', id: 'd', unit: 'approval', verdict: 'approved', by: 'a' }), eventOf(started, 'PlacingRejected')); // prettier-ignore
    expect(order1.state.status).toBe('refused');
    const early = take(first, started, { kind: 'control', id: 'r', action: 'repair', by: 'a', reason: 'r', facts: { start: { address: 'There 2' } } }); // prettier-ignore
    const renames = { order: 'purchase' };
    const away = migrateState(first, bare, early.state, early.history, mapSteps(first, bare, renames));
    if ('refused' in away) throw new Error(away.refused);
    expect(away.state.facts.start).not.toHaveProperty('address');
    const home = migrateState(bare, first, away.state, early.history, mapSteps(bare, first, { purchase: 'order' }));
    expect(home).toMatchObject({ state: { facts: { start: { address: 'There 2' } } } });
  });

  it('tells of a broken promise once, however often the instance goes there and back', () => {
    const ids: string[] = [];
    let { state, history, now } = started;
    let [from, to] = [first, second];
    for (let n = 0; n < 6; n += 1) {
      now += 20 * 3_600_000;
      const at = new Date(now);
      const input = {
        kind: 'migration',
        id: `m${n}`,
        from: from.version,
        to: to.version,
        by: 'a',
        reason: 'r',
      } as const;
      const mapping = from === first ? there : back;
      const turns = [migrateInstance(from, to, mapping, state, history, input, at.toISOString())];
      turns.push(decide(to, turns[0]!.state, { kind: 'timer' }, at.toISOString()));
      for (const turn of turns) {
        state = turn.state;
        ids.push(...turn.history.map(({ messageId }) => messageId));
        const taken = turn.history.map(({ messageId, type, effect }) => ({ messageId, type, effect, payload: null, recordedAt: at })); // prettier-ignore
        history = [...history, ...taken];
      }
      [from, to] = [to, from];
    }
    expect(ids.filter((id) => id.startsWith('timer:sla')).length).toBe(2);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('what is under way at a line is answered, and undone, in the other version', () => {
    for (const node of nodes) {
      const state = migrated(first, second, node);
      const input = { kind: 'migration', id: 'm', from: 1, to: 2, by: 'a', reason: 'r' } as const;
      const at = new Date(node.now).toISOString();
      const moved = migrateInstance(first, second, there, node.state, node.history, input, at);
      expect([node.said, moved.commands]).toEqual([node.said, []]);
      if (Object.values(state.steps).some(({ status }) => status === 'compensation-refused')) continue;
      const cancelled = take(second, { ...node, state }, eventOf(node, 'BasketReturned'));
      expect(endOf(cancelled)).toMatch(/compensated|refused|completed/);
    }
  });
});

/** Where it ends when every answer is a success. */
function endOf(node: Node): string {
  let last = node;
  for (let next: Node | undefined = node; next; next = movesOf(second, last)[0]) {
    last = next;
    if (inFlight(last.state).length === 0) break;
  }
  return last.state.status;
}
