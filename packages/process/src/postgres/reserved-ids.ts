import type { Tx } from '@throughline/postgres';

const reserve = {
  name: 'process-reserve-instance-ids',
  text: `SELECT nextval('process_instance_id_seq') AS id FROM generate_series(1, $1)`,
};

/** Ids follow the order of starts, but for so long, in milliseconds. */
const FRESH_MS = 5_000;
const BATCHES = 8;
const AT_MOST = 1_024;

/** Ids for instances that are created without asking for one first. What is left of them is nobody's: ids have gaps. */
export class ReservedIds {
  private ids: string[] = [];
  private reservedAtMs = 0;

  /** As many as are wanted, or none. */
  take(count: number, now: Date): string[] | undefined {
    const age = now.getTime() - this.reservedAtMs;
    if (age < 0 || age > FRESH_MS) this.ids = [];
    return this.ids.length < count ? undefined : this.ids.splice(0, count);
  }

  /** Asks for more, in a transaction that is under way anyhow, where they might not do for the next batch like this one; not awaited. */
  refill(tx: Tx, count: number, now: Date): void {
    if (count === 0 || this.ids.length >= 2 * count) return;
    const more = Math.min(BATCHES * count, AT_MOST);
    tx.query<{ id: string }>(reserve, [more]).then(
      (rows) => {
        this.ids = rows.map(({ id }) => id);
        this.reservedAtMs = now.getTime();
      },
      () => undefined, // it fails the transaction, which says so
    );
  }
}
