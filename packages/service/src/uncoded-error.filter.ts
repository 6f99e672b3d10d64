import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { Response } from 'express';

/** What was wrong before any handler was reached, by the HTTP status that the framework or its body parser gives it. */
const CODES: Record<number, string> = {
  400: 'REQUEST_INVALID',
  404: 'PATH_UNKNOWN',
  413: 'BODY_TOO_LARGE',
  415: 'BODY_NOT_SUPPORTED',
};

/** Gives an error that no handler made the shape of all others: `{ statusCode, code, message }`. */
@Catch()
export class UncodedErrorFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const answer = answerTo(error);
    if (!answer) return super.catch(error, host);
    host.switchToHttp().getResponse<Response>().status(answer.statusCode).json(answer);
  }
}

/** Undefined where the error says its code itself, or is a defect, which is logged. */
function answerTo(error: unknown): { statusCode: number; code: string; message: string } | undefined {
  const isHttp = error instanceof HttpException;
  const body: unknown = isHttp ? error.getResponse() : undefined;
  // What somebody has worded, such as the answer of a vendor, stays as it is.
  if (typeof body === 'object' && body !== null && !('statusCode' in body && !('code' in body))) return undefined;
  const { statusCode: given, message } = error as { statusCode?: unknown; message?: unknown };
  const statusCode = isHttp ? error.getStatus() : given;
  const code = typeof statusCode === 'number' ? CODES[statusCode] : undefined;
  if (typeof statusCode !== 'number' || code === undefined) return undefined;
  if (isUnreadable(error))
    return { statusCode, code: 'BODY_INVALID', message: `The body cannot be read as JSON: ${String(message)}` };
  return { statusCode, code, message: String(message) };
}

/** As body-parser says it; Nest hands it on as the cause of an error of its own. */
function isUnreadable(error: unknown): boolean {
  const { type, cause } = error as { type?: unknown; cause?: unknown };
  return type === 'entity.parse.failed' || error instanceof SyntaxError || cause instanceof SyntaxError;
}
