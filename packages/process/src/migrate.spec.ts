import { describe, expect, it } from '@jest/globals';
import { saleContracts, saleDefinition, saleEvent } from '../fixtures/sale.js';
import {
  compileDefinition,
  decide,
  inFlight,
  initialState,
  mapSteps,
  migrateInstance,
  migrateState,
  parseDefinition,
  type Contracts,
  type Input,
  type Process,
  type RecordedEvent,
  type State,
} from './index.js';

const ids = ['dealId', 'occurrence'];
const event = (...fields: string[]) => ({ kind: 'event' as const, fields: [...ids, ...fields] });
const command = (...fields: string[]) => ({ kind: 'command' as const, fields: [...ids, ...fields] });

/** What policies say in these specs; the terms of the checkpoint can be changed. */
const contracts = (role = 'controller'): Contracts => ({
  ...saleContracts,
  messages: {
    ...saleContracts.messages,
    InsureOrder: command('orderId', 'title', 'invoiceNumber'),
    OrderInsured: event('policyNumber'),
    InsuranceRejected: event('reason', 'field', 'message'),
    EndInsurance: command('policyNumber', 'reason'),
    InsuranceEnded: event(),
    EndInsuranceRejected: event('reason', 'field', 'message'),
  },
  policies: {
    compileCondition: (text) => ({
      reads: [{ from: 'start', field: 'title' }],
      evaluate: ({ start }) => ({ value: start['title'] === text, policies: [] }),
    }),
    compilePolicy: (policy) => ({
      reads: [{ from: 'start', field: 'title' }],
      evaluate: () => ({ value: { policy, version: 1, rule: 'r', outputs: { role } }, policies: [] }),
    }),
  },
});
type Steps = Record<string, object>;
const compile = (version: number, steps: Steps, more: object = {}, role?: string): Process =>
  compileDefinition(parseDefinition({ ...saleDefinition, ...more, version, steps }), contracts(role));

const { order, packing, billing, notice } = saleDefinition.steps;
const first = compile(1, { order, packing, billing, notice });
const insurance = {
  after: ['packing', 'billing'],
  owner: 'insurers',
  command: 'InsureOrder',
  until: 'OrderInsured | InsuranceRejected',
  timeout: '1 hour',
  compensation: { command: 'EndInsurance', until: 'InsuranceEnded | EndInsuranceRejected' },
};

const now = '2026-11-22T10:00:00.000Z';
const payloads: Record<string, object> = { OrderInsured: { policyNumber: 'P-1' }, OrderPacked: { orderId: 'o' } };
const eventOf = (type: string, n = 0) => {
  const made = saleEvent(type, `${type}#${n}`);
  return { ...made, payload: { ...made.payload, ...payloads[type] } };
};

/** An instance, what it took, and what stands in the other systems by the events alone. */
interface Node {
  state: State;
  history: RecordedEvent[];
  standing: string[];
  path: string[];
}
const fresh: Node = {
  state: initialState({ key: 'deal-1', occurrence: 1, correlationId: 'correlation-of-deal-1' }),
  history: [],
  standing: [],
  path: [],
};

function take(process: Process, node: Node, type: string): Node {
  const taken = eventOf(type, node.path.length);
  const decision = decide(process, node.state, { kind: 'event', event: taken }, now);
  const { effect } = decision.history[0]!;
  const outcome = process.outcomes.get(type);
  const standing =
    outcome?.direction === 'forward' && !outcome.refusal
      ? [...new Set([...node.standing, outcome.step])]
      : outcome && !outcome.refusal
        ? node.standing.filter((step) => step !== outcome.step)
        : node.standing;
  const { messageId, payload } = taken;
  const recorded = { messageId, type, effect, payload, recordedAt: new Date(now) };
  return { state: decision.state, history: [...node.history, recorded], standing, path: [...node.path, type] };
}
const story = (process: Process, ...types: string[]): Node =>
  types.reduce((node, type) => take(process, node, type), fresh);

/** Every event that may come next: answers of each kind, a cancellation, and a person who cancels the order. */
function movesOf(process: Process, { state, standing }: Node): string[] {
  const answers = inFlight(state).flatMap(([unit]) => {
    const direction = state.steps[unit]!.status === 'compensating' ? 'compensation' : 'forward';
    return [...process.outcomes].filter(([, o]) => o.step === unit && o.direction === direction).map(([type]) => type);
  });
  const cancellations = state.cause ? [] : ['DealLost', ...(standing.includes('order') ? ['OrderCancelled'] : [])];
  return [...new Set([...answers, ...cancellations])];
}

/** Every node that can be reached, each once. */
function walk(process: Process, from: Node): Node[] {
  const seen = new Map<string, Node>();
  const visit = (node: Node): void => {
    const { steps, phase, completed, cause } = node.state;
    const units = Object.entries(steps).map(([id, { status, undone }]) => [id, status, undone]);
    const signature = JSON.stringify([units, phase, completed, cause?.step, node.standing.toSorted()]);
    if (seen.has(signature)) return;
    seen.set(signature, node);
    for (const type of movesOf(process, node)) visit(take(process, node, type));
  };
  visit(from);
  return [...seen.values()];
}

/** What is wrong with an end, if anything: the promise of every process. */
function judge(process: Process, { state, standing }: Node): string | undefined {
  const withUndoing = standing.filter((name) => process.step(name).compensation);
  switch (state.status) {
    case 'completed':
      return standing.length === process.steps.length ? undefined : `completed with ${standing.join(', ')}`;
    case 'compensated':
    case 'refused':
      return withUndoing.length === 0 ? undefined : `${state.status} with ${withUndoing.join(', ')}`;
    case 'stopped':
      return undefined;
    default:
      return `ends ${state.status}`;
  }
}

const input = { kind: 'migration', id: 'm', from: 1, to: 2, by: 'ada', reason: 'r' } as const satisfies Input;
const refusedBy = (from: Process, to: Process, node: Node): string | undefined => {
  const result = migrateState(from, to, node.state, node.history);
  return 'refused' in result ? result.refused : undefined;
};

describe('from every state of the old version', () => {
  const second = compile(2, {
    order,
    'get-ready': packing,
    billing,
    insurance: { ...insurance, after: ['get-ready', 'billing'] },
    notice: { ...notice, after: ['insurance'] },
  });
  const mapping = mapSteps(first, second, {});
  const nodes = walk(first, story(first, 'DealWon'));

  it('the mapping is plain to see', () => {
    expect(mapping).toEqual({
      same: ['order', 'billing', 'notice'],
      renamed: { packing: 'get-ready' },
      added: ['insurance'],
      removed: [],
    });
    expect(nodes.length).toBeGreaterThan(100);
  });

  it('an instance is refused only where something new would have to run before what has begun', () => {
    const refused = nodes.flatMap((node) => refusedBy(first, second, node) ?? []);
    expect(refused.length).toBeGreaterThan(0);
    for (const why of refused)
      expect(why).toMatch(/step notice is \w+, and in version 2 it would have to wait for insurance|it has completed/);
    const begun = nodes.filter(({ state }) => !state.cause && state.steps['notice']?.status !== 'waiting');
    expect(refused.length).toBe(begun.length);
  });

  it('every other one ends completed with everything standing, or undone with nothing standing, whatever comes', () => {
    let ends = 0;
    for (const node of nodes) {
      if (refusedBy(first, second, node) !== undefined) continue;
      const { state } = migrateInstance(first, second, mapping, node.state, node.history, input, now);
      const standing = node.standing.map((name) => mapping.renamed[name] ?? name);
      for (const end of walk(second, { ...node, state, standing })) {
        if (inFlight(end.state).length > 0) continue;
        ends += 1;
        expect([end.path, judge(second, end)]).toEqual([end.path, undefined]);
      }
    }
    expect(ends).toBeGreaterThan(500);
  });

  it('what was done is undone in reverse, with the values it was done by', () => {
    const node = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued', 'OrderPacked');
    const early = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued');
    const { state, commands } = migrateInstance(first, second, mapping, early.state, early.history, input, now);
    expect(commands).toEqual([]);
    const packed = decide(second, state, { kind: 'event', event: eventOf('OrderPacked') }, now);
    // The title was not kept by the old version: it is in the history.
    expect(packed.commands).toMatchObject([
      { type: 'InsureOrder', step: 'insurance', payload: { title: 'Ten chairs', invoiceNumber: 'I-1' } },
    ]);
    const undone: string[] = [];
    let last = decide(second, packed.state, { kind: 'event', event: eventOf('OrderInsured') }, now);
    last = decide(second, last.state, { kind: 'event', event: eventOf('DealLost') }, now);
    for (const type of ['NoticeRejected', 'InsuranceEnded', 'OrderUnpacked', 'InvoiceVoided', 'OrderCancelled']) {
      undone.push(...last.commands.map(({ type: sent }) => sent));
      last = decide(second, last.state, { kind: 'event', event: eventOf(type) }, now);
    }
    expect(undone).toEqual(['EndInsurance', 'UnpackOrder', 'VoidInvoice', 'CancelOrder']);
    expect(last.state.status).toBe('compensated');
    expect(refusedBy(first, second, node)).toContain('notice is commanded');
  });

  it('the state that is given is left as it is', () => {
    const node = story(first, 'DealWon', 'OrderCreated');
    const before = structuredClone(node.state);
    migrateInstance(first, second, mapping, node.state, node.history, input, now);
    expect(node.state).toEqual(before);
  });
});

describe('what is due in the new version begins at once', () => {
  it('a new step beside what has begun', () => {
    const second = compile(2, { order, packing, billing, insurance: { ...insurance, after: 'billing' }, notice });
    const node = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued');
    const { commands, history, state } = migrateInstance(first, second, mapSteps(first, second, {}), node.state, node.history, input, now); // prettier-ignore
    expect(commands.map(({ type }) => type)).toEqual(['InsureOrder']);
    expect(history).toMatchObject([{ type: 'migration', effect: 'migrated', detail: { from: 1, to: 2, by: 'ada' } }]);
    expect(state.status).toBe('running');
  });

  it('a step that was refused for good does not stop it where there is no such step any more', () => {
    const { notice: _, ...rest } = { order, packing, billing, notice };
    const node = story(first, 'DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeRejected');
    expect(node.state.status).toBe('stopped');
    const second = compile(2, rest);
    const { state } = migrateInstance(first, second, mapSteps(first, second, {}), node.state, node.history, input, now);
    expect(state.status).toBe('completed');
  });

  it('the promise to the customer is that of the new version', () => {
    const second = compile(2, { order, packing, billing, notice }, { sla: '2 days' });
    const node = story(first, 'DealWon');
    const decision = migrateInstance(first, second, mapSteps(first, second, {}), node.state, node.history, input, now);
    expect(decision.state.slaDueAt).toBe('2026-11-24T10:00:00.000Z');
    // The command in flight keeps the moment it was promised for.
    expect(decision.nextTimerAt).toBe('2026-11-22T10:15:00.000Z');
  });
});

describe('what is unsafe is refused with the reason', () => {
  const paid = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued');
  const cases: [what: string, steps: Steps, node: Node, why: RegExp][] = [
    ['a step in flight that is gone', { order, billing, notice: { ...notice, after: 'billing' } }, paid, /step packing is commanded, and version 2 has no such step/],
    ['a step done that is gone', { order, packing, notice: { ...notice, after: 'packing', with: { invoiceNumber: 'OrderCreated.orderNumber' } } }, paid, /step billing is done, and version 2 has no such step/],
    ['a step done that is undone otherwise', { order, packing, billing: { ...billing, compensation: 'none' }, notice }, paid, /step billing is done, and in version 2 its compensation is none instead of VoidInvoice/],
    ['a step done that does another thing', { order: { ...order, command: 'PackOrder', assigns: 'orderId' }, packing: { ...packing, command: 'CreateOrder' }, billing, notice }, paid, /step order is done, and in version 2 it is PackOrder instead of CreateOrder/],
    ['an answer that would not be heard', { order, packing: { ...packing, until: 'OrderPacked' }, billing, notice }, paid, /step packing is commanded, and in version 2 PackingRejected would not be taken as its answer/],
    ['an order of steps that has been passed', { order, packing, billing: { ...billing, after: 'packing' }, notice }, paid, /step billing is done, and in version 2 it would have to wait for packing, which is commanded/],
    ['a step that is undone by other values', { order: { ...order, compensation: { ...order.compensation, with: { orderId: 'OrderCreated.orderNumber' } } }, packing, billing, notice }, paid, /CancelOrder.orderId would be "O-1" instead of "correlation-of-deal-1\/deal-1\/orderId"/],
    ['an early event that nothing takes', { order, billing, notice: { ...notice, after: 'billing' } }, story(first, 'DealWon', 'OrderPacked'), /OrderPacked came early, and version 2 has no step that would take it/],
    ['an effect that another process would have had to begin', { order, packing, billing, notice: { after: ['packing', 'billing'], owner: 'sales', until: 'NoticeSent | NoticeRejected', timeout: '1 hour' } }, paid, /step notice is what another process does in version 2, and what begins that may be past/],
    ['a completed instance that would have to go on', { order, packing, billing, insurance, notice }, story(first, 'DealWon', 'OrderCreated', 'OrderPacked', 'InvoiceIssued', 'NoticeSent'), /it has completed, and in version 2 it would have to run insurance/],
  ]; // prettier-ignore

  it.each(cases)('%s', (_, steps, node, why) => {
    expect(refusedBy(first, compile(2, steps), node)).toMatch(why);
  });

  it('a fact that nobody recorded', () => {
    const second = compile(2, { order, packing, billing, insurance, notice: { ...notice, after: 'insurance' } });
    expect(refusedBy(first, second, paid)).toBeUndefined();
    const history = paid.history.map(({ payload, ...recorded }) => {
      const { title, ...rest } = payload!;
      return { ...recorded, payload: rest };
    });
    expect(refusedBy(first, second, { ...paid, history })).toBe(
      'InsureOrder needs DealWon.title, which nobody has recorded',
    );
  });

  it('versions of two processes, or that start in another way, or a rename that names nothing', () => {
    const other = compile(2, { order, packing, billing, notice }, { process: 'other' });
    expect(() => mapSteps(first, other, {})).toThrow('two processes');
    const ship = { owner: 'warehouse', command: 'PackOrder', assigns: 'orderId', until: 'OrderPacked | PackingRejected', timeout: '1 day', compensation: 'none' }; // prettier-ignore
    const otherStart = compile(
      2,
      { ship },
      { starts: 'PaymentSeen', records: [], attributes: [], 'cancelled-by': 'DealLost' },
    );
    expect(() => mapSteps(first, otherStart, {})).toThrow('"starts" is DealWon in version 1');
    const same = compile(2, { order, packing, billing, notice });
    expect(() => mapSteps(first, same, { shipping: 'packing' })).toThrow('no step "shipping"');
    expect(() => mapSteps(first, same, { packing: 'shipping' })).toThrow('no step "shipping"');
  });
});

describe('a rename', () => {
  it('that is not plain to see must be told', () => {
    // Another position, so it could be another thing.
    const second = compile(2, {
      order,
      billing,
      'get-ready': { ...packing, after: 'billing' },
      notice: { ...notice, after: 'get-ready' },
    });
    expect(mapSteps(first, second, {})).toMatchObject({ added: ['get-ready'], removed: ['packing'] });
    const node = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued');
    expect(refusedBy(first, second, node)).toMatch(/packing is commanded/);
    const told = mapSteps(first, second, { packing: 'get-ready' });
    expect(told).toMatchObject({ renamed: { packing: 'get-ready' }, added: [], removed: [] });
    expect(migrateState(first, second, node.state, node.history, told)).toMatchObject({
      state: { steps: { 'get-ready': { status: 'commanded' } } },
    });
  });
});

describe('conditions and checkpoints', () => {
  const approval = { owner: 'credit', checkpoint: 'credit', due: '4 hours' };
  const asked = (role?: string, changed: object = {}, version = 2) =>
    compile(version, { approval: { ...approval, ...changed }, order: { ...order, after: 'approval' }, packing, billing, notice }, {}, role); // prettier-ignore
  const open = story(asked(undefined, {}, 1), 'DealWon');

  it('an open decision stays open where it is asked the same', () => {
    expect(open.state.steps['approval']?.status).toBe('deciding');
    expect(refusedBy(asked(undefined, {}, 1), asked(), open)).toBeUndefined();
  });

  it.each([
    ['other terms', asked('director'), /the terms differ: {"role":"director"} instead of {"role":"controller"}/],
    ['another owner', asked(undefined, { owner: 'sales' }), /sales would be asked instead of credit/],
    ['another due time', asked(undefined, { due: '1 day' }), /due at another time/],
    [
      'another checkpoint',
      asked(undefined, { checkpoint: 'contract' }),
      /the checkpoint contract instead of the checkpoint credit/,
    ],
    [
      'no checkpoint',
      compile(2, { order, packing, billing, notice }),
      /step approval is deciding, and version 2 has no such step/,
    ],
  ])('but is refused with %s', (_, to, why) => {
    expect(refusedBy(asked(undefined, {}, 1), to, open)).toMatch(why);
  });

  it('whoever asked for it is known to a version that looks at that, the latest last', () => {
    const version = (number: number, requester?: string): Process => ({
      ...asked(undefined, {}, number),
      amendedBy: new Set(['DealChanged']),
      requester,
    });
    const told = (askedBy: string | null, type: string, effect: string): RecordedEvent => {
      const payload = { ...eventOf('DealWon').payload, askedBy };
      return { messageId: `${type} ${askedBy}`, type, effect, payload, recordedAt: new Date(now) };
    };
    const history = [
      told('bea', 'DealChanged', 'early'),
      told('ada', 'DealWon', 'started'),
      told(null, 'DealChanged', 'amended'),
      told('eve', 'DealChanged', 'recorded'),
      told('cy', 'DealChanged', 'amended'),
      told('ada', 'DealChanged', 'amended'),
    ];
    const requesters = (known?: string[], by?: string): string[] | undefined => {
      const state = { ...open.state, ...(known && { requesters: known }) };
      const migrated = migrateState(version(1), version(2, by), state, history);
      return 'state' in migrated ? migrated.state.requesters : [migrated.refused];
    };
    expect(requesters(undefined, 'askedBy')).toEqual(['bea', 'cy', 'ada']);
    expect(requesters(['dan', 'ada'], 'askedBy')).toEqual(['dan', 'bea', 'cy', 'ada']);
    expect(requesters(['dan'])).toEqual(['dan']);
    expect(requesters()).toBeUndefined();
  });

  it('an approval is not needed any more where nothing asks for it', () => {
    const from = asked(undefined, {}, 1);
    const decision: Input = { kind: 'decision', id: 'd', unit: 'approval', verdict: 'approved', by: 'ada' };
    const approved = decide(from, open.state, decision, now).state;
    const second = compile(2, { order, packing, billing, notice });
    expect(migrateState(from, second, approved, open.history)).toMatchObject({
      state: { completed: [], steps: { order: { status: 'commanded' } } },
    });
    // The other way round somebody would have had to be asked first.
    expect(refusedBy(first, asked(), story(first, 'DealWon'))).toMatch(/order is commanded.*wait for approval/);
  });

  it('a new step before what has begun is passed by where its condition is false', () => {
    const when = (text: string) => compile(2, { order, check: { ...insurance, after: 'order', when: text, command: 'InsureOrder', with: { invoiceNumber: 'OrderCreated.orderNumber' } }, packing: { ...packing, after: ['order', 'check'] }, billing, notice }); // prettier-ignore
    const node = story(first, 'DealWon', 'OrderCreated');
    expect(refusedBy(first, when('Ten chairs'), node)).toMatch(
      /packing is commanded.*wait for check, which is waiting/,
    );
    expect(migrateState(first, when('Nine chairs'), node.state, node.history)).toMatchObject({
      state: { steps: { check: { status: 'not-needed' } } },
    });
  });

  it('a step that was not needed is looked at again by another condition', () => {
    const check = (text: string, version: number) => compile(version, { order, packing, billing, check: { ...insurance, after: 'billing', when: text }, notice }); // prettier-ignore
    const from = check('Nine chairs', 1);
    const node = story(from, 'DealWon', 'OrderCreated', 'InvoiceIssued');
    expect(node.state.steps['check']?.status).toBe('not-needed');
    const to = check('Ten chairs', 2);
    const decision = migrateInstance(from, to, mapSteps(from, to, {}), node.state, node.history, input, now);
    expect(decision.commands.map(({ type }) => type)).toEqual(['InsureOrder']);
    expect(migrateState(from, check('Eight chairs', 2), node.state, node.history)).toMatchObject({
      state: { steps: { check: { status: 'not-needed' } } },
    });
  });
});

it('a condition that cannot be told is a reason to stay, not a failure', () => {
  const base = contracts();
  const broken: Contracts = {
    ...base,
    policies: {
      ...base.policies!,
      compileCondition: () => ({
        reads: [],
        evaluate: () => {
          throw new Error('line.unitAmount is not known here');
        },
      }),
    },
  };
  const steps = { order, packing, billing, check: { ...insurance, after: 'billing', when: 'broken' }, notice };
  const second = compileDefinition(parseDefinition({ ...saleDefinition, version: 2, steps }), broken);
  const node = story(first, 'DealWon', 'OrderCreated', 'InvoiceIssued');
  expect(() =>
    migrateInstance(first, second, mapSteps(first, second, {}), node.state, node.history, input, now),
  ).toThrow(
    expect.objectContaining({
      code: 'PROCESS_MIGRATION_REFUSED',
      message: expect.stringContaining('line.unitAmount is not known'),
    }),
  );
});
