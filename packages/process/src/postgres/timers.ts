import type { Tx } from '@throughline/postgres';
import { nextTimerAt } from '../standing.js';
import type { State } from '../state.js';
import { columns } from './columns.js';

interface Turn {
  id: string;
  before: State;
  state: State;
}

/** A moment at which to look at an instance. */
export interface Look {
  id: string;
  /** As PostgreSQL writes it, with all its digits. */
  dueAt: string;
}

const insert = {
  name: 'process-insert-timers',
  text: 'INSERT INTO process_timer (due_at, instance_id) SELECT * FROM unnest($1::timestamptz[], $2::bigint[])',
};

const remove = {
  name: 'process-delete-timers',
  text: `
    DELETE FROM process_timer AS timer USING unnest($1::timestamptz[], $2::bigint[]) AS looked(due_at, instance_id)
    WHERE timer.due_at = looked.due_at AND timer.instance_id = looked.instance_id`,
};

/**
 * Makes sure that instances are looked at in time: one of the rows of an instance is never later than what it waits for. There may be
 * earlier ones, because most of what happens to an instance moves its next timer back, and then nothing is written: a look too many, at
 * many instances at once, is cheaper than index entries with each event.
 */
export function armTimers(tx: Tx, turns: Turn[]): void {
  const earlier = turns.flatMap(({ id, before, state }) => {
    const [known, next] = [nextTimerAt(before), nextTimerAt(state)];
    return next !== undefined && (known === undefined || next < known) ? [[next, id]] : [];
  });
  if (earlier.length > 0) void tx.query(insert, columns(earlier));
}

/** After a look: the moments it was for are over, and each instance is looked at again when what it waits for now is due. */
export function rearmTimers(tx: Tx, looks: Look[], instances: Pick<Turn, 'id' | 'state'>[]): void {
  if (looks.length === 0) return;
  void tx.query(remove, columns(looks.map(({ dueAt, id }) => [dueAt, id])));
  const next = instances.map(({ id, state }) => [nextTimerAt(state), id]).filter(([at]) => at !== undefined);
  if (next.length > 0) void tx.query(insert, columns(next));
}

const putOff = {
  name: 'process-put-off-timer',
  text: 'UPDATE process_timer SET due_at = $3 WHERE due_at = $1::timestamptz AND instance_id = $2',
};

/** Puts off a look; nothing where another one has looked since. */
export async function putOffTimer(tx: Tx, { dueAt, id }: Look, until: Date): Promise<void> {
  await tx.query(putOff, [dueAt, id, until]);
}
