import { fromMinorUnits, isExpressible, minorUnitDigits, toMinorUnits } from '@throughline/contracts';

/** Days as `YYYY-MM-DD`, both inclusive; amounts as canonical decimals. */
export interface ServicePeriod {
  totalAmount: string;
  currency: string;
  serviceStart: string;
  serviceEnd: string;
}

/** What is recognised for one calendar month, or the part of it that lies in the service period. */
export interface PlannedEntry {
  /** From 1, in the order of time. */
  sequence: number;
  periodStart: string;
  periodEnd: string;
  /** The day it counts for: the last one of its part of the month. */
  recognisedOn: string;
  amount: string;
}

export interface ScheduleRefusal {
  reason: string;
  field: string;
  message: string;
}

const DAY_MS = 86_400_000;
/** No contract runs longer; a typing error in a year would otherwise fill the ledger. */
const MAX_MONTHS = 600;

/**
 * Straight-line recognition by day (ASC 606-10-55-17, time elapsed): each month gets its share of days, both ends inclusive, leap
 * days counted. Every month's amount is the difference of two cumulative amounts, each rounded half up in the currency's minor
 * unit, so that the entries sum to the total exactly, none is negative, and no month is off by more than one minor unit.
 */
export function planStraightLine(period: ServicePeriod): PlannedEntry[] | ScheduleRefusal {
  const { totalAmount, currency, serviceStart, serviceEnd } = period;
  if (minorUnitDigits(currency) === undefined) {
    return refuse('currency-without-minor-unit', 'currency', `${currency} has no known minor unit.`);
  }
  if (!isExpressible(totalAmount, currency)) {
    return refuse('amount-not-expressible', 'totalAmount', `${currency} cannot express ${totalAmount}.`);
  }
  const total = toMinorUnits(totalAmount, currency);
  if (total < 0n) return refuse('negative-total', 'totalAmount', `A contract over ${totalAmount} earns no revenue.`);
  const first = Date.parse(serviceStart);
  const last = Date.parse(serviceEnd);
  if (last < first) {
    return refuse(
      'service-period-inverted',
      'serviceEnd',
      `The service ends (${serviceEnd}) before it starts (${serviceStart}).`,
    );
  }
  const parts = monthsBetween(first, last);
  if (parts.length > MAX_MONTHS) {
    return refuse(
      'service-period-too-long',
      'serviceEnd',
      `${parts.length} months are more than a contract runs (${MAX_MONTHS}).`,
    );
  }

  const days = daysBetween(first, last);
  let recognised = 0n;
  return parts.map((part, index) => {
    const cumulative = divideHalfUp(total * daysBetween(first, part.end), days);
    const amount = fromMinorUnits(cumulative - recognised, currency);
    recognised = cumulative;
    const periodEnd = toDay(part.end);
    return { sequence: index + 1, periodStart: toDay(part.start), periodEnd, recognisedOn: periodEnd, amount };
  });
}

/** The calendar months a period touches, the first and the last cut to it. Times are midnights in UTC. */
function monthsBetween(first: number, last: number): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  // One month more than the bound is enough to see that it is exceeded.
  for (let start = first; start <= last && parts.length <= MAX_MONTHS;) {
    const date = new Date(start);
    const nextMonth = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    const end = Math.min(nextMonth - DAY_MS, last);
    parts.push({ start, end });
    start = nextMonth;
  }
  return parts;
}

function daysBetween(first: number, last: number): bigint {
  return BigInt(Math.round((last - first) / DAY_MS)) + 1n;
}

/** For numbers that are not negative. */
function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor);
}

function toDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function refuse(reason: string, field: string, message: string): ScheduleRefusal {
  return { reason, field, message };
}
