import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { until } from '@throughline/testing';
import { countTasks } from './count-tasks.js';
import { TasksHarness, type Json } from '../spec/tasks-harness.js';
import { emitInto } from '../take-events.js';

jest.setTimeout(60_000);

const HOUR_MS = 3_600_000;

describe('tasks over HTTP', () => {
  let harness: TasksHarness;

  beforeAll(async () => {
    harness = await TasksHarness.start();
  });
  afterAll(() => harness.stop());

  const ask: TasksHarness['ask'] = (...args) => harness.ask(...args);
  const act = (actor: string, id: string, action: string, body: object = {}) =>
    ask('POST', `/tasks/${id}/${action}`, body, actor);
  const statusOf = async (deal: string) => (await harness.instanceOf(deal)).status;
  const refusal = (status: number, code: string) => ({
    status,
    body: expect.objectContaining({ code, message: expect.any(String) }),
  });

  it('a checkpoint opens a task with its facts, policy and rule; the process waits', async () => {
    const { deal, id } = await harness.close({
      due: '4 business hours',
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }],
    });
    expect(await statusOf(deal)).toBe('deciding');
    expect(await harness.commandsFor(deal)).toEqual([]);
    const { body } = await ask('GET', `/tasks/${id}`, undefined, 'carla');
    expect(body).toMatchObject({
      status: 'open',
      title: expect.stringMatching(/^Deal \d+$/),
      amount: '12000.0000',
      currency: 'EUR',
      policy: { policy: 'credit-approval', version: 3, rule: 'over-limit' },
      instance: expect.stringMatching(/^\/v1\/instances\/\d+$/),
      traceUrl: 'http://viewer/zipkin/traces/4bf92f3577b34da6a3ce929d0e0e4736',
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true, options: null }],
      actions: ['claim', 'assign', 'delegate', 'approve', 'reject', 'send-back', 'add-attachment', 'set-follow-up'],
      history: [{ kind: 'opened', policy: { version: 3 }, facts: { totalAmount: '12000.0000' } }],
    });
    expect(body.facts).toContainEqual({
      name: 'totalAmount',
      label: 'Total amount',
      description: expect.stringContaining('Total'),
      value: '12000.0000',
    });
    expect((await ask('GET', `/tasks/${id}`, undefined, 'dana')).body.actions).toEqual([]);
  });

  it('the flow continues at once after the decision, in the same transaction', async () => {
    const { deal, id } = await harness.close({
      form: [{ name: 'limit', label: 'Credit limit', type: 'money', required: true }],
    });
    expect((await act('carla', id, 'claim')).body).toMatchObject({
      status: 'claimed',
      assignee: { id: 'carla', name: 'Carla' },
    });
    expect(await act('carla', id, 'approve')).toEqual(refusal(422, 'TASK_FORM_INVALID'));
    expect(await harness.commandsFor(deal)).toEqual([]);
    const { status, body } = await act('carla', id, 'approve', {
      values: { limit: '15000 EUR' },
      reason: 'known for years',
    });
    expect([status, body.status]).toEqual([200, 'approved']);
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
    expect(await statusOf(deal)).toBe('running');
    expect(body.history.at(-1)).toMatchObject({
      kind: 'approved',
      by: { id: 'carla' },
      reason: 'known for years',
      details: { values: { limit: { amount: '15000.0000', currency: 'EUR' } } },
      policy: { policy: 'credit-approval', version: 3 },
      facts: { totalAmount: '12000.0000' },
    });
  });

  it('a rejection ends the deal, with reason and person', async () => {
    const { deal, id } = await harness.close();
    expect(await act('carla', id, 'reject')).toMatchObject({ status: 400 });
    expect((await act('carla', id, 'reject', { reason: 'no credit' })).body).toMatchObject({ status: 'rejected' });
    expect(await harness.instanceOf(deal)).toMatchObject({
      status: 'refused',
      state: { cause: { step: 'credit-approval', by: 'carla', message: 'no credit' } },
    });
    expect(await harness.commandsFor(deal)).toEqual([]);
  });

  it('of two clerks at once one decides, and the other is told who was faster; the step is decided once', async () => {
    for (let round = 0; round < 5; round++) {
      const { deal, id } = await harness.close();
      const answers = await Promise.all([
        act('carla', id, 'approve'),
        act('carlo', id, 'approve'),
        act('cosima', id, 'reject', { reason: 'no' }),
      ]);
      const won = answers.filter(({ status }) => status === 200);
      const lost = answers.filter(({ status }) => status !== 200);
      expect(won).toHaveLength(1);
      const winner = won[0]!.body.history.at(-1).by.name;
      for (const one of lost) {
        expect(one).toEqual(refusal(409, 'TASK_ENDED'));
        expect(one.body.message).toContain(`by ${winner}`);
      }
      expect(await harness.commandsFor(deal)).toEqual(won[0]!.body.status === 'approved' ? ['CreateOrder'] : []);
    }
  });

  it('whoever saw an older version is told, and nothing is done', async () => {
    const { id } = await harness.close();
    const { version } = (await ask('GET', `/tasks/${id}`)).body;
    await act('carla', id, 'claim');
    await act('carla', id, 'release');
    const late = await act('carlo', id, 'claim', { version });
    expect(late).toEqual(refusal(409, 'TASK_CHANGED'));
    expect(late.body.message).toContain('Carla was faster');
    expect((await ask('GET', `/tasks/${id}`)).body.status).toBe('open');
  });

  it('nobody decides on their own request, by whatever name the CRM calls them', async () => {
    const { id } = await harness.close({}, { closedBy: 'hubspot:4711:owner:77' });
    expect((await ask('GET', `/tasks/${id}`)).body.requestedBy).toEqual({ id: 'sol', name: 'Sol' });
    for (const [action, body] of [
      ['claim', {}],
      ['approve', {}],
      ['reject', { reason: 'x' }],
    ] as const)
      expect(await act('sol', id, action, body)).toEqual(refusal(403, 'TASK_OWN_REQUEST'));
    expect(await act('dana', id, 'approve')).toEqual(refusal(403, 'TASK_ROLE_MISSING'));
    expect(await act('mallory', id, 'approve')).toEqual(refusal(403, 'TASK_ACTOR_UNKNOWN'));
    expect(await ask('POST', `/tasks/${id}/claim`, {})).toEqual(refusal(400, 'ACTOR_MISSING'));
  });

  it('four eyes: the step goes on after the second person', async () => {
    const { deal, id } = await harness.close({ fourEyes: true });
    expect((await act('carla', id, 'approve')).body).toMatchObject({
      status: 'open',
      approvalsNeeded: 2,
      approvalsGiven: 1,
    });
    expect(await act('carla', id, 'approve')).toEqual(refusal(403, 'TASK_SECOND_PERSON_NEEDED'));
    expect(await harness.commandsFor(deal)).toEqual([]);
    expect((await act('carlo', id, 'approve')).body.status).toBe('approved');
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('a delegate decides in the name of another; both are on record', async () => {
    const { id } = await harness.close();
    const endsAt = new Date(harness.clock.now().getTime() + HOUR_MS).toISOString();
    const asAnother = await ask('POST', '/delegations', { person: 'carla', delegate: 'dana', endsAt }, 'dana');
    expect(asAnother).toEqual(refusal(403, 'STAND_IN_NOT_YOURS'));
    expect(await ask('POST', '/delegations', { delegate: 'nobody', endsAt }, 'carla')).toEqual(
      refusal(422, 'STAND_IN_INVALID'),
    );
    const made = await ask('POST', '/delegations', { delegate: 'dana', endsAt }, 'carla');
    expect(made).toMatchObject({ status: 201, body: { person: { id: 'carla' }, delegate: { id: 'dana' } } });
    expect((await ask('GET', '/tasks?mine=true', undefined, 'dana')).body.tasks.map((task: Json) => task.id)).toContain(
      id,
    );
    const { body } = await act('dana', id, 'approve');
    expect(body.history.at(-1)).toMatchObject({ by: { id: 'dana' }, onBehalfOf: { id: 'carla' } });
    expect((await ask('POST', `/delegations/${made.body.id}/end`, {}, 'carla')).body).toMatchObject({
      endedBy: 'carla',
    });
    expect((await ask('GET', '/delegations?person=dana')).body.delegations).toEqual([]);
    expect((await ask('GET', '/delegations?person=dana&past=true')).body.delegations).toHaveLength(1);
    const { id: next } = await harness.close();
    expect(await act('dana', next, 'approve')).toEqual(refusal(403, 'TASK_ROLE_MISSING'));
  });

  it('it is sent back to who requested it, answered, and decided', async () => {
    const { deal, id } = await harness.close({}, { closedBy: 'sol' });
    expect((await act('carla', id, 'send-back', { reason: 'who signs?' })).body).toMatchObject({
      status: 'sent-back',
      question: 'who signs?',
    });
    expect((await ask('GET', '/tasks?mine=true', undefined, 'sol')).body.tasks.map((task: Json) => task.id)).toContain(
      id,
    );
    expect((await act('sol', id, 'attachments', { name: 'Letter', uri: 'https://documents.example/1' })).status).toBe(
      200,
    );
    expect(await act('sol', id, 'attachments', { name: 'Letter', uri: 'data:text/plain,x' })).toEqual(
      refusal(422, 'TASK_ATTACHMENT_INVALID'),
    );
    expect((await act('sol', id, 'resubmit', { reason: 'the board' })).body).toMatchObject({
      status: 'claimed',
      assignee: { id: 'carla' },
    });
    const { body } = await act('carla', id, 'approve');
    expect(body.history.map(({ kind }: Json) => kind)).toEqual([
      'opened',
      'sent-back',
      'attached',
      'resubmitted',
      'approved',
    ]);
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('a task whose deal is reopened is withdrawn, and can no longer be decided', async () => {
    const { deal, id } = await harness.close();
    await harness.take('OpportunityReopened', deal);
    expect((await ask('GET', `/tasks/${id}`)).body).toMatchObject({ status: 'withdrawn' });
    expect(await act('carla', id, 'approve')).toEqual(refusal(409, 'TASK_ENDED'));
    expect(await harness.commandsFor(deal)).toEqual([]);
  });

  it('an amended deal is asked about anew: the earlier task is withdrawn, and the new one has the new facts', async () => {
    const { deal, id } = await harness.close({ fourEyes: true });
    await act('carla', id, 'approve');
    await harness.take('OpportunityAmended', deal, { totalAmount: '13000.0000', name: 'More of it', currency: 'EUR' });
    expect((await ask('GET', `/tasks/${id}`)).body).toMatchObject({ status: 'withdrawn' });
    const [task, ...others] = (await ask('GET', `/tasks?key=${deal}`)).body.tasks;
    expect(others).toEqual([]);
    expect(task).toMatchObject({ status: 'open', amount: '13000.0000', approvalsGiven: 0, title: 'More of it' });
    expect((await act('carla', task.id, 'approve')).status).toBe(200);
    expect((await act('carlo', task.id, 'approve')).body.status).toBe('approved');
    expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
  });

  it('an amendment that asks nobody anew adds who made it to those who do not decide', async () => {
    const { deal, id } = await harness.close({ fourEyes: true }, { closedBy: 'sol' });
    await act('carla', id, 'approve');
    await harness.take('OpportunityAmended', deal, { name: 'Another name', closedBy: 'CARLA@Example.com' });
    expect((await ask('GET', `/tasks/${id}`, undefined, 'carla')).body).toMatchObject({
      status: 'open',
      approvalsGiven: 0,
      requestedBy: { id: 'carla' },
      history: expect.arrayContaining([expect.objectContaining({ kind: 'requester-joined' })]),
    });
    expect(await act('carla', id, 'approve')).toEqual(refusal(403, 'TASK_OWN_REQUEST'));
    await act('carlo', id, 'approve');
    expect((await act('cosima', id, 'approve')).body.status).toBe('approved');
  });

  it('nobody goes around a checkpoint by a control action', async () => {
    const { deal, id } = await harness.close();
    const skip = {
      kind: 'control',
      id: 'skip',
      action: 'skip',
      unit: 'credit-approval',
      by: 'ops',
      reason: 'x',
    } as const;
    const instance = await harness.instanceOf(deal);
    const { results } = await harness.messaging.transaction((tx) =>
      harness.runner.control(tx, [instance.id], () => skip, harness.clock.now(), emitInto(tx)),
    );
    expect(results).toMatchObject([{ refused: { code: 'PROCESS_ACTION_REFUSED' } }]);
    expect((await ask('GET', `/tasks/${id}`)).body.status).toBe('open');
  });

  it('whoever decides waits for the instance before they hold the task: the engine, which holds the instance, gets it', async () => {
    const { deal, id } = await harness.close();
    const engine = await harness.database.pool.connect();
    try {
      await engine.query('BEGIN');
      await engine.query('SELECT id FROM process_instance WHERE key = $1 FOR UPDATE', [deal]);
      const deciding = act('carla', id, 'approve');
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      await until('it waits', async () => (await harness.database.pool.query(waiting)).rowCount === 1);
      await engine.query('SELECT id FROM task WHERE id = $1 FOR UPDATE NOWAIT', [id]);
      await engine.query('ROLLBACK');
      expect((await deciding).body.status).toBe('approved');
    } finally {
      engine.release();
    }
  });

  it('of a decision and a cancellation at the same moment one holds, and what follows fits it', async () => {
    const opened = await Promise.all(Array.from({ length: 10 }, () => harness.close()));
    await Promise.all(
      opened.flatMap(({ deal, id }) => [act('carla', id, 'approve'), harness.take('OpportunityReopened', deal)]),
    );
    for (const { deal, id } of opened) {
      const { status } = (await ask('GET', `/tasks/${id}`)).body;
      expect(['approved', 'withdrawn']).toContain(status);
      expect(await harness.commandsFor(deal)).toEqual(status === 'approved' ? ['CreateOrder'] : []);
    }
  });

  it('finds tasks by what people look for, the most urgent first, page by page', async () => {
    const soon = await harness.close({ due: '1 hour' }, { totalAmount: '99000.0000' });
    const late = await harness.close({ due: '2 hours', roles: ['head-of-credit'] }, { totalAmount: '99000.0000' });
    const ids = async (query: string, actor?: string) =>
      (await ask('GET', `/tasks?limit=200&${query}`, undefined, actor)).body.tasks.map((task: Json) => task.id);
    expect(await ids('amountMin=90000&currency=EUR')).toEqual([soon.id, late.id]);
    expect(await ids('amountMin=90000&currency=USD')).toEqual([]);
    expect(await ids('role=head-of-credit')).toEqual([late.id]);
    expect(await ids('mine=true', 'hedda')).toEqual([late.id]);
    expect(await ids('process=approved-sale&checkpoint=credit-approval&amountMin=90000')).toEqual([soon.id, late.id]);
    await act('carla', soon.id, 'claim');
    expect(await ids('assignee=carla&amountMin=90000')).toEqual([soon.id]);
    expect(await ids('mine=true&amountMin=90000', 'carlo')).toEqual([]);
    expect(await ids('overdue=true&amountMin=90000')).toEqual([]);
    const first = (await ask('GET', '/tasks?amountMin=90000&limit=1')).body;
    expect(first).toMatchObject({ tasks: [{ id: soon.id }], next: soon.id });
    expect((await ask('GET', `/tasks?amountMin=90000&limit=1&after=${first.next}`)).body).toMatchObject({
      tasks: [{ id: late.id }],
      next: null,
    });
    const ended: string[] = [];
    for (const due of ['3 hours', '1 hour', '2 hours']) {
      const { id } = await harness.close({ due }, { totalAmount: '88000.0000' });
      await act('carla', id, 'approve');
      ended.unshift(id);
    }
    const done = 'status=approved,rejected&amountMin=88000';
    expect(await ids(done)).toEqual(ended);
    expect(await ids(`${done}&after=${ended[0]}`)).toEqual(ended.slice(1));
    expect((await ask('GET', '/tasks?status=lost')).body).toMatchObject({ code: 'REQUEST_INVALID' });
    expect(await ask('GET', '/tasks/999999')).toEqual(refusal(404, 'TASK_UNKNOWN'));
    expect(await ask('GET', '/tasks?mine=true', undefined, 'mallory')).toEqual(refusal(403, 'TASK_ACTOR_UNKNOWN'));
  });

  it('what was decided cannot be changed or removed, not by a slip of SQL either', async () => {
    for (const slip of [`UPDATE task_event SET actor = 'nobody'`, 'DELETE FROM task_event', 'TRUNCATE task_event'])
      await expect(harness.database.pool.query(slip)).rejects.toThrow('task_event is kept for good');
    await expect(harness.database.pool.query('DELETE FROM task_stand_in')).rejects.toThrow(
      'task_stand_in is kept for good',
    );
    await expect(harness.database.pool.query('DELETE FROM task')).rejects.toThrow('task_event');
  });

  it('every request and answer is described', () => {
    const document = SwaggerModule.createDocument(harness.app, new DocumentBuilder().build());
    const paths = Object.entries(document.paths).filter(([path]) => /tasks|delegations|absences/.test(path));
    expect(paths.length).toBeGreaterThanOrEqual(17);
    for (const [, methods] of paths) {
      for (const operation of Object.values<Json>(methods)) {
        expect(operation.summary).toBeTruthy();
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400']));
      }
    }
  });

  describe('time', () => {
    const later = (hours: number) => (harness.clock.aheadByMs += hours * HOUR_MS);
    const kindsOf = async (id: string): Promise<string[]> =>
      (await ask('GET', `/tasks/${id}`)).body.history.map(({ kind }: Json) => kind);

    beforeAll(() => harness.startLoops());

    it('reminds, escalates and expires by the server clock, once, however many are due and however many instances look', async () => {
      const terms = {
        due: '4 hours',
        remind: '1 hour',
        escalateTo: ['head-of-credit'],
        escalateAfter: '5 hours',
        expires: '8 hours',
        onExpiry: 'reject',
      };
      const opened = await Promise.all(Array.from({ length: 5 }, () => harness.close(terms)));
      later(3);
      for (const { id } of opened) await until('the reminder', async () => (await kindsOf(id)).includes('reminded'));
      expect((await ask('GET', `/tasks/${opened[0]!.id}`)).body).toMatchObject({
        isOverdue: false,
        roles: ['credit-controller'],
      });
      later(2);
      for (const { id } of opened) await until('the escalation', async () => (await kindsOf(id)).includes('escalated'));
      expect(
        (await ask('GET', '/tasks?overdue=true&mine=true', undefined, 'hedda')).body.tasks.length,
      ).toBeGreaterThanOrEqual(5);
      const counted = await countTasks(harness.database, harness.clock.now());
      expect(counted.find(({ status }) => status === 'open')).toMatchObject({ checkpoint: 'credit-approval' });
      expect(counted.find(({ status }) => status === 'open')!.overdue).toBeGreaterThanOrEqual(5);
      const [first, ...others] = opened;
      expect((await act('hedda', first!.id, 'approve')).body.status).toBe('approved');
      later(3);
      for (const { id, deal } of others) {
        await until('the expiry', async () => (await kindsOf(id)).includes('rejected'));
        expect(await kindsOf(id)).toEqual(['opened', 'reminded', 'escalated', 'expired', 'rejected']);
        expect(await statusOf(deal)).toBe('refused');
      }
      expect(await kindsOf(first!.id)).toEqual(['opened', 'reminded', 'escalated', 'approved']);
      const told = (await ask('GET', '/tasks/told?limit=200', undefined, 'hedda')).body;
      expect(told.events.filter(({ kind }: Json) => kind === 'escalated')).toHaveLength(5);
      expect((await ask('GET', `/tasks/told?after=${told.next}`, undefined, 'hedda')).body.events).toEqual([]);
    });

    it('an expiry can approve, and the flow goes on', async () => {
      const { deal, id } = await harness.close({ expires: '1 hour', onExpiry: 'approve' });
      later(1);
      await until('the expiry', async () => (await kindsOf(id)).includes('approved'));
      expect(await harness.commandsFor(deal)).toEqual(['CreateOrder']);
    });

    it('what somebody holds who goes away is in the queue again; a colleague may say so', async () => {
      const { id } = await harness.close();
      await act('carla', id, 'claim');
      const endsAt = new Date(harness.clock.now().getTime() + 24 * HOUR_MS).toISOString();
      expect(await ask('POST', '/absences', { person: 'carla', endsAt }, 'carlo')).toEqual(
        refusal(403, 'STAND_IN_NOT_YOURS'),
      );
      const { body: absence } = await ask('POST', '/absences', { person: 'carla', endsAt, reason: 'ill' }, 'mia');
      expect(absence).toMatchObject({ person: { id: 'carla' }, madeBy: 'mia' });
      await until('it is free', async () => (await ask('GET', `/tasks/${id}`)).body.status === 'open');
      expect(await act('carla', id, 'claim')).toEqual(refusal(409, 'TASK_ACTOR_ABSENT'));
      expect((await ask('GET', '/tasks?mine=true', undefined, 'carla')).body.tasks).toEqual([]);
      expect((await ask('POST', `/absences/${absence.id}/end`, {}, 'mia')).status).toBe(200);
      expect(await ask('POST', `/absences/${absence.id}/end`, {}, 'mia')).toEqual(refusal(422, 'STAND_IN_INVALID'));
      expect((await act('carla', id, 'claim')).status).toBe(200);
    });

    it('a policy that says nothing usable keeps no deal waiting for nobody: the owner of the step decides', async () => {
      const { id } = await harness.close({ due: 'soon' });
      const { body } = await ask('GET', `/tasks/${id}`);
      expect(body).toMatchObject({
        roles: ['credit-control'],
        history: [{ kind: 'opened', reason: expect.stringContaining('due: must be a duration') }],
      });
    });
  });
});
