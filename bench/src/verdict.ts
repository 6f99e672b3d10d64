/** What a figure must be. */
export interface Limit {
  /** One of them. */
  atMost?: number;
  below?: number;
  atLeast?: number;
  /** What it should become. */
  aim?: number;
}

/** Every figure that has a limit; those of the path hold at the shipped sampling, on the machine they were set for (2 cores). */
export const LIMITS = {
  bareRatio: { atLeast: 0.75 },
  cpuSecondsPer1000: { atMost: 2.7, aim: 1.9 },
  commitsPerMessage: { below: 0.5 },
  p50Ms: { atMost: 20, aim: 12 },
  p99Ms: { atMost: 60, aim: 40 },
  cpuSecondsPer1000At50: { atMost: 14, aim: 9 },
  healthyShare: { atLeast: 0.95 },
  slowestToMedian: { atLeast: 0.8 },
  rssGrowth: { atMost: 1.2 },
  doubled: { atMost: 0 },
  missing: { atMost: 0 },
  idlePercent: { below: 1 },
  validationP99Ms: { below: 50 },
  openShare: { atLeast: 0.8 },
} satisfies Record<string, Limit>;

export interface Verdict {
  figure: string;
  value: number;
  limit: string;
  met: boolean;
}

/** Whether a figure keeps its limit; one that could not be measured does not. */
export function judge(figure: keyof typeof LIMITS, value: number, name: string = figure): Verdict {
  const limit: Limit = LIMITS[figure];
  return { figure: name, value, limit: textOf(limit), met: isMet(limit, value) };
}

function isMet({ atMost, below, atLeast }: Limit, value: number): boolean {
  if (atMost !== undefined) return value <= atMost;
  if (below !== undefined) return value < below;
  return value >= atLeast!;
}

function textOf({ atMost, below, atLeast, aim }: Limit): string {
  const bound = atMost !== undefined ? `<= ${atMost}` : below !== undefined ? `< ${below}` : `>= ${atLeast}`;
  return aim === undefined ? bound : `${bound}, aim ${aim}`;
}
