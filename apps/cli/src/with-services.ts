import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Config } from './config.js';
import type { Installation } from './installation.js';
import { CommandError } from './output.js';
import { ServicesApi, type ServiceUrls } from './services-api.js';

/** Not on the message bus. */
const WITHOUT = 'sandbox';

/**
 * Gives a command the options that say whom it asks and who asks, and returns what makes its client.
 *
 * @param actorOption how the command says who asks
 */
export function withServices(
  command: Command,
  here: () => [Config, Installation],
  base: string,
  actorOption: 'actor' | 'as' = 'actor',
): () => ServicesApi {
  command
    .option(
      '--url <service=url>',
      'where a service listens (default: the running local ones, or THROUGHLINE_SERVICE_URLS)',
      collect,
    )
    .option(`--${actorOption} <name>`, 'who does it (default: THROUGHLINE_ACTOR, or the user of this machine)');
  return () => {
    const { url, [actorOption]: actor } = command.opts<{ url?: string[]; actor?: string; as?: string }>();
    const [config, installation] = here();
    const urls = findServices(url, config, installation);
    return new ServicesApi(urls, actor ?? config.actor ?? userInfo().username, base);
  };
}

/** Of an option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function findServices(given: string[] | undefined, config: Config, installation: Installation): ServiceUrls {
  const named = given ?? config.serviceUrls;
  if (named) return toServiceUrls(named);
  const running = installation.running();
  if (!running) {
    throw new CommandError(
      'No service is known: run npm start, or give --url service=url or THROUGHLINE_SERVICE_URLS.',
    );
  }
  return Object.fromEntries(Object.entries(running.services).filter(([service]) => service !== WITHOUT));
}

/** A service may be named several times: once per instance. */
function toServiceUrls(named: string[]): ServiceUrls {
  const urls: ServiceUrls = {};
  for (const text of named) {
    const [, service, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/.+?)\/?$/.exec(text) ?? [];
    if (!service || !url)
      throw new CommandError(`"${text}" is no service=url, such as ops-adapter=http://127.0.0.1:4102.`);
    (urls[service] ??= []).push(url);
  }
  return urls;
}
