import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ThroughlineError } from '@throughline/contracts';
import type { Response } from 'express';

/** What an error of messaging means to whoever asked over HTTP. */
const STATUS: Record<string, number> = {
  MSG_DEAD_LETTER_UNKNOWN: 404,
  MSG_DEAD_LETTER_GROUP_UNKNOWN: 404,
  MSG_RELEASE_UNKNOWN: 404,
  MSG_DEAD_LETTER_CONFLICT: 409,
  MSG_EDIT_INVALID: 400,
  MSG_REPLAY_UNKNOWN: 404,
  MSG_REPLAY_TOPIC_UNKNOWN: 404,
  MSG_REPLAY_PLACE_INVALID: 400,
  MSG_REPLAY_RUNNING: 409,
  MSG_NOT_REPLAYABLE: 409,
  MSG_REBUILD_IS_WHOLE: 400,
  MSG_REBUILD_BLOCKED: 409,
  MSG_REBUILD_UNFINISHED: 409,
};

/** Answers a refusal with its code, its message, which names the next step, and the field at fault. */
@Catch(ThroughlineError)
export class RefusalFilter implements ExceptionFilter<ThroughlineError> {
  catch({ code, message, field, retry }: ThroughlineError, host: ArgumentsHost): void {
    // What is not listed is no refusal: something this service needs is away, or there is a defect in here.
    const status = STATUS[code] ?? (retry === 'never' ? 500 : 503);
    const body = { statusCode: status, code, message, ...(field !== undefined && { field }) };
    host.switchToHttp().getResponse<Response>().status(status).json(HttpException.createBody(body));
  }
}
