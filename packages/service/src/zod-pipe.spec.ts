import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ZodPipe } from './zod-pipe.js';

describe('a request that cannot be taken', () => {
  const told = (schema: z.ZodType, value: unknown, data?: string): string => {
    try {
      new ZodPipe(schema).transform(value, data === undefined ? {} : { data });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it('names every field at fault, and says what is missing', () => {
    const schema = z.strictObject({ reason: z.string(), count: z.int() });
    expect(told(schema, { count: 'many' })).toBe(
      'reason: is missing; count: Invalid input: expected number, received string',
    );
  });

  it('names the parameter of the address', () => {
    expect(told(z.string().regex(/^\d+$/, 'must be a number'), 'abc', 'id')).toBe('id: must be a number');
  });

  it('is the whole, where it has no fields', () => {
    expect(told(z.object({}), [])).toContain('(root): ');
  });
});
