import { BadRequestException, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';

/** Validates a query, body or parameter; a 400 names every field at fault. */
export class ZodPipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly schema: z.ZodType<T>) {}

  transform(value: unknown, { data }: Pick<ArgumentMetadata, 'data'> = {}): T {
    const result = this.schema.safeParse(value);
    if (result.success) return result.data;
    const problems = result.error.issues.map((issue) => ({
      field: issue.path.join('.') || (data ?? '(root)'),
      // What is not there at all is said so, and not called a value of another kind.
      message: /^Invalid input: .* received undefined$/.test(issue.message) ? 'is missing' : issue.message,
    }));
    throw new BadRequestException({
      code: 'REQUEST_INVALID',
      message: problems.map(({ field, message }) => `${field}: ${message}`).join('; '),
      problems,
    });
  }
}
