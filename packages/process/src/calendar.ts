import type { Duration } from './duration.js';

export interface Calendar {
  name: string;
}

export function addDuration(at: string, duration: Duration, _calendar: Calendar | undefined): string {
  return new Date(Date.parse(at) + ('ms' in duration ? duration.ms : 0)).toISOString();
}
