import type { Queryable } from '@throughline/postgres';
import { findStandIns } from './find-stand-ins.js';
import { People, type Directory } from './people.js';

/** Stand-ins that one look reads at most; nobody has as many colleagues. */
const LIMIT = 10_000;

/** Who is who, and who stands in for whom, at this moment. */
export async function readPeople(directory: Directory, database: Queryable, now: Date): Promise<People> {
  const [persons, standIns] = await Promise.all([directory.read(), findStandIns(database, { at: now, limit: LIMIT })]);
  const times = ({ startsAt, endsAt }: { startsAt: Date; endsAt: Date }) => ({
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
  });
  return new People(
    persons,
    standIns.flatMap(({ id, person, delegate, ...span }) =>
      delegate === null ? [] : [{ id, from: person, to: delegate, ...times(span) }],
    ),
    standIns.flatMap(({ id, person, delegate, ...span }) =>
      delegate === null ? [{ id, person, ...times(span) }] : [],
    ),
  );
}
