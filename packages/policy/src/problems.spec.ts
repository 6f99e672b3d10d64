import { describe, expect, it } from '@jest/globals';
import { catalog } from '@throughline/contracts';
import { compilePolicies } from './policies.js';

const sound = {
  policy: 'credit-approval',
  version: 1,
  owner: 'credit-control',
  reason: 'Large deals are looked at.',
  about: 'OpportunityClosedWon',
  names: {
    total: 'money(totalAmount, currency)',
    region: { of: 'account.country', groups: { home: ['DE'] }, otherwise: 'abroad' },
    limit: { of: 'region', table: { home: ['1 000 EUR'], abroad: ['500 EUR'] } },
  },
  outputs: 'checkpoint',
  defaults: { required: true, roles: ['credit-controller'], due: '4 business hours' },
  rules: [{ rule: 'small', when: 'total <= limit', then: { required: false } }],
  otherwise: { rule: 'large' },
  examples: [
    {
      name: 'small',
      given: { totalAmount: 500, currency: 'EUR', account: { country: 'FR' } },
      expect: { rule: 'small' },
    },
  ],
};
const compile = (...files: unknown[]) => compilePolicies(files, { catalog });
const failure = (...files: unknown[]): string => {
  try {
    compile(...files);
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'POLICY_INVALID', retry: 'never' });
    return (error as Error).message;
  }
};

describe('a policy that cannot be used', () => {
  it('is told apart from a sound one', () => {
    expect(failure(sound)).toBe('');
    expect(compile(sound).runExamples()).toEqual([{ policy: 'credit-approval', example: 'small', problems: [] }]);
  });

  const rules = (rule: object) => ({ rules: [{ ...sound.rules[0], ...rule }] });
  const names = (more: object) => ({ names: { ...sound.names, ...more } });
  it.each<[change: object, problem: string]>([
    [{ polcy: 1 }, 'credit-approval: polcy: there is no such setting; did you mean "policy"?'],
    [{ owner: undefined }, 'credit-approval: owner: is missing'],
    [{ version: 0 }, 'credit-approval: version: '],
    [
      { about: 'OpportunityCloseWon' },
      'about: the contracts know no message OpportunityCloseWon; did you mean "OpportunityClosedWon"?',
    ],
    [{ examples: [] }, 'examples: '],
    [rules({ when: 'total <= limt' }), 'rules.small.when: there is no "limt" here; did you mean "limit"?'],
    [rules({ when: 'total' }), 'rules.small.when: "total" gives money, where bool is needed'],
    [
      rules({ when: 'total <= 500' }),
      'rules.small.when: "total <= 500": money <= int has no meaning; a number has no currency',
    ],
    [
      rules({ then: { requird: false } }),
      'rules.small.then.requird: there is no such output; did you mean "required"?',
    ],
    [rules({ then: { required: 'no' } }), 'rules.small.then.required: must be true or false'],
    [rules({ then: { due: '4 working hours' } }), 'rules.small.then.due: must be a number and a unit'],
    [rules({ then: { onExpiry: 'ignore' } }), 'rules.small.then.onExpiry: '],
    [rules({ then: { required: '= total' } }), 'rules.small.then.required: "total" gives money, where bool is needed'],
    [rules({ then: { form: [{ name: 'why', label: 'Why', type: 'choice' }] } }), 'a choice has options'],
    [
      { defaults: { required: true, due: '1 day' } },
      'rules.small.then: says nothing of roles; add it here or under "defaults"',
    ],
    [{ rules: [sound.rules[0], sound.rules[0]] }, 'rules.small: there is another rule of this name'],
    [
      names({ region: { of: 'account.country', groups: { home: ['DE'], near: ['DE'] }, otherwise: 'abroad' } }),
      'groups.near: DE is in home already',
    ],
    [
      names({ limit: { of: 'region', table: { hom: ['1 EUR'], abroad: ['1 EUR'] } } }),
      'table.hom: region is never "hom"; did you mean "home"?',
    ],
    [
      names({ limit: { of: 'region', table: { home: ['1 EUR'] } } }),
      'table: has nothing for abroad; add it, or an "otherwise"',
    ],
    [names({ limit: { of: 'currency', table: { EUR: ['1 EUR'] } } }), 'otherwise: is missing'],
    [
      names({ limit: { of: 'totalAmount', table: { a: ['1 EUR'] }, otherwise: ['1 EUR'] } }),
      'of: "totalAmount" gives decimal; only a text can be looked up',
    ],
    [names({ limit: ['1,000 EUR'] }), 'names.limit: "1,000" is not a number; set thousands apart by spaces'],
    [names({ limit: ['10 EUR', '20 EUR'] }), 'names.limit: "20 EUR" is a second limit for EUR'],
    [names({ limit: ['10.5 JPY'] }), 'names.limit: "10.5 JPY" has more decimals than JPY (0)'],
    [names({ currency: 'account.name' }), 'names.currency: OpportunityClosedWon has a field of this name'],
    [
      names({ total: 'money(totalAmount, currncy)' }),
      'names.total: there is no "currncy" here; did you mean "currency"?',
    ],
  ])('names the path and what to write instead: %j', (change, problem) => {
    expect(failure({ ...sound, ...change })).toContain(problem);
  });

  it('is told with all its problems at once, beside those of the others', () => {
    const other = { ...sound, policy: 'other', about: 'Nothing' };
    const message = failure({ ...sound, owner: undefined, version: 'x' }, other, sound, sound);
    expect(message.split('\n')).toEqual([
      'The policies cannot be used:',
      expect.stringMatching(/credit-approval: version/),
      expect.stringMatching(/credit-approval: owner/),
      expect.stringMatching(/other: about/),
      expect.stringMatching(/credit-approval: another file holds a policy of this name/),
    ]);
  });

  it('is told once what is wrong with a default, however many rules it is in', () => {
    const message = failure({ ...sound, defaults: { ...sound.defaults, due: 'soon' } });
    expect(message.split('\n')).toEqual([expect.anything(), expect.stringMatching(/defaults.due/)]);
  });

  it('may be sound and still not do what its examples say', () => {
    const given = { totalAmount: '500.0001', currency: 'EUR', account: { country: 'FR' } };
    const run = (example: object) =>
      compile({ ...sound, examples: [{ name: 'one', given, expect: {}, ...example }] }).runExamples()[0]!.problems;
    expect(run({ expect: { rule: 'large', required: true, roles: ['credit-controller'], fourEyes: false } })).toEqual(
      [],
    );
    expect(run({ expect: { required: false } })).toEqual([
      'expect.required: false was expected, true came out by rule large',
    ]);
    expect(run({ expect: { rule: 'small' } })).toEqual([
      'expect.rule: "small" was expected, "large" came out by rule large',
    ]);
    expect(run({ expect: { requird: true } })).toEqual([
      'expect.requird: there is no such output; did you mean "required"?',
    ]);
    expect(run({ given: { ...given, totalAmount: 0.1 } })).toEqual([
      expect.stringMatching(/given.totalAmount: write the amount in quotes/),
    ]);
    expect(run({ given: { ...given, acount: {} } })).toEqual([
      expect.stringMatching(/given.acount: .*did you mean "account"/),
    ]);
    expect(run({ given: { ...given, currency: 'USD' } })).toEqual([expect.stringMatching(/There is no limit for USD/)]);
    expect(run({ given: { currency: 'EUR', account: {} } })).toEqual([
      expect.stringMatching(/totalAmount is not known here/),
    ]);
  });
});
