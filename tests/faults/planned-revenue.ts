import { sumMoney, type Decimal } from '@throughline/contracts';

const TIMEOUT_MS = 10_000;

/** What all entries of each schedule come to, by the id of the schedule, as the subledger's API shows them. */
export async function readPlannedRevenue(financeUrl: string, scheduleIds: string[]): Promise<Map<string, Decimal>> {
  const planned = new Map<string, Decimal>();
  for (const id of scheduleIds) {
    const response = await fetch(`${financeUrl}/v1/revenue-schedules/${id}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the subledger answered ${response.status}: ${await response.text()}`);
    const { entries } = (await response.json()) as { entries: { amount: Decimal }[] };
    planned.set(id, sumMoney(entries.map(({ amount }) => amount)));
  }
  return planned;
}
