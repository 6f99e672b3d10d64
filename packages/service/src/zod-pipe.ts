import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';

/** Validates a query, body or parameter; a 400 names every field at fault. */
export class ZodPipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly schema: z.ZodType<T>) {}

  transform(value: unknown): T {
    const result = this.schema.safeParse(value);
    if (result.success) return result.data;
    const problems = result.error.issues.map((issue) => ({
      field: issue.path.join('.') || '(root)',
      message: issue.message,
    }));
    throw new BadRequestException({
      code: 'REQUEST_INVALID',
      message: problems.map(({ field, message }) => `${field}: ${message}`).join('; '),
      problems,
    });
  }
}
