import type { Database } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import type { Request, Response } from 'express';
import { isVendorRefusal } from '../errors.js';
import type { FaultBox } from '../faults/fault-box.js';
import type { LateRequests } from '../faults/late-requests.js';
import { randomId } from '../random-id.js';
import type { Courier } from '../webhooks/courier.js';
import { decodeNested } from './decode-nested.js';
import type { Vendor, VendorRequest, VendorResponse } from './vendor.js';

export interface GatewayParts {
  vendors: Vendor[];
  database: Database;
  faults: FaultBox;
  lateRequests: LateRequests;
  courier: Courier;
  logger: Logger;
}

/** Answers vendor traffic: fault or not, one transaction, and the response only after its commit. */
export class Gateway {
  constructor(private readonly parts: GatewayParts) {}

  /** @returns false where the path is no vendor's. */
  async handle(request: Request & { rawBody?: Buffer }, response: Response): Promise<boolean> {
    const asked = toVendorRequest(request);
    const vendor = this.parts.vendors.find((candidate) => candidate.owns(asked.path));
    if (!vendor) return false;
    const fault = await this.parts.faults.forRequest(vendor.name, asked.method, asked.path);
    switch (fault?.kind) {
      case undefined:
        send(response, vendor, asked, await this.answer(vendor, asked));
        break;
      case 'delay':
        await wait(fault.delayMs);
        send(response, vendor, asked, await this.answer(vendor, asked));
        break;
      case 'answer-429':
        send(response, vendor, asked, vendor.outage(429, asked, fault.retryAfterSeconds));
        break;
      case 'answer-500': {
        const outage = vendor.outage(fault.status, asked, 1);
        if (fault.remember)
          await this.parts.database.transaction(async (tx) => vendor.remember?.(asked, outage, tx, new Date()));
        send(response, vendor, asked, outage);
        break;
      }
      case 'drop':
        request.socket.destroy();
        break;
      case 'apply-then-drop':
        await this.answer(vendor, asked);
        request.socket.destroy();
        break;
      case 'timeout-then-apply':
        await this.parts.lateRequests.add(vendor.name, asked, fault.applyAfterMs);
        await wait(fault.holdMs);
        request.socket.destroy();
        break;
    }
    return true;
  }

  private async answer(vendor: Vendor, request: VendorRequest): Promise<VendorResponse> {
    try {
      const response = await this.parts.database.transaction((tx) => vendor.answer(request, tx, new Date()));
      if (request.method !== 'GET') this.parts.courier.nudge();
      return response;
    } catch (error) {
      if (isVendorRefusal(error)) return error.response;
      this.parts.logger.error(
        { err: error, method: request.method, path: request.path },
        'the sandbox failed to answer',
      );
      return vendor.outage(500, request, 1);
    }
  }
}

function toVendorRequest(request: Request & { rawBody?: Buffer }): VendorRequest {
  const question = request.originalUrl.indexOf('?');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) if (typeof value === 'string') headers[name] = value;
  return {
    id: randomId('req_', 14),
    method: request.method,
    path: question < 0 ? request.originalUrl : request.originalUrl.slice(0, question),
    query: question < 0 ? {} : decodeNested(request.originalUrl.slice(question + 1)),
    headers,
    body: request.rawBody?.toString() ?? '',
  };
}

function send(response: Response, vendor: Vendor, request: VendorRequest, answer: VendorResponse): void {
  if (response.destroyed) return;
  const body = answer.body === undefined ? '' : JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    ...(answer.body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(body),
    ...vendor.headers(request),
    ...answer.headers,
  });
  response.end(body);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
