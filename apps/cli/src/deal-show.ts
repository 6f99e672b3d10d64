import { formatMoney } from '@throughline/contracts';
import { traceUrl } from '@throughline/telemetry';
import type { Config } from './config.js';
import { type Installation } from './installation.js';
import { colours, CommandError, duration, table } from './output.js';
import { EXIT_UNREACHABLE } from './services-api.js';

/** The parts of the orchestrator's answer that are shown; its OpenAPI page has the whole. */
export interface DealStory {
  opportunityId: string;
  occurrences: Occurrence[];
  /** Instances of the other processes that the deal set off. */
  linked: Linked[];
}

export interface Linked {
  id: string;
  process: string;
  status: string;
  waitingFor: { step: string; needsPerson: boolean }[];
}

export interface Occurrence {
  id: string;
  occurrence: number;
  status: string;
  attributes: Record<string, unknown>;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  traceId: string | null;
  cause: {
    type: string;
    step: string | null;
    reason: string | null;
    field: string | null;
    message: string | null;
  } | null;
  waitingFor: { step: string; events: string[]; since: string; isOverdue: boolean; needsPerson: boolean }[];
  steps: (Execution & { step: string; owner: string; status: string; compensation: Execution | null })[];
  attention: { type: string; at: string; message: string; acknowledged?: { by: string } | null }[];
  payments: { amount: string; currency: string; receivedAt: string; externalIds: ExternalId[] }[];
}

interface Execution {
  command: string;
  service: string | null;
  outcome: string | null;
  outcomeAt: string | null;
  durationMs: number | null;
  externalIds: ExternalId[];
  reason: string | null;
  field: string | null;
  message: string | null;
}

interface ExternalId {
  system: string;
  type: string;
  id: string;
}

/** One instance that has ended. */
export interface DealEnd {
  opportunityId: string;
  occurrence: number;
  status: string;
  endedAt: string;
}

const TIMEOUT_MS = 10_000;
const POLL_MS = 150;
/** Statuses after which nothing more happens by itself. */
const ENDED = ['completed', 'compensated', 'refused', 'rejected', 'stopped'];

/** `throughline deal show`. */
export async function showDeal(
  id: string,
  options: { json: boolean; url?: string },
  config: Config,
  installation: Installation,
): Promise<void> {
  const running = installation.running();
  const urls = options.url ? [options.url] : (config.orchestratorUrls ?? running?.services['orchestrator']);
  if (!urls) {
    throw new CommandError('No orchestrator is known: run npm start, or give --url or THROUGHLINE_ORCHESTRATOR_URL.');
  }
  const story = await readDeal(urls, id);
  if (!story)
    throw new CommandError(`No event of deal ${id} has arrived. Is it closed-won in the CRM, and is the id right?`);
  const viewerUrl = config.viewerUrl ?? running?.viewerUrl;
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ ...story, traceUrls: story.occurrences.map(({ traceId }) => traceUrl(viewerUrl, traceId)) })}\n`,
    );
  else process.stdout.write(`${renderStory(story, viewerUrl)}\n`);
}

/** The story of a deal, waiting until every closing of it has ended or the time is over. */
export async function dealStory(
  urls: string[],
  id: string,
  options: { untilEndedMs: number; signal?: AbortSignal },
): Promise<DealStory> {
  const deadline = Date.now() + options.untilEndedMs;
  for (;;) {
    if (options.signal?.aborted) throw new CommandError('interrupted', 130);
    const story = await readDeal(urls, id).catch(() => undefined);
    if (story?.occurrences.every(({ status }) => ENDED.includes(status))) return story;
    if (Date.now() > deadline) {
      if (story) return story;
      throw new CommandError(
        `Nothing of deal ${id} arrived at the orchestrator within ${duration(options.untilEndedMs)}: look at the logs of revenue-adapter and orchestrator.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Instances that ended, of a platform that began empty; asks the instances of the orchestrator in turn until one answers. */
export async function dealEnds(urls: string[]): Promise<DealEnd[]> {
  const ends: DealEnd[] = [];
  for (const status of ENDED) {
    for (let before: string | undefined; ;) {
      const query = new URLSearchParams({ status, limit: '200', ...(before && { before }) });
      const answer = await ask(urls, `/v1/instances?${query.toString()}`).catch(() => undefined);
      if (!answer?.ok) return ends;
      const { instances } = (await answer.json()) as {
        instances: (DealEnd & { id: string; key: string; endedAt: string | null })[];
      };
      ends.push(
        ...instances.map((instance) => ({ ...instance, opportunityId: instance.key, endedAt: instance.endedAt ?? '' })),
      );
      before = instances.at(-1)?.id;
      if (instances.length < 200) break;
    }
  }
  return ends;
}

/** The story as a person reads it: one table per closing. */
export function renderStory(story: DealStory, viewerUrl: string | undefined): string {
  const occurrences = story.occurrences.map((occurrence) => renderOccurrence(story, occurrence, viewerUrl));
  return [...occurrences, ...renderLinked(story)].join('\n\n');
}

/** Each process of the deal, and where to look on. */
function renderLinked({ occurrences, linked }: DealStory): string[] {
  const own = occurrences.map((occurrence) => ({ ...occurrence, process: 'lead-to-cash' }));
  if (linked.length === 0) return [];
  const rows = [...own, ...linked].map(({ id, process, status, waitingFor }) => [
    process,
    statusText(status),
    waitingFor.map(({ step }) => step).join(', '),
    `npx throughline instances show ${id}`,
  ]);
  return [table(['process', 'status', 'waits at', 'more'], rows)];
}

function renderOccurrence(story: DealStory, occurrence: Occurrence, viewerUrl: string | undefined): string {
  const { attributes, cause } = occurrence;
  const amount =
    typeof attributes['totalAmount'] === 'string'
      ? formatMoney(attributes['totalAmount'], String(attributes['currency']))
      : '';
  const lines = [
    colours.bold(
      `${String((attributes['name'] as string | undefined) ?? story.opportunityId)}${story.occurrences.length > 1 ? `, closing ${occurrence.occurrence}` : ''}`,
    ),
    [
      amount,
      statusText(occurrence.status),
      occurrence.durationMs === null ? '' : `in ${duration(occurrence.durationMs)}`,
    ]
      .filter(Boolean)
      .join('  '),
  ];
  if (cause) {
    lines.push(
      `${colours.yellow('because')} ${[cause.type, cause.reason, cause.field && `field ${cause.field}`, cause.message].filter(Boolean).join(' · ')}`,
    );
  }
  if (occurrence.status !== 'rejected')
    lines.push(
      '',
      table(['step', 'service', 'vendor object', 'duration', 'state'], occurrence.steps.flatMap(stepRows)),
    );
  for (const payment of occurrence.payments) {
    lines.push(
      `payment of ${formatMoney(payment.amount, payment.currency)} received ${payment.receivedAt} (${objects(payment.externalIds)})`,
    );
  }
  for (const { at, message, acknowledged } of occurrence.attention)
    lines.push(`${acknowledged ? `looked at by ${acknowledged.by},` : colours.yellow('look')} ${at}: ${message}`);
  for (const wait of occurrence.waitingFor.filter(
    () => !ENDED.includes(occurrence.status) || occurrence.status === 'stopped',
  )) {
    const isDecision = wait.needsPerson && wait.events.length === 0;
    lines.push(
      `${wait.needsPerson ? colours.red('needs a person') : wait.isOverdue ? colours.yellow('overdue') : 'waiting'}: ${wait.step} for ${isDecision ? 'a decision' : wait.events.join(' or ')} since ${wait.since}`,
    );
    if (isDecision) lines.push(`  npx throughline tasks list --key ${story.opportunityId}`);
  }
  const link = traceUrl(viewerUrl, occurrence.traceId);
  if (link) lines.push('', `trace ${link}`);
  return lines.join('\n');
}

function stepRows(step: Occurrence['steps'][number]): string[][] {
  const rows = [
    [step.step, step.service ?? '', objects(step.externalIds), timeText(step.durationMs), stateText(step.status, step)],
  ];
  if (step.compensation) {
    const { compensation } = step;
    rows.push([
      `  undo ${step.step}`,
      compensation.service ?? '',
      objects(compensation.externalIds),
      timeText(compensation.durationMs),
      stateText(compensation.outcome ?? compensation.command, compensation),
    ]);
  }
  return rows;
}

function stateText(status: string, { outcome, reason, field, message }: Execution): string {
  const refusal = [reason, field && `field ${field}`, message].filter(Boolean).join(' · ');
  return [outcome && outcome !== status ? `${status} (${outcome})` : status, refusal].filter(Boolean).join(': ');
}

function statusText(status: string): string {
  const colour =
    { completed: colours.green, running: colours.cyan, compensating: colours.cyan, compensated: colours.yellow }[
      status
    ] ?? colours.red;
  return colour(status);
}

/** The object a step made: the most specific one is named last, and customers are the same for every step. */
function objects(externalIds: ExternalId[]): string {
  const made = externalIds.filter(({ type }) => type !== 'customer').at(-1);
  return made ? `${made.system} ${made.type} ${made.id}` : '';
}

function timeText(durationMs: number | null): string {
  return durationMs === null ? '' : duration(durationMs);
}

export async function readDeal(urls: string[], id: string): Promise<DealStory | undefined> {
  const response = await ask(urls, `/v1/deals/${encodeURIComponent(id)}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new CommandError(`The orchestrator answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as DealStory;
}

/** Asks the instances in turn: one of them may be restarting. */
async function ask(urls: string[], path: string): Promise<Response> {
  let last: unknown;
  for (const url of urls) {
    try {
      return await fetch(`${url}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      last = error;
    }
  }
  throw new CommandError(
    `No orchestrator answers at ${urls.join(', ')} (${(last as Error).message}): is it running?`,
    EXIT_UNREACHABLE,
  );
}
