import { expect, it } from '@jest/globals';
import { canonicalId, catalog } from '@throughline/contracts';
import { compileDefinition, parseDefinition, type Process } from '@throughline/process';
import { termsAt } from './silent-approvals.js';

/** A person decides before the order is made, and somebody else long before its invoice is written. */
const sale = (undoing: unknown): Process =>
  compileDefinition(
    parseDefinition({
      process: 'approved-sale',
      version: 1,
      owner: 'revenue-operations',
      starts: 'OpportunityClosedWon',
      key: 'opportunityId',
      steps: {
        'credit-approval': { owner: 'credit-control', checkpoint: 'credit-approval' },
        order: {
          after: 'credit-approval',
          owner: 'order-management',
          command: 'CreateOrder',
          assigns: 'orderId',
          until: 'OrderCreated | OrderRejected',
          timeout: '15 minutes',
          compensation: { command: 'CancelOrder', until: 'OrderCancelled | OrderCancellationRejected' },
        },
        billing: {
          after: 'order',
          owner: 'billing',
          command: 'IssueInvoice',
          assigns: 'invoiceId',
          until: 'InvoiceIssued | InvoiceRejected',
          timeout: '1 hour',
          compensation: undoing,
        },
      },
    }),
    {
      messages: catalog,
      policies: {
        compileCondition: () => ({ problems: ['no conditions here'] }),
        compilePolicy: (policy) => ({
          reads: [],
          evaluate: () => ({ value: { policy, version: 1, rule: 'r', outputs: {} }, policies: [] }),
        }),
      },
      assignId: (correlationId, field) => canonicalId(correlationId, field),
    },
  );

it('time alone approves nothing that cannot be undone, also in a version that no start has looked at', () => {
  const terms = (undoing: unknown, onExpiry: string) =>
    termsAt(sale(undoing), 'credit-approval', {
      roles: 'credit-controller',
      expires: '1 day',
      onExpiry,
    });
  expect(terms('irreversible', 'approve')).toEqual({
    problems: ['onExpiry: cannot approve before step billing, which cannot be undone'],
  });
  const voided = { command: 'VoidInvoice', until: 'InvoiceVoided | InvoiceVoidRejected' };
  expect(terms(voided, 'approve')).toMatchObject({ terms: { onExpiry: 'approve' } });
  expect(terms('irreversible', 'reject')).toMatchObject({ terms: { onExpiry: 'reject' } });
});
