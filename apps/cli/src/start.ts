import { type Installation } from './installation.js';
import { colours, table } from './output.js';
import { startPlatform, type Platform } from './platform.js';
import { dealStory, renderStory } from './deal-show.js';
import { closeSampleDeal } from './demo/vendors.js';
import { TENANTS } from './topology.js';
import { canonicalId } from '@throughline/contracts';

/** How long the sample deal may take until its story is complete. */
const SAMPLE_LIMIT_MS = 60_000;

/** `throughline start`: everything up, one deal through, links shown; stays until Ctrl-C. */
export async function start(installation: Installation, options: { sample: boolean; once: boolean }): Promise<number> {
  const ended = Promise.withResolvers<number>();
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) return;
      process.stderr.write('\nStopping; every process is ended in order.\n');
      interrupt.abort();
      ended.resolve(0);
    });
  }

  const platform = await startPlatform({
    installation,
    preferPorts: true,
    signal: interrupt.signal,
    onExit: (instance, logFile) => {
      process.stderr.write(`${instance.service} ended by itself; its log: ${logFile}\nStart again with npm start.\n`);
      ended.resolve(1);
    },
  });
  try {
    installation.saveRunning(runningOf(platform));
    if (options.sample) await showSampleDeal(platform);
    process.stdout.write(`\n${links(platform)}\n`);
    if (options.once) ended.resolve(0);
    else process.stdout.write(`\n${colours.dim('Running. Ctrl-C stops everything.')}\n`);
    return await ended.promise;
  } finally {
    installation.clearRunning();
    await platform.stop();
  }
}

async function showSampleDeal(platform: Platform): Promise<void> {
  process.stderr.write('Closing a sample deal in the CRM and following it.\n');
  const dealId = await closeSampleDeal(platform.topology);
  const opportunityId = canonicalId('hubspot', TENANTS.hubspotPortal, 'deal', dealId);
  const story = await dealStory(platform.services.urls('orchestrator'), opportunityId, {
    untilEndedMs: SAMPLE_LIMIT_MS,
  });
  process.stdout.write(`\n${renderStory(story, platform.stack.addresses.viewerUrl)}\n`);
}

function runningOf({ services, stack }: Platform) {
  return {
    pid: process.pid,
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

function links({ services, stack }: Platform): string {
  return table(
    ['open', 'to'],
    [
      [services.url('sandbox'), 'close, edit and reopen deals, pay invoices (the vendors, in miniature)'],
      [stack.addresses.viewerUrl, 'follow a deal as one trace'],
      [`${stack.addresses.registryUrl}/subjects`, 'every message schema'],
      ...(['orchestrator', 'revenue-adapter', 'ops-adapter', 'finance-adapter'] as const).map(
        (name): [string, string] => [`${services.url(name)}/docs`, `API of ${name}`],
      ),
      [stack.addresses.kafkaBrokers.join(','), 'Kafka'],
      ['npx throughline deal show <id>', 'the story of a deal'],
    ],
  );
}
