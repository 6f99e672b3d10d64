import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { ConsumerAnswer } from '../lag.js';
import { colours, CommandError, duration, print, table, tell } from '../output.js';
import { EXIT_UNREACHABLE, type ServicesApi } from '../services-api.js';

/** As commander gives them. */
export interface ReplayChoice {
  missed?: true;
  rebuild?: true;
  consumer?: string;
  topic?: string;
  partition?: number;
  from?: string;
  to?: string;
  key?: string;
  type?: string;
  dryRun: boolean;
  reason?: string;
  json: boolean;
}

/** The parts of a service's answer that are shown; its OpenAPI page has the whole. */
interface ReplayAnswer {
  id: string;
  service: string;
  mode: string;
  dryRun: boolean;
  status: 'running' | 'done' | 'cancelled' | 'failed';
  recordsTotal: number;
  recordsRead: number;
  remainingMs: number | null;
  passedOver: number;
  types: Record<string, { new: number; known: number }>;
  actor: string;
  reason: string;
  cancelledBy: string | null;
  errorMessage: string | null;
  startedAt: string;
  endedAt: string | null;
}

const POLL_MS = 500;
/** A service that restarts goes on with its replay; only one that stays away for longer is given up. */
const PATIENCE_MS = 60_000;
const EXIT_INTERRUPTED = 130;

/** `throughline replay`. @returns the exit code */
export async function replay(api: ServicesApi, choice: ReplayChoice): Promise<number> {
  if (!choice.missed && !choice.rebuild)
    throw new CommandError('Say what for: --missed or --rebuild (--help explains).');
  const { topic, partition, from, to, key, type, dryRun } = choice;
  const service = choice.consumer ?? (await onlyReaderOf(api, topic));
  const begun = await api.send<ReplayAnswer>(service, 'POST', '/replays', {
    mode: choice.missed ? 'missed' : 'rebuild',
    ...{ topic, partition, from, to, key, type },
    dryRun,
    reason: dryRun ? (choice.reason ?? 'dry run') : needReason(choice),
  });
  const ended = await watch(api, begun);
  if (choice.json) print(JSON.stringify(ended));
  else print(render(ended));
  return ended.status === 'done' ? 0 : ended.status === 'running' ? EXIT_INTERRUPTED : 1;
}

/** `replay list`. @returns the exit code */
export async function listReplays(api: ServicesApi, { consumer, json }: ReplayChoice): Promise<number> {
  const services = consumer === undefined ? api.services : [consumer];
  const { found, unreachable } = await api.each(services, (service) =>
    api.get<{ replays: ReplayAnswer[] }>(service, '/replays'),
  );
  const replays = found.flatMap((answer) => answer.replays);
  if (json) print(JSON.stringify({ replays, unreachable }));
  else if (replays.length === 0) print('No replays.');
  else print(table(['replay', 'mode', 'status', 'new', 'known', 'started', 'by', 'why'], replays.map(summaryRow)));
  for (const problem of unreachable) tell(`${colours.yellow('left out')}: ${problem}`);
  return unreachable.length > 0 ? EXIT_UNREACHABLE : 0;
}

/** `replay show`. */
export async function showReplay(api: ServicesApi, name: string, { json }: ReplayChoice): Promise<void> {
  const [service, id] = parse(name);
  const answer = await api.get<ReplayAnswer>(service, `/replays/${id}`);
  print(json ? JSON.stringify(answer) : render(answer));
}

/** `replay cancel`. */
export async function cancelReplay(api: ServicesApi, name: string, choice: ReplayChoice): Promise<void> {
  const [service, id] = parse(name);
  const answer = await api.send<ReplayAnswer>(service, 'POST', `/replays/${id}/cancel`, { reason: needReason(choice) });
  print(choice.json ? JSON.stringify(answer) : render(answer));
}

async function onlyReaderOf(api: ServicesApi, topic: string | undefined): Promise<string> {
  if (topic === undefined) throw new CommandError('Say whose history: --topic, or --consumer for all it reads.');
  const { found, unreachable } = await api.each(api.services, (service) =>
    api.get<ConsumerAnswer>(service, '/consumer'),
  );
  // A namespace puts its name before the topic's.
  const readers = found.filter(({ topics }) => topics.some((name) => name === topic || name.endsWith(`.${topic}`)));
  const [only] = readers;
  if (readers.length === 1 && unreachable.length === 0) return only!.service;
  for (const problem of unreachable) tell(problem);
  const who = readers.map(({ service }) => service).join(', ') || 'none of those that answer';
  throw new CommandError(`Which consumer? ${topic} is read by ${who}: give --consumer.`);
}

/** Shows a bar on a terminal, until it is over or the person stops watching. */
async function watch(api: ServicesApi, begun: ReplayAnswer): Promise<ReplayAnswer> {
  const { service, id } = begun;
  const bar = new SingleBar({
    format: `${begun.dryRun ? 'counting' : 'replaying'} {bar} {percentage} %  {value} of {total} records  {left}`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  bar.start(begun.recordsTotal, 0, { left: '' });
  let answer = begun;
  let answeredAt = performance.now();
  try {
    while (answer.status === 'running' && !stop.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      try {
        answer = await api.get<ReplayAnswer>(service, `/replays/${id}`);
        answeredAt = performance.now();
      } catch (error) {
        const away = (error as CommandError).exitCode === EXIT_UNREACHABLE && !begun.dryRun;
        if (!away || performance.now() - answeredAt > PATIENCE_MS) throw error;
      }
      bar.setTotal(answer.recordsTotal);
      bar.update(answer.recordsRead, {
        left: answer.remainingMs === null ? '' : `${duration(answer.remainingMs)} left`,
      });
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
    bar.stop();
  }
  if (answer.status === 'running') {
    tell(`It goes on. Look again with: npx throughline replay show ${service}/${id}`);
    tell(`Stop it with: npx throughline replay cancel ${service}/${id} --reason "..."`);
  }
  return answer;
}

function render(answer: ReplayAnswer): string {
  const { service, id, status, dryRun, mode, recordsRead, recordsTotal, passedOver, types } = answer;
  const colour = { done: colours.green, running: colours.cyan, cancelled: colours.yellow, failed: colours.red }[status];
  const elapsedMs = Date.parse(answer.endedAt ?? new Date().toISOString()) - Date.parse(answer.startedAt);
  const rows = Object.entries(types).map(([type, counts]) => [type, counts.new, counts.known]);
  return [
    `${colours.bold(dryRun ? `dry run of ${service}` : `${service}/${id}`)}  ${mode}  ${colour(status)}  ${recordsRead} of ${recordsTotal} records in ${duration(elapsedMs)}`,
    ...(answer.errorMessage === null ? [] : [`${colours.red('because')} ${answer.errorMessage}`]),
    ...(answer.cancelledBy === null ? [] : [`cancelled by ${answer.cancelledBy}`]),
    '',
    rows.length > 0
      ? table(['type', dryRun ? 'would be taken in' : 'taken in', 'known already'], rows)
      : 'Nothing of it is for this consumer.',
    ...(passedOver > 0 ? [`${passedOver} others were passed over.`] : []),
  ].join('\n');
}

function summaryRow({ service, id, mode, status, types, startedAt, actor, reason }: ReplayAnswer): (string | number)[] {
  const sum = (of: 'new' | 'known'): number => Object.values(types).reduce((all, counts) => all + counts[of], 0);
  return [`${service}/${id}`, mode, status, sum('new'), sum('known'), startedAt, actor, reason];
}

function needReason({ reason }: ReplayChoice): string {
  if (reason) return reason;
  throw new CommandError('Say why: --reason "..." is kept for good with what is done.');
}

function parse(name: string): [service: string, id: string] {
  const [, service, id] = /^([a-z][a-z0-9-]*)\/(\d+|dry-[0-9a-f-]+)$/.exec(name) ?? [];
  if (service && id) return [service, id];
  throw new CommandError(`"${name}" is no replay, such as ops-adapter/3: replay list shows those there are.`);
}
