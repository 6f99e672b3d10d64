import { killSupervised } from '@throughline/local-stack';
import type { Config } from './config.js';
import { type Installation } from './installation.js';
import { KeepRunning } from './keep-running.js';
import { colours, table } from './output.js';
import { startPlatform, type Platform } from './platform.js';
import { dealStory, renderStory } from './deal-show.js';
import { closeSampleDeal } from './demo/vendors.js';
import { TENANTS } from './topology.js';
import { canonicalId } from '@throughline/contracts';

/** How long the sample deal may take until its story is complete. */
const SAMPLE_LIMIT_MS = 60_000;

/** `throughline start`: everything up, one deal through, links shown; stays until Ctrl-C. */
export async function start(
  config: Config,
  installation: Installation,
  options: { sample: boolean; once: boolean },
): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const ended = Promise.withResolvers<number>();
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) killEverything(installation);
      say(
        '\nStopping: the services finish what they are at, then the stack ends. Ctrl-C again kills everything at once.',
      );
      interrupt.abort();
      ended.resolve(0);
    });
  }
  const keepRunning = new KeepRunning({
    say,
    signal: interrupt.signal,
    gaveUp: () => {
      ended.resolve(1);
      interrupt.abort();
    },
  });

  const platform = await startPlatform({
    config,
    installation,
    preferPorts: true,
    signal: interrupt.signal,
    onExit: (_instance, _logFile, part) => void keepRunning.restart(part),
    onPartExit: ({ title, ...part }) => void keepRunning.restart({ name: title, ...part }),
  });
  try {
    installation.saveRunning(runningOf(platform));
    const dealId = options.sample
      ? await unlessAborted(interrupt.signal, showSampleDeal(platform, interrupt.signal))
      : undefined;
    if (!interrupt.signal.aborted) {
      process.stdout.write(`\n${links(platform, installation, dealId)}\n`);
      if (options.once) ended.resolve(0);
      else process.stdout.write(`\n${colours.dim('Running. Ctrl-C stops everything.')}\n`);
    }
    return await ended.promise;
  } finally {
    interrupt.abort();
    installation.clearRunning();
    await platform.stop();
  }
}

/** A person who has asked twice does not wait any more; the data stands a crash. */
function killEverything(installation: Installation): never {
  process.stderr.write('\nKilled everything.\n');
  installation.clearRunning();
  killSupervised();
  process.exit(130);
}

/** Returns the id of the deal in the CRM. */
async function showSampleDeal(platform: Platform, signal: AbortSignal): Promise<string> {
  process.stderr.write('Closing a sample deal in the CRM and following it.\n');
  const dealId = await closeSampleDeal(platform.topology);
  const opportunityId = canonicalId('hubspot', TENANTS.hubspotPortal, 'deal', dealId);
  const story = await dealStory(platform.services.urls('orchestrator'), opportunityId, {
    untilEndedMs: SAMPLE_LIMIT_MS,
    signal,
  });
  process.stdout.write(`\n${renderStory(story, platform.stack.addresses.viewerUrl)}\n`);
  return dealId;
}

/** `undefined` as soon as the signal says so; what `work` still does is of no interest then. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true });
  if (signal.aborted) aborted.resolve(undefined);
  return Promise.race([
    aborted.promise,
    work.catch((error: unknown) => (signal.aborted ? undefined : Promise.reject(error as Error))),
  ]);
}

function runningOf({ services, stack }: Platform) {
  return {
    startedAt: new Date().toISOString(),
    services: Object.fromEntries(
      (['orchestrator', 'revenue-adapter', 'ops-adapter', 'finance-adapter', 'sandbox'] as const).map((name) => [
        name,
        services.urls(name),
      ]),
    ),
    viewerUrl: stack.addresses.viewerUrl,
    registryUrl: stack.addresses.registryUrl,
    kafkaBrokers: stack.addresses.kafkaBrokers,
  };
}

function links({ services, stack }: Platform, installation: Installation, dealId: string | undefined): string {
  const { viewerUrl } = stack.addresses;
  return table(
    ['open', 'to'],
    [
      [services.url('sandbox'), 'close, edit and reopen deals, pay invoices (the vendors, in miniature)'],
      ...(viewerUrl ? [[viewerUrl, 'follow a deal as one trace']] : []),
      [`${stack.addresses.registryUrl}/subjects`, 'every message schema'],
      ...(['orchestrator', 'revenue-adapter', 'ops-adapter', 'finance-adapter'] as const).map((name) => [
        `${services.url(name)}/docs`,
        `API of ${name}`,
      ]),
      [stack.addresses.kafkaBrokers.join(','), 'Kafka'],
      [installation.secretsFile, 'keys for the vendors’ SDKs'],
      [
        `npx throughline deal show ${dealId ?? '<id>'}`,
        dealId ? 'the story of the sample deal' : 'the story of a deal',
      ],
    ],
  );
}
