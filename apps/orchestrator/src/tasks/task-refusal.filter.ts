import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ThroughlineError } from '@throughline/contracts';
import { refusals, type RefusalCode } from './errors.js';

/** The part of the HTTP server's response that is used. */
interface Response {
  status(code: number): { json(body: unknown): void };
}

/** Answers a refusal with its code, its message, which names the next step, and the field at fault. */
@Catch(ThroughlineError)
export class TaskRefusalFilter implements ExceptionFilter<ThroughlineError> {
  catch({ code, message, field, retry }: ThroughlineError, host: ArgumentsHost): void {
    // What is not listed is no refusal: something this service needs is away, or there is a defect in here.
    const status = refusals[code as RefusalCode] ?? (retry === 'never' ? 500 : 503);
    const body = HttpException.createBody({ statusCode: status, code, message, ...(field !== undefined && { field }) });
    host.switchToHttp().getResponse<Response>().status(status).json(body);
  }
}
