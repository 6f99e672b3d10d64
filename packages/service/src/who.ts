import { BadRequestException } from '@nestjs/common';
import type { By } from '@throughline/messaging';
import { z } from 'zod';

/** Fields of every request that changes something. Who does it may come with the header `x-actor` instead. */
export const who = {
  actor: z.string().trim().min(1).max(200).optional().describe('Who does it; or the header x-actor.'),
  reason: z.string().trim().min(1).max(2_000).describe('Why; kept for good.'),
};

/** Who does something, and why. */
export function byOf(
  { actor, reason }: { actor?: string | undefined; reason: string },
  header: string | undefined,
): By {
  return { actor: actorOf(actor, header), reason };
}

/** Who answers for a change is kept with it, so there must be somebody. @throws `ACTOR_MISSING`, a 400 */
export function actorOf(named: string | undefined, header: string | undefined): string {
  const name = header?.trim() || named;
  if (name) return name.slice(0, 200);
  throw new BadRequestException({
    code: 'ACTOR_MISSING',
    message: 'Say who does this: send the header x-actor, or actor in the body.',
  });
}
