import type { Call, VendorResponse } from './vendor.js';

export type Handler = (call: Call) => Promise<VendorResponse>;

/** `'GET /v1/customers/:id': handler`: a vendor's whole surface on one page. */
export type Routes = Record<string, Handler>;

export interface RouteMatch {
  handler: Handler;
  path: Record<string, string>;
}

/** Compiles routes into a matcher; literal segments win over parameters. */
export function routeTable(routes: Routes): (method: string, path: string) => RouteMatch | undefined {
  const compiled = Object.entries(routes)
    .map(([route, handler]) => {
      const [method = '', pattern = ''] = route.split(' ');
      const segments = pattern.split('/').slice(1);
      return { method, segments, handler, parameters: segments.filter((segment) => segment.startsWith(':')).length };
    })
    .sort((a, b) => a.parameters - b.parameters);
  return (method, path) => {
    const actual = path.replace(/\/+$/, '').split('/').slice(1);
    for (const route of compiled) {
      if (route.method !== method || route.segments.length !== actual.length) continue;
      const parameters = matchSegments(route.segments, actual);
      if (parameters) return { handler: route.handler, path: parameters };
    }
    return undefined;
  };
}

function matchSegments(pattern: string[], actual: string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    const value = actual[index] ?? '';
    if (segment.startsWith(':')) parameters[segment.slice(1)] = decodeURIComponent(value);
    else if (segment !== value) return undefined;
  }
  return parameters;
}
