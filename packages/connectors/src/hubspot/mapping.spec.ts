import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { DealSnapshot } from './deal-snapshot.js';
import { toOpportunityClosedWon, toOpportunityRejected, toOpportunityReopened } from './map.js';
import { occurrences, type Closing } from './occurrences.js';
import { validateOpportunity } from './validate-opportunity.js';

/** A case is `<case>.source.json` (a snapshot) beside `<case>.expected.json` (what it becomes). `UPDATE_FIXTURES=1` rewrites the latter. */
const fixtures = new URL('../../fixtures/hubspot/', import.meta.url);
const cases = readdirSync(fixtures).flatMap((file) =>
  file.endsWith('.source.json') ? [file.replace('.source.json', '')] : [],
);

describe('a HubSpot deal becomes an opportunity', () => {
  it.each(cases)('%s', (name) => {
    const actual = map(JSON.parse(readFileSync(new URL(`${name}.source.json`, fixtures), 'utf8')) as DealSnapshot);
    const expected = new URL(`${name}.expected.json`, fixtures);
    if (process.env['UPDATE_FIXTURES']) writeFileSync(expected, `${JSON.stringify(actual, null, 2)}\n`);
    expect(actual).toEqual(JSON.parse(readFileSync(expected, 'utf8')));
  });
});

function map(snapshot: DealSnapshot): unknown {
  const closings = occurrences(snapshot.stageHistory, ['closedwon', 'won-and-live']);
  const closing = closings.at(-1)!;
  if (closing.reopened) {
    return {
      closings,
      type: 'OpportunityReopened',
      payload: toOpportunityReopened(snapshot, closing as Required<Closing>),
    };
  }
  const issues = validateOpportunity(snapshot, closing);
  return issues[0]
    ? {
        closings,
        issues,
        type: 'OpportunityRejected',
        payload: toOpportunityRejected(snapshot, closing, issues[0], '2026-11-22T10:00:05.000Z'),
      }
    : { closings, type: 'OpportunityClosedWon', payload: toOpportunityClosedWon(snapshot, closing) };
}
