import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ProcessError } from '@throughline/process';

/** What an error of the engine or its store means to whoever asked over HTTP; what is not listed is a defect in here. */
const STATUS: Partial<Record<ProcessError['code'], number>> = {
  PROCESS_SEARCH_INVALID: 400,
  PROCESS_ACTION_UNKNOWN: 404,
  PROCESS_ACTION_ID_TAKEN: 409,
  PROCESS_ACTION_REFUSED: 400,
  PROCESS_ACTION_TOO_WIDE: 400,
  PROCESS_MIGRATION_INVALID: 400,
  PROCESS_VERSION_UNKNOWN: 503,
};

/** The part of the HTTP server's response that is used. */
interface Response {
  status(code: number): { json(body: unknown): void };
}

/** Answers a refusal of the engine with its code and its message, which names the next step. */
@Catch(ProcessError)
export class ProcessRefusalFilter implements ExceptionFilter<ProcessError> {
  catch({ code, message }: ProcessError, host: ArgumentsHost): void {
    const status = STATUS[code] ?? 500;
    const body = HttpException.createBody({ statusCode: status, code, message });
    host.switchToHttp().getResponse<Response>().status(status).json(body);
  }
}
