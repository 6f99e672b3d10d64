import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from './median.js';
import { withPath, type Ground } from './path.js';
import { cpuSeconds } from './proc.js';
import { sampleOpportunity } from './sample.js';

export interface ValidationFigures {
  perSecond: number;
  /** From the moment a question was due to its answer read: a question that had to wait for its turn counts its waiting. */
  validationP50Ms: number;
  validationP99Ms: number;
  /** CPU-seconds of the orchestrator per 1000 answers. */
  cpuSecondsPer1000: number;
  /** Answers by outcome, so that what was measured is known. */
  outcomes: Record<string, number>;
}

const PER_SECOND = 100;
const WARM_UP = 300;
/** As a person waits at most; an answer that takes longer is a failure and no figure. */
const ANSWER_LIMIT_MS = 5_000;

/** What a person waits for who asks whether a deal would pass, at a steady pace, of the orchestrator as shipped with its own policies. */
export async function measureValidation(ground: Ground, seconds: number): Promise<ValidationFigures> {
  const { result } = await withPath(ground, { sides: ['orchestrator'], rules: 'shipped' }, async (path) => {
    const url = path.url('orchestrator', 'v1/validations/opportunity');
    ground.say('validation: warming up, then measuring');
    await askPaced(url, WARM_UP);
    const pids = path.pids('orchestrator').map(({ pid }) => pid);
    const before = cpuSeconds(pids);
    const answers = await askPaced(url, seconds * PER_SECOND);
    return { answers, cpu: cpuSeconds(pids) - before };
  });
  const latenciesMs = result.answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const outcomes: Record<string, number> = {};
  for (const { outcome } of result.answers) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    perSecond: PER_SECOND,
    validationP50Ms: quantile(latenciesMs, 0.5),
    validationP99Ms: quantile(latenciesMs, 0.99),
    cpuSecondsPer1000: (result.cpu * 1_000) / result.answers.length,
    outcomes,
  };
}

interface Answer {
  ms: number;
  outcome: string;
}

async function askPaced(url: string, count: number): Promise<Answer[]> {
  const start = performance.now();
  const answers: Promise<Answer>[] = [];
  for (let index = 0; index < count; index += 1) {
    const due = start + (index * 1_000) / PER_SECOND;
    if (performance.now() < due) await sleep(due - performance.now());
    answers.push(ask(url, question(index), due));
  }
  return Promise.all(answers);
}

async function ask(url: string, body: string, due: number): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const { outcome, degraded } = (await response.json()) as { outcome?: string; degraded?: unknown[] };
  if (!response.ok || !outcome) throw new Error(`${url} answered ${response.status}`);
  return { ms: performance.now() - due, outcome: degraded?.length ? `${outcome}, degraded` : outcome };
}

/** Of four deals of ten lines two pass, one needs a person, and one is refused; each is looked up, too. */
function question(index: number): string {
  const deal = sampleOpportunity('validation', index);
  const [line] = deal.lineItems;
  const lineItems = Array.from({ length: 10 }, (_, number) => ({ ...line!, lineItemId: String(number) }));
  const unit = index % 4 === 2 ? '100000.0000' : '625.2500';
  const amount = index % 4 === 2 ? '200000.0000' : '1250.5000';
  const total = index % 4 === 2 ? '2000000.0000' : index % 4 === 3 ? '1.0000' : '12505.0000';
  return JSON.stringify({
    ...deal,
    totalAmount: total,
    lineItems: lineItems.map((one) => ({ ...one, unitAmount: unit, amount })),
  });
}
