import { describe, expect, it } from '@jest/globals';
import { findUnknownOwners, parseOwners } from './owners.js';

const billing = {
  name: 'Billing',
  contact: 'billing@example.com',
  answersFor: 'Invoices.',
  roles: { 'billing-clerk': 'Billing clerk' },
};

describe('the ownership file', () => {
  it('says who an owner is, and whose a role is', () => {
    const { owners, roles } = parseOwners({ owners: { billing } });
    expect(owners.get('billing')).toMatchObject({ name: 'Billing', contact: 'billing@example.com' });
    expect(roles.get('billing-clerk')).toEqual({ name: 'Billing clerk', owner: 'billing' });
  });

  it('tells which owners and roles are named and not listed, and what was probably meant', () => {
    const owners = parseOwners({ owners: { billing } });
    expect(
      findUnknownOwners(owners, [
        { path: 'lead-to-cash: steps.billing.owner', owner: 'billing' },
        { path: 'lead-to-cash: steps.order.owner', owner: 'biling' },
        { path: 'credit-approval: roles', role: 'billing-clark' },
        { path: 'credit-approval: roles', role: 'pope' },
      ]),
    ).toEqual([
      'lead-to-cash: steps.order.owner: there is no owner "biling" in the ownership file; did you mean "billing"?',
      'credit-approval: roles: there is no role "billing-clark" in the ownership file; did you mean "billing-clerk"?',
      'credit-approval: roles: there is no role "pope" in the ownership file',
    ]);
  });

  it.each([
    [{ owners: { billing: { ...billing, contact: 'ask Joe' } } }, 'owners.billing.contact'],
    [{ owners: { billing, other: billing } }, 'owners.other.roles.billing-clerk: belongs to billing already'],
    [undefined, '(top)'],
  ])('is refused with the path at fault: %j', (data, problem) => {
    expect(() => parseOwners(data)).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringContaining(problem) }),
    );
  });
});
