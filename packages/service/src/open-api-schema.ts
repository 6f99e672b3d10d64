import type { ApiBodyOptions } from '@nestjs/swagger';
import { z } from 'zod';

type OpenApiSchema = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

/** The OpenAPI description of what a zod shape accepts. */
export function openApiSchema(shape: z.ZodType): OpenApiSchema {
  return z.toJSONSchema(shape, { io: 'input', target: 'openapi-3.0', unrepresentable: 'any' }) as OpenApiSchema;
}
