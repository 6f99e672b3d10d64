import type { Message, MessagingTx, OutgoingMessage } from '@throughline/messaging';
import type { Ledger, LedgerAddition } from './ledger.js';
import type { ScheduleRefusal } from './plan-straight-line.js';
import { lockLedgers, writeAdditions } from './store.js';

type ChangeCommand = Message<'StartRevenueRecognition'> | Message<'ReduceRevenueSchedule'>;

/** How one kind of command changes a ledger, and what it is answered. Pure. */
export interface ChangeDecider<C extends ChangeCommand> {
  plan(command: C, ledger: Ledger): LedgerAddition | ScheduleRefusal | undefined;
  /** `ledger` is as the command left it, or found it where it was on record already. */
  done(command: C, ledger: Ledger): OutgoingMessage;
  refused(command: C, refusal: ScheduleRefusal): OutgoingMessage;
}

/** Decides a batch of commands one after another, each on its ledger as the one before left it; all they add is three statements. */
export async function changeLedgers<C extends ChangeCommand>(
  commands: C[],
  tx: MessagingTx,
  decider: ChangeDecider<C>,
): Promise<void> {
  const ledgers = await lockLedgers(tx, [...new Set(commands.map(({ payload }) => payload.scheduleId))]);
  const additions: LedgerAddition[] = [];
  const outcomes = commands.map((command) => {
    const { scheduleId } = command.payload;
    const ledger = ledgers.get(scheduleId);
    if (!ledger) {
      const message = `No schedule ${scheduleId} was ever recorded here, so there is nothing to change.`;
      return decider.refused(command, { reason: 'schedule-unknown', field: 'scheduleId', message });
    }
    const planned = decider.plan(command, ledger);
    if (planned && 'reason' in planned) return decider.refused(command, planned);
    if (!planned) return decider.done(command, ledger);
    const changed = {
      schedule: planned.schedule,
      entries: [...ledger.entries, ...planned.entries],
      changes: [...ledger.changes, planned.change],
    };
    ledgers.set(scheduleId, changed);
    additions.push(planned);
    return decider.done(command, changed);
  });
  await writeAdditions(tx, additions);
  tx.emit(outcomes);
}
