import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findInstances, ProcessRunner, type StoredInstance } from '@throughline/process/postgres';
import { until } from '@throughline/testing';
import { compile, ControlHarness, deal, saleDefinition } from '../spec/control-harness.js';

const { order, provisioning } = saleDefinition.steps;
/** Another name for one step, and a new one behind it: the invoice, with an amount that the first version did not keep of the start. */
const second = {
  ...saleDefinition,
  version: 2,
  steps: {
    order,
    'getting-ready': provisioning,
    billing: {
      after: 'getting-ready',
      owner: 'billing',
      command: 'IssueInvoice',
      assigns: 'invoiceId',
      until: 'InvoiceIssued | InvoiceRejected',
      timeout: '1 hour',
      compensation: { command: 'VoidInvoice', until: 'InvoiceVoided | InvoiceCredited | InvoiceVoidRejected' },
    },
  },
};
const ordered = (key: string): [string, [string, object]] => [
  key,
  ['OrderCreated', { orderNumber: '1', externalIds: [] }],
];

describe('instances of one version become those of another', () => {
  let on: ControlHarness;
  const one = new ProcessRunner([compile(saleDefinition)], compile);
  const another = new ProcessRunner([compile(saleDefinition), compile(second)], compile);
  const plan = { from: 1, to: 2 };
  const preview = async (body: object = plan) => (await on.post('processes/sale/migrations/preview', body)).body;
  const all = async (filter = {}): Promise<StoredInstance[]> => findInstances(on.database, { ...filter, limit: 500 });

  beforeAll(async () => {
    // Instances start while the old release is the only one.
    on = await ControlHarness.start(compile(saleDefinition), compile(second));
    const keys = ['waits', 'provisions', 'reopened', 'over'];
    await on.takeAll(
      keys.map((key) => on.event(key, 'OpportunityClosedWon', deal(key))),
      one,
    );
    await on.take(...ordered('provisions'));
    await on.take(...ordered('reopened'));
    await on.take('reopened', ['OrderProvisioned', { externalIds: [] }]);
    await on.take(...ordered('over'));
    await on.take('over', ['OrderProvisioned', { externalIds: [] }]);
  }, 60_000);
  afterAll(() => on.stop());

  it('every version is listed with what runs on it', async () => {
    expect((await on.get('processes')).versions).toEqual([
      {
        process: 'sale',
        version: 1,
        active: false,
        storedAt: expect.any(String),
        instances: { running: 2, completed: 2 },
      },
      { process: 'sale', version: 2, active: true, storedAt: expect.any(String), instances: {} },
    ]);
  });

  it('a dry run says how steps are mapped and what would change for each, page by page, and touches nothing', async () => {
    const before = await on.everything();
    const { mapping, instances, next } = await preview();
    expect(mapping).toEqual({
      same: ['order'],
      renamed: { provisioning: 'getting-ready' },
      added: ['billing'],
      removed: [],
    });
    expect(instances).toMatchObject([
      { outcome: 'done', statusAfter: 'running', commands: [], after: { 'steps.billing': { status: 'waiting' } } },
      {
        outcome: 'done',
        before: { 'steps.provisioning': { status: 'commanded' }, 'steps.getting-ready': null },
        after: { 'steps.provisioning': null, 'steps.getting-ready': { status: 'commanded' } },
      },
    ]);
    expect(next).toBeNull();
    const first = await preview({ ...plan, includeEnded: true, limit: 3 });
    const last = await preview({ ...plan, includeEnded: true, limit: 3, after: first.next });
    const ended = [...first.instances, ...last.instances].filter(({ status }) => status === 'completed');
    expect([first.instances.length, last.instances.length, ended.length]).toEqual([3, 1, 2]);
    for (const { outcome, why } of ended)
      expect([outcome, why]).toEqual(['refused', expect.stringContaining('it would have to run billing')]);
    expect(await on.everything()).toEqual(before);
  });

  it('what cannot be mapped is refused as a whole', async () => {
    for (const [body, status, code] of [
      [{ from: 1, to: 3 }, 404, 'PROCESS_UNKNOWN'],
      [{ from: 1, to: 1 }, 400, 'PROCESS_MIGRATION_INVALID'],
      [{ ...plan, renames: { shipping: 'billing' } }, 400, 'PROCESS_MIGRATION_INVALID'],
    ] as const) {
      expect(await on.post('processes/sale/migrations/preview', body)).toMatchObject({ status, body: { code } });
      expect(await on.post('processes/sale/migrations', { ...body, reason: 'r' })).toMatchObject({
        status,
        body: { code },
      });
    }
    expect(await on.post('processes/other/migrations', { ...plan, reason: 'r' })).toMatchObject({ status: 404 });
  });

  it('the rest goes on with the new version, searched, audited and in its history; the unsafe stay', async () => {
    const { body } = await on.post('processes/sale/migrations', {
      ...plan,
      id: 'go',
      includeEnded: true,
      reason: 'invoices',
    });
    expect(body).toMatchObject({ action: 'migrate', status: 'done', total: 4, done: 2, refused: 2 });
    const id = await on.idOf('provisions');
    expect(await on.get(`instances/${id}`)).toMatchObject({
      version: 2,
      history: [{}, {}, { type: 'migration', effect: 'migrated' }],
    });
    expect((await on.get('instances?version=2&step=getting-ready')).instances).toMatchObject([{ id }]);
    expect((await on.get('instances?step=provisioning')).instances).toEqual([]);
    expect((await on.get(`audit?action=go&outcome=refused`)).entries).toHaveLength(2);
    await on.take('provisions', ['OrderProvisioned', { externalIds: [] }]);
    expect(await on.sentOf('provisions')).toEqual(['CreateOrder', 'ProvisionOrder', 'IssueInvoice']);
    await on.take('provisions', ['OpportunityReopened'], ['InvoiceIssued', { invoiceNumber: '1', externalIds: [] }], ['InvoiceVoided'], ['OrderReleased'], ['OrderCancelled']); // prettier-ignore
    expect((await on.sentOf('provisions')).slice(3)).toEqual(['VoidInvoice', 'ReleaseOrder', 'CancelOrder']);
    // One that stayed is undone as it was done.
    await on.take(
      'reopened',
      ['OpportunityReopened'],
      ['OrderReleased', { externalIds: [] }],
      ['OrderCancelled', { externalIds: [] }],
    );
    expect(await on.get(`instances/${await on.idOf('reopened')}`)).toMatchObject({ version: 1, status: 'compensated' });
  });

  it('under load: events flow meanwhile, none is lost or taken twice, and every instance ends', async () => {
    const keys = Array.from({ length: 150 }, (_, n) => `loaded-${n}`);
    await on.takeAll(
      keys.map((key) => on.event(key, 'OpportunityClosedWon', deal('loaded'))),
      one,
    );
    const ends: [string, object][] = [
      ['OrderCreated', { orderNumber: '1', externalIds: [] }],
      ['OrderProvisioned', { externalIds: [] }],
      ['InvoiceIssued', { invoiceNumber: '1', externalIds: [] }],
    ];
    const feed = async (runner: ProcessRunner, own: string[]): Promise<void> => {
      for (const key of own)
        for (const [type, payload] of ends) await on.takeAll([on.event(key, type, payload)], runner);
    };
    const halves = [keys.slice(0, 75), keys.slice(75)] as const;
    const migrate = () => on.post('processes/sale/migrations', { ...plan, reason: 'under load' });
    const [{ body }] = await Promise.all([
      migrate(),
      feed(on.runner, halves[0]),
      feed(another, halves[1].toReversed()),
    ]);
    const action = await until('the end of it', async () => {
      const seen = await on.get(`actions/${body.id}`);
      return seen.status === 'done' && seen;
    });
    expect(action.done).toBeGreaterThan(0);
    const instances = await all({ attributes: [{ field: 'name', value: 'loaded' }] });
    expect(instances.map(({ status }) => status)).toEqual(keys.map(() => 'completed'));
    for (const { version, state } of instances) {
      expect(Object.keys(state.steps)).toEqual(Object.keys(version === 1 ? saleDefinition.steps : second.steps));
    }
    const counted = await on.database.query(
      {
        name: 'spec-counted',
        text: `SELECT (SELECT count(*)::int FROM process_event JOIN process_instance i ON i.id = instance_id
          WHERE i.id = ANY($1::bigint[]) AND type IN ('OrderCreated', 'OrderProvisioned', 'InvoiceIssued')) AS taken,
        (SELECT count(*)::int FROM process_event WHERE instance_id = ANY($1::bigint[]) AND type = 'migration') AS migrated,
        (SELECT count(*)::int FROM (SELECT DISTINCT correlation_id, type FROM outbox) AS sent) = (SELECT count(*)::int FROM outbox) AS once`,
      },
      [instances.map(({ id }) => id)],
    );
    const onSecond = instances.filter(({ version }) => version === 2).length;
    expect(counted).toEqual([{ taken: 450, migrated: onSecond, once: true }]);
  }, 30_000);
});
