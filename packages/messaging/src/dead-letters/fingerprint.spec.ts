import { describe, expect, it } from '@jest/globals';
import { ThroughlineError } from '@throughline/contracts';
import { fingerprintOf, framesOf, normaliseMessage } from './fingerprint.js';

const runtime = [
  '    at attempt (file:///srv/throughline/packages/messaging/dist/work/run-work.js:88:23)',
  '    at async runWork (file:///srv/throughline/packages/messaging/dist/work/run-work.js:41:12)',
];

function failure(message: string, frames: string[], code?: string): Error {
  const error = Object.assign(new Error(message), code && { code });
  error.stack = [`Error: ${message}`, ...frames].join('\n');
  return error;
}

const at = (name: string, file: string, line: number): string => `    at ${name} (${file}:${line}:7)`;
const planInvoice = (line: number): string => at('planInvoice', '/srv/a/apps/finance-adapter/dist/plan.js', line);

describe('fingerprintOf', () => {
  it('is the same for other ids, amounts, lines, places of installation, and for source and build', () => {
    const one = failure('No price for line 4 of order 5f0c6c5e-3b8a-4e53-9a0e-0d2f6e7c1b11: "Seat" is 12.50', [
      planInvoice(10),
      ...runtime,
    ]);
    const other = failure('No price for line 7 of order ffffffff-3b8a-4e53-9a0e-0d2f6e7c1b11: "Desk" is 1.00', [
      at('planInvoice', 'file:///home/dev/apps/finance-adapter/src/plan.ts', 99),
      '    at async Object.handle (node:internal/x:1:1)',
      ...runtime.slice(1),
    ]);
    expect(fingerprintOf(one)).toMatch(/^fp[0-9a-f]{12}$/);
    expect(fingerprintOf(other)).toBe(fingerprintOf(one));
  });

  it('is the same whether the message failed in its batch or later from the queue', () => {
    const frames = [planInvoice(10)];
    const inBatch = '    at async processBatch (/srv/a/packages/messaging/dist/consume/process-batch.js:50:3)';
    expect(fingerprintOf(failure('x', [...frames, inBatch]))).toBe(
      fingerprintOf(failure('x', [...frames, ...runtime])),
    );
  });

  it('is the same whether its trace is recorded or not', () => {
    const run = at('async run', 'file:///srv/a/packages/postgres/dist/database.js', 48);
    const span = '    at async file:///srv/a/packages/postgres/dist/statement-span.js:13:20';
    const failed = (...between: string[]): Error => failure('x', [...between, planInvoice(10), ...runtime], '22P02');
    expect(fingerprintOf(failed(run, span))).toBe(fingerprintOf(failed(run)));
  });

  it('differs by code, by what the message says, and by the function that failed', () => {
    const frames = [planInvoice(10), ...runtime];
    const all = [
      failure('no price', frames),
      failure('no price', frames, 'PLAN_NO_PRICE'),
      failure('no currency', frames),
      failure('no price', [at('planCredit', '/srv/a/apps/finance-adapter/dist/plan.js', 10), ...runtime]),
      failure('no price', [at('planInvoice', '/srv/a/apps/ops-adapter/dist/plan.js', 10), ...runtime]),
    ];
    expect(new Set(all.map(fingerprintOf)).size).toBe(all.length);
  });

  it('takes what is no error at all, and an error without a stack', () => {
    const bare = new ThroughlineError('refused', { code: 'VENDOR_REFUSED', retry: 'never' });
    delete (bare as { stack?: string }).stack;
    expect(fingerprintOf(bare)).toMatch(/^fp/);
    expect(fingerprintOf('text')).toMatch(/^fp/);
    expect(fingerprintOf(undefined)).toMatch(/^fp/);
    expect(fingerprintOf(Object.create(null))).toMatch(/^fp/);
  });
});

describe('normaliseMessage', () => {
  it.each([
    ['No such customer: cus_Nff4a; a similar object exists', 'No such customer: #; a similar object exists'],
    ['Header ce_id is "seven", which is no UUID', 'Header ce_id is ?, which is no UUID'],
    ['POST https://api.example.com/v1/x?a=b gave 500 at 2026-11-25T10:00:00Z', 'POST ? gave # at #'],
    ['mail to ada@example.com failed', 'mail to ? failed'],
    ['field totalAmount does not fit: "many"', 'field totalAmount does not fit: ?'],
  ])('%s', (message, expected) => {
    expect(normaliseMessage(message)).toBe(expected);
  });
});

describe('framesOf', () => {
  it('leaves out Node, third parties and the runtime below the handler', () => {
    const stack = [
      'Error: x',
      '    at Stripe.request (/srv/a/node_modules/stripe/esm/x.js:1:1)',
      '    at new StripeClient (/srv/a/packages/connectors/dist/stripe/client.js:5:5)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      planInvoice(3),
      ...runtime,
    ].join('\n');
    expect(framesOf(stack)).toEqual([
      'packages/connectors/stripe/client StripeClient',
      'apps/finance-adapter/plan planInvoice',
    ]);
  });

  it('names the runtime where it failed itself, and third parties where there is nothing else', () => {
    expect(framesOf(`Error\n${runtime.join('\n')}`)[0]).toBe('packages/messaging/work/run-work attempt');
    expect(framesOf('Error\n    at parse (/srv/a/node_modules/pg-protocol/dist/parser.js:1:1)')).toEqual([
      'pg-protocol/dist/parser parse',
    ]);
  });
});
