import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Body,
  ConflictException,
  Controller,
  HttpException,
  Module,
  Param,
  Post,
  type INestApplication,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { UncodedErrorFilter } from './uncoded-error.filter.js';

@Controller('things')
class ThingsController {
  @Post(':id')
  change(@Param('id') id: string): object {
    return { id };
  }

  @Post()
  make(@Body() { kind }: { kind?: string }): object {
    if (kind === 'taken') throw new ConflictException({ code: 'THING_TAKEN', message: 'Name another.' });
    if (kind === 'vendor') throw new HttpException({ error: { message: 'as the vendor says it' } }, 400);
    if (kind === 'defect') throw new TypeError('a defect');
    return { kind };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

describe('an error that no handler made', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const made = await NestFactory.create<NestExpressApplication>(ThingsModule, { logger: false, bodyParser: false });
    made.useBodyParser('json', { limit: '1kb' });
    made.useGlobalFilters(new UncodedErrorFilter(made.get(HttpAdapterHost).httpAdapter));
    app = await made.listen(0, '127.0.0.1').then(() => made);
  });
  afterAll(() => app.close());

  async function send(path: string, body: string): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${await app.getUrl()}${path}`, { method: 'POST', headers, body });
    return { status: response.status, ...((await response.json()) as object) };
  }

  it('has a code like every other', async () => {
    expect(await send('/things', '{ kind')).toMatchObject({
      status: 400,
      code: 'BODY_INVALID',
      message: expect.stringContaining('The body cannot be read as JSON: '),
    });
    // The path, and not the body.
    expect(await send('/things/%zz', '{}')).toMatchObject({
      status: 400,
      code: 'REQUEST_INVALID',
      message: expect.not.stringContaining('JSON'),
    });
    expect(await send('/nothing', '{}')).toMatchObject({ status: 404, statusCode: 404, code: 'PATH_UNKNOWN' });
    expect(await send('/things', JSON.stringify({ kind: 'x'.repeat(2_000) }))).toMatchObject({
      status: 413,
      code: 'BODY_TOO_LARGE',
    });
  });

  it('and what a handler says stays as it said it', async () => {
    expect(await send('/things', '{"kind":"ok"}')).toEqual({ status: 201, kind: 'ok' });
    expect(await send('/things', '{"kind":"taken"}')).toEqual({
      status: 409,
      code: 'THING_TAKEN',
      message: 'Name another.',
    });
    expect(await send('/things', '{"kind":"vendor"}')).toEqual({
      status: 400,
      error: { message: 'as the vendor says it' },
    });
    expect(await send('/things', '{"kind":"defect"}')).toMatchObject({ status: 500, message: 'Internal server error' });
  });
});
