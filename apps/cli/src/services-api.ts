import { CommandError } from './output.js';

/** Base addresses of the instances of each service. */
export type ServiceUrls = Record<string, string[]>;

/** The answer is not whole: a service could not be asked. */
export const EXIT_UNREACHABLE = 3;

const TIMEOUT_MS = 30_000;

interface Refusal {
  code?: string;
  message?: string;
}

/** The HTTP APIs of all services. */
export class ServicesApi {
  constructor(
    private readonly urls: ServiceUrls,
    private readonly actor: string,
    /** Put before every path. */
    private readonly base: string,
  ) {}

  get services(): string[] {
    return Object.keys(this.urls);
  }

  get<T>(service: string, path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return this.ask<T>(service, 'GET', search ? `${path}?${search}` : path);
  }

  send<T>(service: string, method: 'POST' | 'PATCH', path: string, body: object): Promise<T> {
    return this.ask<T>(service, method, path, body);
  }

  /** Asks every service, or those named; what cannot be reached is told and left out. */
  async each<T>(
    services: string[],
    read: (service: string) => Promise<T>,
  ): Promise<{ found: T[]; unreachable: string[] }> {
    const unreachable: string[] = [];
    const answers = await Promise.all(
      services.map(async (service) => {
        try {
          return [await read(service)];
        } catch (error) {
          if (!(error instanceof CommandError) || error.exitCode !== EXIT_UNREACHABLE) throw error;
          unreachable.push(error.message);
          return [];
        }
      }),
    );
    return { found: answers.flat(), unreachable };
  }

  /** Asks every instance of every service, or of those named: each knows only what it does itself. */
  async everyInstance<T>(services: string[], path: string): Promise<{ found: T[]; unreachable: string[] }> {
    const unanswered: string[] = [];
    const instances = services.flatMap((service) => this.urlsOf(service).map((url) => ({ service, url })));
    const answers = await Promise.all(
      instances.map(async ({ service, url }) => {
        try {
          return [await this.request<T>(service, url, 'GET', path)];
        } catch (error) {
          if (error instanceof CommandError) throw error;
          unanswered.push(unreachable(service, [url], error as Error).message);
          return [];
        }
      }),
    );
    return { found: answers.flat(), unreachable: unanswered };
  }

  /** Asks the instances in turn: one of them may be restarting. What was sent may have been done, so a change is asked for once. */
  private async ask<T>(service: string, method: string, path: string, body?: object): Promise<T> {
    const urls = this.urlsOf(service);
    let last: Error | undefined;
    for (const url of urls) {
      try {
        return await this.request<T>(service, url, method, path, body);
      } catch (error) {
        if (error instanceof CommandError) throw error;
        last = error as Error;
        if (method !== 'GET' && !neverSent(error)) break;
      }
    }
    throw unreachable(service, urls, last);
  }

  private urlsOf(service: string): string[] {
    const urls = this.urls[service];
    if (urls) return urls;
    throw new CommandError(`There is no service ${service} here: known are ${this.services.join(', ')}.`);
  }

  private async request<T>(service: string, url: string, method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}${this.base}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-actor': this.actor },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = (await response.json()) as T & Refusal;
    if (response.ok) return answer;
    throw new CommandError(`${service} refuses: ${answer.message ?? response.statusText}`);
  }
}

function unreachable(service: string, urls: string[], error: Error | undefined): CommandError {
  const why = (error?.cause as Error | undefined)?.message || error?.message;
  return new CommandError(
    `${service} does not answer at ${urls.join(', ')} (${why}): is it running?`,
    EXIT_UNREACHABLE,
  );
}

function neverSent(error: unknown): boolean {
  return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED';
}
