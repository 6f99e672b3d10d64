import type { Database } from '@throughline/postgres';
import { isVendorRefusal } from '../errors.js';
import type { Vendor, VendorName, VendorRequest } from '../http/vendor.js';
import { Poller } from '../poller.js';

const insert = { name: 'late-insert', text: 'INSERT INTO late_request (vendor, request, due_at) VALUES ($1, $2, $3)' };
const claim = {
  name: 'late-claim',
  text: `DELETE FROM late_request WHERE id = (
    SELECT id FROM late_request WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING vendor, request`,
};

/** Requests whose caller saw a time-out and whose effect comes later, also after a restart. */
export class LateRequests {
  private readonly poller: Poller;

  constructor(
    private readonly database: Database,
    private readonly vendors: Vendor[],
    private readonly afterEffect: () => void,
    onError: (error: unknown) => void,
  ) {
    this.poller = new Poller(() => this.applyOne(), 100, onError);
  }

  start(): void {
    this.poller.start();
  }

  async stop(): Promise<void> {
    await this.poller.stop();
  }

  async add(vendor: VendorName, request: VendorRequest, applyAfterMs: number): Promise<void> {
    await this.database.query(insert, [vendor, JSON.stringify(request), new Date(Date.now() + applyAfterMs)]);
  }

  /** The effect and the end of its row are one commit: it happens once, however often the process is killed. */
  private async applyOne(): Promise<boolean> {
    let refused: { vendor: VendorName; request: VendorRequest } | undefined;
    const applied = await this.database
      .transaction(async (tx) => {
        const [row] = await tx.query<{ vendor: VendorName; request: VendorRequest }>(claim, [new Date()]);
        if (!row) return false;
        refused = row;
        await this.vendors.find(({ name }) => name === row.vendor)!.answer(row.request, tx, new Date());
        return true;
      })
      .catch((error: unknown) => {
        if (!isVendorRefusal(error)) throw error;
        return 'refused' as const;
      });
    // The vendor refused it (nobody hears it): without its row it is over.
    if (applied === 'refused')
      await this.database.query({ name: 'late-forget', text: `DELETE FROM late_request WHERE request->>'id' = $1` }, [
        refused!.request.id,
      ]);
    if (applied) this.afterEffect();
    return applied !== false;
  }
}
