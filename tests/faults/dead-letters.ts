import type { Services } from '../../apps/cli/src/services.js';
import type { BusRecord } from './bus.js';
import type { Poison } from './schedule.js';
import { SERVICES } from './victims.js';

/** As the services' own API shows it. */
export interface FoundLetter {
  service: string;
  topic: string | null;
  partition: number | null;
  offset: string | null;
  type: string | null;
  errorCode: string;
  errorMessage: string;
}

const TIMEOUT_MS = 10_000;

/** Why each must have been given up; a handler fails with whatever PostgreSQL says. */
const CODES: Partial<Record<Poison, string>> = {
  undecodable: 'CONTRACT_BODY_INVALID',
  'unknown-schema': 'CONTRACT_SCHEMA_UNKNOWN',
  'unknown-type': 'CONTRACT_TYPE_UNKNOWN',
  'no-headers': 'CONTRACT_HEADER_MISSING',
};

/** Every dead letter of every service, by the API that people work on them with. */
export async function readDeadLetters(services: Pick<Services, 'url'>): Promise<FoundLetter[]> {
  const found: FoundLetter[] = [];
  for (const service of SERVICES) {
    const url = `${services.url(service)}/v1/dead-letters`;
    for (let before: string | null = ''; before !== null;) {
      const page: LetterPage = await get<LetterPage>(`${url}?limit=200${before && `&before=${before}`}`);
      for (const { id } of page.letters) found.push({ ...(await get<FoundLetter>(`${url}/${id}`)), service });
      before = page.next;
    }
  }
  return found;
}

interface LetterPage {
  letters: { id: string }[];
  next: string | null;
}

/** Exactly the poison must be there: each record once, at the service that reads its topic, and nothing else. */
export function checkDeadLetters(records: readonly BusRecord[], letters: readonly FoundLetter[]): string[] {
  const problems: string[] = [];
  const expected = new Map<string, NonNullable<BusRecord['poison']>>(
    records.flatMap((record) =>
      record.poison ? [[`${record.poison.consumer} ${placeOf(record)}`, record.poison] as const] : [],
    ),
  );
  const seen = new Set<string>();
  for (const letter of letters) {
    const id = `${letter.service} ${placeOf(letter)}`;
    const poison = expected.get(id);
    const what = `${letter.type ?? 'a record'} (${letter.errorCode}: ${letter.errorMessage})`;
    if (!poison) problems.push(`${letter.service} gave up ${what}, which was no poison`);
    else if (seen.has(id)) problems.push(`${letter.service} gave up ${what} twice`);
    else if (CODES[poison.kind] && CODES[poison.kind] !== letter.errorCode)
      problems.push(`${letter.service} gave up the poison "${poison.kind}" for another reason: ${what}`);
    seen.add(id);
  }
  for (const [id, { kind, consumer }] of expected)
    if (!seen.has(id)) problems.push(`${consumer} has no dead letter for the poison "${kind}" (${id})`);
  return problems;
}

function placeOf({ topic, partition, offset }: Pick<FoundLetter, 'topic' | 'partition' | 'offset'>): string {
  return `${topic} ${partition}:${offset}`;
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
