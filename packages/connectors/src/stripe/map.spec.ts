import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  planCreditNote,
  planInvoice,
  planTakingBack,
  toCreditNoteIssued,
  toInvoiceCredited,
  toInvoiceIssued,
  toInvoiceVoided,
  toPaymentReceived,
} from './map.js';

// A new case is two files in fixtures/stripe and no code: <case>.source.json names the mapping and its input.
const fixtures = new URL('../../fixtures/stripe/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'));
const tenant = { accountId: 'acct_1', paymentTermsDays: 30 };
const mappings: Record<string, (input: never) => unknown> = {
  planInvoice: ({ command, reference }) => planInvoice(command, reference, tenant),
  planCreditNote: ({ command, reference, invoice }) => planCreditNote(command, reference, invoice),
  planTakingBack: ({ command, reference, invoice }) => planTakingBack(command, reference, invoice),
  toCreditNoteIssued: ({ invoice, creditNote, returnId }) => toCreditNoteIssued(invoice, creditNote, returnId, tenant),
  toPaymentReceived: (invoice) => toPaymentReceived(invoice, tenant),
  toInvoiceIssued: ({ command, invoice }) => toInvoiceIssued(command, invoice, tenant),
  toInvoiceVoided: ({ command, invoice }) => toInvoiceVoided(command, invoice, tenant),
  toInvoiceCredited: ({ command, creditNote }) => toInvoiceCredited(command, creditNote, tenant),
};

describe('Stripe mappings', () => {
  const cases = readdirSync(fixtures).flatMap((file) => /^(.*)\.source\.json$/.exec(file)?.[1] ?? []);
  it.each(cases)('%s', (name) => {
    const { mapping, input } = read(`${name}.source.json`);
    expect(mappings[mapping]!(input as never)).toEqual(read(`${name}.expected.json`));
  });
});
