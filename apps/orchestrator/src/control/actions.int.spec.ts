import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Messaging } from '@throughline/messaging';
import { ProcessError } from '@throughline/process';
import { storeAction } from '@throughline/process/postgres';
import { until } from '@throughline/testing';
import { compile, ControlHarness, saleDefinition } from '../spec/control-harness.js';
import { ActionLoop } from './action-loop.js';
import { InstanceActions } from './instance-actions.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON as a client reads it
type Json = any;

describe('what people do to instances', () => {
  let on: ControlHarness;
  beforeAll(async () => {
    on = await ControlHarness.start(compile(saleDefinition));
  }, 60_000);
  afterAll(() => on.stop());

  it('a preview says what would be sent, what would change and what is refused, and touches nothing', async () => {
    const id = await on.refused('previewed');
    const before = await on.everything();
    const retry = await on.post('actions/preview', { action: 'retry', ids: [id] });
    expect(retry).toMatchObject({
      status: 200,
      body: {
        total: 1,
        instances: [
          {
            id,
            status: 'stopped',
            outcome: 'done',
            statusAfter: 'running',
            commands: [
              { type: 'CreateOrder', unit: 'order', direction: 'forward', payload: { totalAmount: '100.0000' } },
            ],
            before: { status: 'stopped', 'steps.order.status': 'refused' },
            after: { status: 'running', 'steps.order.status': 'commanded' },
          },
        ],
      },
    });
    const resume = await on.post('actions/preview', { action: 'resume', ids: [id] });
    expect(resume.body.instances).toMatchObject([
      { outcome: 'refused', why: expect.stringContaining('not paused'), commands: [], statusAfter: null },
    ]);
    expect(await on.everything()).toEqual(before);
  });

  it('a refused step is asked for again, with who and why, once however often it is sent', async () => {
    const id = await on.refused('again');
    const request = { id: 'again-1', action: 'retry', ids: [id], reason: 'product added' };
    const done = await on.post('actions', request);
    expect(done).toMatchObject({
      status: 200,
      body: { id: 'again-1', status: 'done', total: 1, done: 1, refused: 0, pending: 0 },
    });
    expect(await on.post('actions', request)).toEqual(done);
    expect(await on.sentOf('again')).toEqual(['CreateOrder', 'CreateOrder']);
    const instance = await on.get(`instances/${id}`);
    expect(instance).toMatchObject({
      status: 'running',
      steps: [{ step: 'order', status: 'commanded', attempts: 2 }, {}],
    });
    expect(instance.history.at(-1)).toMatchObject({ type: 'control:retry', commands: ['CreateOrder'] });
    expect((await on.get(`audit?instance=${id}`)).entries).toMatchObject([
      {
        actor: 'ada',
        action: 'retry',
        actionId: 'again-1',
        reason: 'product added',
        outcome: 'done',
        commands: ['CreateOrder'],
        before: { status: 'stopped' },
        after: { status: 'running' },
      },
    ]);
    const another = await on.post('actions', { ...request, action: 'cancel' });
    expect(another).toMatchObject({ status: 409, body: { code: 'PROCESS_ACTION_ID_TAKEN' } });
  });

  it('pause holds it, resume lets it go on with what came meanwhile', async () => {
    await on.start('held');
    const id = await on.idOf('held');
    await on.post('actions', { action: 'pause', ids: [id], reason: 'waiting for the bank' });
    await on.take('held', ['OrderCreated', { orderNumber: '1', externalIds: [] }]);
    expect(await on.sentOf('held')).toEqual(['CreateOrder']);
    expect((await on.get('instances?paused=true')).instances).toMatchObject([{ id, status: 'paused' }]);
    await on.post('actions', { action: 'resume', ids: [id], reason: 'paid' });
    expect(await on.sentOf('held')).toEqual(['CreateOrder', 'ProvisionOrder']);
    expect((await on.get('instances?paused=true')).instances).toEqual([]);
  });

  it('skip goes on without a step, cancel undoes what was done', async () => {
    const id = await on.refused('skipped');
    const skip = await on.post('actions', { action: 'skip', ids: [id], unit: 'order', reason: 'made by hand' });
    expect(skip.body).toMatchObject({ done: 1 });
    expect((await on.get(`instances/${id}`)).steps[0]).toMatchObject({ step: 'order', status: 'skipped' });
    await on.start('cancelled');
    await on.take(
      'cancelled',
      ['OrderCreated', { orderNumber: '1', externalIds: [] }],
      ['OrderProvisioned', { externalIds: [] }],
    );
    const cancelled = await on.idOf('cancelled');
    expect(
      (await on.post('actions/preview', { action: 'cancel', ids: [cancelled] })).body.instances[0].commands,
    ).toMatchObject([{ type: 'ReleaseOrder', direction: 'compensation' }]);
    await on.post('actions', { action: 'cancel', ids: [cancelled], reason: 'fraud' });
    await on.take('cancelled', ['OrderReleased', { externalIds: [] }], ['OrderCancelled', { externalIds: [] }]);
    expect(await on.sentOf('cancelled')).toEqual(['CreateOrder', 'ProvisionOrder', 'ReleaseOrder', 'CancelOrder']);
    expect(await on.get(`instances/${cancelled}`)).toMatchObject({
      status: 'compensated',
      cause: { type: 'control:cancel' },
    });
  });

  it('acknowledge says that somebody has looked: of many at once, previewed, audited, and no longer found', async () => {
    for (const key of ['odd-1', 'odd-2']) {
      await on.refused(key);
      await on.take(key, ['OrderCreated', { orderNumber: '1', externalIds: [] }], ['OrderReleaseRejected', { reason: 'odd', field: null, message: 'Odd.' }]); // prettier-ignore
    }
    const filter = { attention: true };
    const found = (await on.get('instances?attention=true')).instances;
    expect(found).toHaveLength(2);
    const preview = await on.post('actions/preview', { action: 'acknowledge', filter });
    expect(preview.body).toMatchObject({
      total: 2,
      instances: [{ outcome: 'done', commands: [] }, { outcome: 'done' }],
    });
    expect((await on.get('instances?attention=true')).instances).toHaveLength(2);
    const reason = 'cancelled by hand, order checked';
    const unseen = await on.post('actions', { action: 'acknowledge', filter, reason });
    expect([unseen.status, JSON.stringify(unseen.body)]).toEqual([400, expect.stringContaining('say what was seen')]);
    const seen = Object.fromEntries(preview.body.instances.map((one: Json) => [one.id, one.seen]));
    const { body } = await on.post('actions', { action: 'acknowledge', seen, reason });
    expect(body).toMatchObject({ done: 2, refused: 0 });
    expect((await on.get('instances?attention=true')).instances).toEqual([]);
    const { attention } = await on.get(`instances/${found[0].id}`);
    expect(attention).toMatchObject([{ acknowledged: { by: 'ada', reason: 'cancelled by hand, order checked' } }]);
    expect((await on.get(`audit?instance=${found[0].id}`)).entries).toMatchObject([
      { action: 'acknowledge', reason: 'cancelled by hand, order checked', after: { attention: [{}] } },
    ]);
    const again = await on.post('actions', { action: 'acknowledge', seen: { [found[0].id]: 1 }, reason: 'once more' });
    expect(again.body).toMatchObject({
      refused: 1,
      results: [{ why: expect.stringContaining('nothing of it is left') }],
    });
  });

  it('acknowledge leaves open what came between what was shown and the request', async () => {
    const id = await on.refused('meanwhile');
    const odd: [string, object] = ['OrderReleaseRejected', { reason: 'odd', field: null, message: 'Odd.' }];
    await on.take('meanwhile', ['OrderCreated', { orderNumber: '1', externalIds: [] }], odd);
    const [shown] = (await on.post('actions/preview', { action: 'acknowledge', ids: [id] })).body.instances;
    await on.take('meanwhile', ['OrderReleased', { externalIds: [] }]);
    const tooMuch = await on.post('actions', { action: 'acknowledge', seen: { [id]: 99 }, reason: 'whatever comes' });
    expect([tooMuch.status, tooMuch.body.message]).toEqual([400, expect.stringContaining('there are 2')]);
    const request = { action: 'acknowledge', seen: { [id]: shown.seen }, reason: 'looked at' };
    expect((await on.post('actions', request)).body).toMatchObject({ done: 1 });
    expect((await on.get(`instances/${id}`)).attention).toMatchObject([
      { acknowledged: { by: 'ada' } },
      { acknowledged: null },
    ]);
    expect((await on.get('instances?attention=true')).instances).toMatchObject([{ id }]);
    expect((await on.post('actions', request)).body.results).toMatchObject([
      { why: expect.stringContaining('came after what was seen') },
    ]);
  });

  it('repair puts facts right before a step is asked for again, and keeps what they were', async () => {
    const id = await on.refused('repaired');
    const facts = { start: { totalAmount: '120.0000' } };
    await on.post('actions', { action: 'repair', ids: [id], facts, reason: 'typo' });
    await on.post('actions', { action: 'retry', ids: [id], reason: 'typo corrected' });
    const [, entry] = (await on.get(`audit?instance=${id}`)).entries;
    expect(entry).toMatchObject({
      action: 'repair',
      before: { 'facts.start.totalAmount': '100.0000' },
      after: { 'facts.start.totalAmount': '120.0000' },
    });
    expect((await on.get(`instances?where=totalAmount=120.0000`)).instances).toMatchObject([{ id }]);
    const wrong = { action: 'repair', ids: [id], facts: { start: { totalAmount: 'lots' } }, reason: 'x' };
    expect((await on.post('actions', wrong)).body).toMatchObject({
      refused: 1,
      results: [
        {
          why: expect.stringContaining(
            'start.totalAmount must be an exact amount as text, such as "1250.0000", and not "lots"',
          ),
        },
      ],
    });
    const unknown = await on.post('actions', {
      action: 'repair',
      ids: [id],
      facts: { start: { colour: 'red' } },
      reason: 'x',
    });
    expect(unknown.body).toMatchObject({
      refused: 1,
      results: [{ outcome: 'refused', why: expect.stringContaining('colour') }],
    });
  });

  it('facts that no command can carry are refused for that instance alone, and the others are done', async () => {
    const [bad, good] = [await on.refused('bad'), await on.refused('good')];
    const corrupt = {
      name: 'spec-corrupt',
      text: `UPDATE process_instance SET state = jsonb_set(state::jsonb, '{facts,start,totalAmount}', '"lots"')::json WHERE id = $1`,
    };
    await on.database.query(corrupt, [bad]);
    const { body } = await on.post('actions', { action: 'retry', ids: [bad, good], reason: 'both' });
    expect(body).toMatchObject({ status: 'done', total: 2, done: 1, refused: 1 });
    expect(body.results.find(({ instanceId }: Json) => instanceId === bad)).toMatchObject({
      outcome: 'refused',
      commands: [],
    });
    expect(await on.sentOf('bad')).toEqual(['CreateOrder']);
    expect(await on.sentOf('good')).toEqual(['CreateOrder', 'CreateOrder']);
  });

  it('a bulk action by a search does exactly those that were meant when it was asked for, each with the one id', async () => {
    await on.startMany('bulk', 250, '777.0000');
    const filter = { where: ['totalAmount=777.0000'], status: 'running', step: 'order' };
    const preview = (await on.post('actions/preview', { action: 'pause', filter, limit: 3 })).body;
    expect([preview.total, preview.instances.length]).toEqual([250, 3]);
    const request = { id: 'bulk-pause', action: 'pause', filter, reason: 'recall' };
    expect((await on.post('actions', request)).status).toBe(200);
    const ended = await until('the end of it', async () => {
      const action = await on.get('actions/bulk-pause');
      return action.status === 'done' && action;
    });
    expect(ended).toMatchObject({ total: 250, done: 250, refused: 0, pending: 0 });
    await on.startMany('bulk-late', 1, '777.0000');
    // By now the filter would mean others; the same request is still the same action.
    expect((await on.post('actions', request)).body).toMatchObject({ total: 250, done: 250 });
    expect((await on.get('instances?paused=true&limit=500')).instances).toHaveLength(250);
    expect((await on.get('actions')).actions[0]).toMatchObject({ id: 'bulk-pause', actor: 'ada', reason: 'recall' });
  });

  it('an action that was cut off is carried on from where it was, and one that is stopped says what was not done', async () => {
    const ids = await on.startMany('cut', 150);
    const store = (id: string) =>
      on.database.transaction((tx) =>
        storeAction(tx, { id, action: 'pause', parameters: { ids }, actor: 'ada', reason: 'r' }, ids, on.clock.now()),
      );
    // As a request leaves it whose service ends in the middle.
    await on.loop.beforeApplicationShutdown();
    await store('cut');
    await on.actions.carryOn('cut');
    expect(await on.get('actions/cut')).toMatchObject({ status: 'running', done: 100, pending: 50 });
    expect((await on.post('actions/cut/stop', { reason: 'enough' })).body).toMatchObject({
      status: 'stopped',
      done: 100,
      pending: 50,
      stoppedBy: 'ada',
      stoppedBecause: 'enough',
    });
    expect(await on.actions.carryOn()).toBe('nothing');
    await store('cut-again');
    const next = new ActionLoop(on.actions);
    next.onApplicationBootstrap();
    const ended = await until('the loop to carry on', async () => {
      const action = await on.get('actions/cut-again');
      return action.status === 'done' && action;
    });
    await next.beforeApplicationShutdown();
    // Those that the first one paused cannot be paused again.
    expect(ended).toMatchObject({ total: 150, done: 50, refused: 100, pending: 0 });
  });

  it('a failure refuses the instance that failed, and not what is next by then because another runner has gone on', async () => {
    const ids = await on.startMany('overtaken', 101);
    const request = { id: 'overtaken', action: 'pause', parameters: { ids }, actor: 'ada', reason: 'r' };
    await on.database.transaction((tx) => storeAction(tx, request, ids, on.clock.now()));
    let transactions = 0;
    const failing: Pick<Messaging, 'transaction'> = {
      async transaction(fn) {
        const number = (transactions += 1);
        if (number === 3) await on.actions.carryOn('overtaken');
        return on.messaging.transaction(async (tx) => {
          const result = await fn(tx);
          // Together, and then the first alone.
          if (number < 3) throw new ProcessError('PROCESS_ACTION_REFUSED', 'It cannot be done.');
          return result;
        });
      },
    };
    await new InstanceActions(on.database, failing, on.runner, on.clock).carryOn('overtaken');
    expect(await on.get('actions/overtaken')).toMatchObject({ status: 'done', total: 101, done: 101, refused: 0 });
  });

  it('acknowledge is of what was seen when it was asked for, however late it is carried out', async () => {
    const id = await on.refused('seen');
    const odd = { reason: 'odd', field: null, message: 'Odd.' };
    await on.take('seen', ['OrderReleaseRejected', odd]);
    const request = {
      id: 'seen',
      action: 'acknowledge',
      parameters: { seen: { [id]: 1 } },
      actor: 'ada',
      reason: 'looked',
    };
    await on.database.transaction((tx) => storeAction(tx, request, [id], on.clock.now()));
    await on.take('seen', ['OrderReleased', { externalIds: [] }]);
    await on.actions.carryOn('seen');
    const { attention } = await on.get(`instances/${id}`);
    expect(attention).toMatchObject([{ acknowledged: { by: 'ada' } }, { acknowledged: null }]);
  });

  it('refuses what it does not understand, who is nobody, and history that would be rewritten', async () => {
    const id = await on.idOf('held');
    for (const [body, text] of [
      [{ action: 'explode', ids: [id], reason: 'x' }, 'action'],
      [{ action: 'pause', reason: 'x' }, 'either ids or filter'],
      [{ action: 'pause', ids: [id] }, 'reason'],
      [{ action: 'pause', filter: { colour: 'red' }, reason: 'x' }, 'colour'],
    ] as const) {
      const answer = await on.post('actions', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'REQUEST_INVALID']);
      expect(answer.body.message).toContain(text);
    }
    expect((await on.post('actions', { action: 'pause', ids: [id], reason: 'x' }, '')).body).toMatchObject({
      code: 'ACTOR_MISSING',
    });
    expect(await on.ask('GET', 'actions/nothing')).toMatchObject({
      status: 404,
      body: { code: 'PROCESS_ACTION_UNKNOWN' },
    });
    const missing = await on.post('actions', { action: 'pause', ids: ['999999'], reason: 'x' });
    expect(missing.body).toMatchObject({ refused: 1, results: [{ why: 'There is no instance 999999.' }] });
    for (const change of ['UPDATE process_audit SET actor = $1', 'DELETE FROM process_audit WHERE actor = $1'])
      await expect(on.database.query({ name: change, text: change }, ['eve'])).rejects.toThrow('append-only');
  });
});
