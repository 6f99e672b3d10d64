import { Client, type FetchArgs, type FetchInput } from '@medusajs/js-sdk';
import { AsyncLocalStorage } from 'node:async_hooks';
import { fromResponse, fromTransport, medusaError } from './errors.js';

export interface MedusaTransportOptions {
  /** Address of the Medusa server, with a path prefix where it has one. */
  baseUrl: string;
  /** Secret API key (`sk_...`); sent as Basic authentication, which is how Medusa takes it. */
  apiKey: string;
  /** Limit of one call, its answer included, in milliseconds. */
  timeoutMs: number;
}

/** The resources of the SDK take no signal; the one of the surrounding call reaches {@link MedusaTransport} through here. */
export const callSignal = new AsyncLocalStorage<AbortSignal>();

/**
 * The SDK's client with its transport replaced: the SDK's own has no time limit, and its error drops the response headers that
 * carry Retry-After. Resources (`new Admin(transport)`) keep building paths and bodies.
 */
export class MedusaTransport extends Client {
  constructor(private readonly options: MedusaTransportOptions) {
    super({ baseUrl: options.baseUrl });
  }

  override async fetch<T>(input: FetchInput, init?: FetchArgs): Promise<T> {
    const { apiKey, timeoutMs } = this.options;
    const limits = [AbortSignal.timeout(timeoutMs), callSignal.getStore()].filter((signal) => signal !== undefined);
    try {
      const response = await fetch(this.url(input as string, init?.query as Query), {
        method: init?.method ?? 'GET',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          authorization: `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`,
        },
        ...(init?.body ? { body: JSON.stringify(init.body) } : {}),
        signal: AbortSignal.any(limits),
      });
      const text = await response.text();
      if (response.status < 300) return readJson(text, response.status) as T;
      throw fromResponse(
        { status: response.status, message: messageOf(text), retryAfter: response.headers.get('retry-after') },
        new Date(),
      );
    } catch (error) {
      throw fromTransport(error, timeoutMs);
    }
  }

  private url(path: string, query: Query = {}): URL {
    const url = new URL(`${this.options.baseUrl.replace(/\/$/, '')}/${path.replace(/^\//, '')}`);
    for (const [name, value] of Object.entries(query)) append(url.searchParams, name, value);
    return url;
  }
}

type Query = Record<string, unknown> | undefined;

/** Medusa reads nested filters as `updated_at[$gte]=...` and lists as `id[0]=...`. */
function append(params: URLSearchParams, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) append(params, `${name}[${key}]`, inner);
  } else {
    params.append(name, `${value as string | number | boolean}`);
  }
}

function readJson(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw medusaError('MEDUSA_ANSWER_UNREADABLE', 'later', `Medusa answered ${status} with what is no JSON.`, {
      cause,
    });
  }
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // A proxy in front of Medusa answers in its own format.
  }
  return text.slice(0, 200);
}
