import type { Database } from '@throughline/postgres';
import type { VendorName } from '../http/vendor.js';
import {
  bendDelays,
  chance,
  type FaultSpec,
  fires,
  matchesRequest,
  matchesWebhook,
  type RequestFault,
} from './fault.js';

interface ArmedFault {
  id: number;
  spec: FaultSpec;
  fired: number;
  /** Matches seen by this process; continues from `fired` after a restart. */
  seen: number;
}

/** The faults in force. Plan and counts live in the database; decisions are made in memory by the pure functions of fault.ts. */
export class FaultBox {
  private seed = 1;
  private armed: ArmedFault[] = [];
  private uncounted = new Map<number, number>();

  constructor(private readonly database: Database) {}

  async load(): Promise<void> {
    await this.database.transaction(async (tx) => {
      const [row] = await tx.query<{ seed: string }>({ name: 'fault-seed', text: 'SELECT seed FROM fault_seed' });
      const rows = await tx.query<{ id: number; spec: FaultSpec; fired: string }>({
        name: 'fault-list',
        text: 'SELECT id, spec, fired FROM fault ORDER BY id',
      });
      this.seed = Number(row?.seed ?? 1);
      this.armed = rows.map(({ id, spec, fired }) => ({ id, spec, fired: Number(fired), seen: Number(fired) }));
    });
  }

  async replace(seed: number, specs: FaultSpec[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query({ name: 'fault-clear', text: 'DELETE FROM fault' });
      await tx.query(
        {
          name: 'fault-seed-set',
          text: 'INSERT INTO fault_seed (seed) VALUES ($1) ON CONFLICT (singleton) DO UPDATE SET seed = excluded.seed',
        },
        [seed],
      );
      for (const [id, spec] of specs.entries()) {
        await tx.query({ name: 'fault-insert', text: 'INSERT INTO fault (id, spec) VALUES ($1, $2)' }, [
          id,
          JSON.stringify(spec),
        ]);
      }
    });
    this.uncounted.clear();
    await this.load();
  }

  describe(): { seed: number; faults: (FaultSpec & { fired: number })[] } {
    return { seed: this.seed, faults: this.armed.map(({ spec, fired }) => ({ ...spec, fired })) };
  }

  /** The fault that strikes this request, if any. Its firing is counted durably before it takes effect. */
  async forRequest(vendor: VendorName, method: string, path: string): Promise<RequestFault | undefined> {
    for (const fault of this.armed) {
      if (!matchesRequest(fault.spec, vendor, method, path)) continue;
      if (!this.strikes(fault)) continue;
      await this.flush();
      return fault.spec;
    }
    return undefined;
  }

  /** The delays (ms) at which a webhook is to be sent: `[0]` without a fault, `[]` when it is lost. */
  webhookDelays(vendor: VendorName, type: string): number[] {
    let delays = [0];
    for (const fault of this.armed) {
      if (!matchesWebhook(fault.spec, vendor, type)) continue;
      const ordinal = fault.seen;
      if (this.strikes(fault)) delays = bendDelays(fault.spec, delays, chance(this.seed, fault.id, ordinal, 'delay'));
    }
    return delays;
  }

  /** Writes counts that were made inside another transaction (webhook faults) since the last call. */
  async flush(): Promise<void> {
    if (this.uncounted.size === 0) return;
    const counts = [...this.uncounted];
    this.uncounted.clear();
    await this.database.transaction((tx) =>
      tx.query(
        {
          name: 'fault-count',
          text: 'UPDATE fault SET fired = fired + n FROM unnest($1::int[], $2::int[]) AS c(fault_id, n) WHERE id = fault_id',
        },
        [counts.map(([id]) => id), counts.map(([, n]) => n)],
      ),
    );
  }

  private strikes(fault: ArmedFault): boolean {
    const ordinal = fault.seen++;
    if (fault.spec.count !== undefined && fault.fired >= fault.spec.count) return false;
    if (!fires(fault.spec, this.seed, fault.id, ordinal)) return false;
    fault.fired++;
    this.uncounted.set(fault.id, (this.uncounted.get(fault.id) ?? 0) + 1);
    return true;
  }
}
