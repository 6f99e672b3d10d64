import { BadRequestException } from '@nestjs/common';
import type { By } from '@throughline/messaging';
import { z } from 'zod';

/** Fields of every request that changes something. Who does it may come with the header `x-actor` instead. */
export const who = {
  actor: z.string().trim().min(1).max(200).optional().describe('Who does it; or the header x-actor.'),
  reason: z.string().trim().min(1).max(2_000).describe('Why; kept for good.'),
};

/** Who answers for a change is kept with it, so there must be somebody. */
export function byOf(
  { actor, reason }: { actor?: string | undefined; reason: string },
  header: string | undefined,
): By {
  const name = header?.trim() || actor;
  if (name) return { actor: name.slice(0, 200), reason };
  throw new BadRequestException({
    code: 'ACTOR_MISSING',
    message: 'Say who does this: send the header x-actor, or actor in the body.',
  });
}
