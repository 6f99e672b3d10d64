import type { Tx } from '@throughline/postgres';
import { nextTimerAt } from '../standing.js';
import type { State } from '../state.js';
import { columns } from './columns.js';

interface Turn {
  id: string;
  before: State;
  state: State;
}

const arm = {
  name: 'process-arm-timers',
  text: `
    INSERT INTO process_timer AS timer (instance_id, due_at)
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[])
    ON CONFLICT (instance_id) DO UPDATE SET due_at = excluded.due_at WHERE timer.due_at > excluded.due_at`,
};

/**
 * Makes sure that instances are looked at in time: a row of `process_timer` is never later than what its instance waits for. It may be
 * earlier, because most of what happens to an instance moves its next timer back, and then nothing is written: a look too many, at many
 * instances at once, is cheaper than two index entries with each event.
 */
export function armTimers(tx: Tx, turns: Turn[]): void {
  const earlier = turns.flatMap(({ id, before, state }) => {
    const [known, next] = [nextTimerAt(before), nextTimerAt(state)];
    return next !== undefined && (known === undefined || next < known) ? [[id, next]] : [];
  });
  if (earlier.length > 0) void tx.query(arm, columns(earlier));
}

const rearm = {
  name: 'process-rearm-timers',
  text: `
    UPDATE process_timer AS timer SET due_at = looked.due_at
    FROM unnest($1::bigint[], $2::timestamptz[]) AS looked(instance_id, due_at)
    WHERE timer.instance_id = looked.instance_id`,
};

const disarm = {
  name: 'process-disarm-timers',
  text: 'DELETE FROM process_timer WHERE instance_id = ANY($1::bigint[])',
};

/** After a look: sets each to what its instance waits for now, or removes it. */
export function rearmTimers(tx: Tx, looked: Pick<Turn, 'id' | 'state'>[]): void {
  const timers = looked.map(({ id, state }) => [id, nextTimerAt(state)]);
  const waiting = timers.filter(([, at]) => at !== undefined);
  if (waiting.length > 0) void tx.query(rearm, columns(waiting));
  const over = timers.filter(([, at]) => at === undefined);
  if (over.length > 0) void tx.query(disarm, columns(over).slice(0, 1));
}

const putOff = {
  name: 'process-put-off-due-timer',
  text: `
    UPDATE process_timer SET due_at = $2
    WHERE instance_id = (
      SELECT instance_id FROM process_timer WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING instance_id AS id`,
};

/** Puts off the look that is due longest, and returns its instance. */
export async function putOffDueTimer(tx: Tx, now: Date, until: Date): Promise<string | undefined> {
  const [instance] = await tx.query<{ id: string }>(putOff, [now, until]);
  return instance?.id;
}
