import { expect, it } from '@jest/globals';
import { tmpdir } from 'node:os';
import { readConfig } from './config.js';
import { renderStory, showDeal, type Occurrence } from './deal-show.js';
import { Installation } from './installation.js';

const occurrence: Occurrence = {
  id: '1',
  occurrence: 1,
  status: 'deciding',
  attributes: { name: 'Ten chairs', currency: 'EUR', totalAmount: '12000.0000' },
  startedAt: '2026-11-23T10:00:00.000Z',
  endedAt: null,
  durationMs: null,
  traceId: null,
  cause: null,
  waitingFor: [],
  steps: [],
  attention: [],
  payments: [],
};
const wait = { since: '2026-11-23T10:00:00.000Z', isOverdue: false };

it('says of a deal that waits for a decision where it is made, and of any other wait for which event', () => {
  const waitingFor = [
    { ...wait, step: 'credit-approval', events: [], needsPerson: true },
    { ...wait, step: 'billing', events: ['InvoiceIssued', 'InvoiceRejected'], needsPerson: false },
  ];
  const occurrences = [{ ...occurrence, waitingFor }];
  const story = renderStory({ opportunityId: 'deal-7', occurrences, linked: [] }, undefined);
  expect(story).toContain('needs a person: credit-approval for a decision since 2026-11-23T10:00:00.000Z');
  expect(story).toContain('npx throughline tasks list --key deal-7');
  expect(story).toContain('waiting: billing for InvoiceIssued or InvoiceRejected since');
});

it('ends as every command does where no service answers', async () => {
  const url = 'http://127.0.0.1:1';
  const shown = showDeal('7', { json: false, url }, readConfig({}), new Installation(tmpdir()));
  await expect(shown).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining(url) });
});
