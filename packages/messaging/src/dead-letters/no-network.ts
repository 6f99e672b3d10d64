import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { networkRefused } from '../errors.js';

/** A request that was about to leave. */
export interface RefusedRequest {
  method: string;
  url: string;
}

type Told = (request: RefusedRequest) => void;

const refusing = new AsyncLocalStorage<Told>();
let watching = false;

/**
 * Runs `fn` so that no HTTP request leaves that is made in there, or later by what was begun in there: each fails, and `told` hears of
 * it. Vendors' clients are not asked to cooperate, because the one that forgot would send.
 */
export function withoutNetwork<T>(told: Told, fn: () => Promise<T>): Promise<T> {
  watch();
  return refusing.run(told, fn);
}

/** Once per process, when first needed: whoever never previews pays nothing. */
function watch(): void {
  if (watching) return;
  watching = true;
  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    const told = refusing.getStore();
    if (!told) return fetch(input, init);
    const { method, url } = new Request(input, { ...init, signal: null });
    return Promise.reject(refuse(told, { method, url: withoutQuery(url) }));
  };
  // Told when a request object is made, before its first byte: destroyed here, it is never written.
  subscribe('http.client.request.created', (event) => {
    const told = refusing.getStore();
    if (!told) return;
    const { request } = event as { request: ClientRequest };
    const url = `${request.protocol}//${request.getHeader('host')?.toString() ?? request.host}${request.path}`;
    request.destroy(refuse(told, { method: request.method, url: withoutQuery(url) }));
  });
}

function refuse(told: Told, request: RefusedRequest): Error {
  told(request);
  return networkRefused(request.method, request.url);
}

/** A query may hold names and addresses of people. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/, '');
}
