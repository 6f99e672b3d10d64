import { CommandError } from '../output.js';

/** Base addresses of the instances of each service. */
export type ServiceUrls = Record<string, string[]>;

/** The answer is not whole: a service could not be asked. */
export const EXIT_UNREACHABLE = 3;

const TIMEOUT_MS = 30_000;

interface Refusal {
  code?: string;
  message?: string;
}

/** The dead letters of all services, by their HTTP APIs. */
export class DeadLettersApi {
  constructor(
    private readonly urls: ServiceUrls,
    private readonly actor: string,
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

  /** Asks the instances in turn: one of them may be restarting. What was sent may have been done, so a change is asked for once. */
  private async ask<T>(service: string, method: string, path: string, body?: object): Promise<T> {
    const urls = this.urls[service];
    if (!urls) {
      throw new CommandError(`There is no service ${service} here: known are ${this.services.join(', ')}.`);
    }
    let last: Error | undefined;
    for (const url of urls) {
      try {
        const response = await fetch(`${url}/v1/dead-letters${path}`, {
          method,
          headers: { 'content-type': 'application/json', 'x-actor': this.actor },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const answer = (await response.json()) as T & Refusal;
        if (response.ok) return answer;
        throw new CommandError(`${service} refuses: ${answer.message ?? response.statusText}`);
      } catch (error) {
        if (error instanceof CommandError) throw error;
        last = error as Error;
        if (method !== 'GET' && !neverSent(error)) break;
      }
    }
    const why = (last?.cause as Error | undefined)?.message || last?.message;
    throw new CommandError(
      `${service} does not answer at ${urls.join(', ')} (${why}): is it running?`,
      EXIT_UNREACHABLE,
    );
  }
}

function neverSent(error: unknown): boolean {
  return (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED';
}
