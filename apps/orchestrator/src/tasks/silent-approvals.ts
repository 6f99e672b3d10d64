import type { Policies } from '@throughline/policy';
import type { Process } from '@throughline/process';
import { termsOf } from './policy-terms.js';
import { readTerms } from './terms.js';

type Steps = Pick<Process, 'steps' | 'step'>;

/** Before what cannot be undone a person decides, and not the time that has passed: what of these policies is against that, by step and rule. */
export function silentApprovals(process: Steps, policies: Policies): string[] {
  return process.steps.flatMap(({ name, checkpoint }) => {
    const file = checkpoint && policies.all.get(checkpoint.name)?.file;
    const approving = file && termsOf(file).find(({ terms }) => terms['onExpiry'] === 'approve');
    const irreversible = approving && irreversibleAfter(process, name);
    return irreversible === undefined
      ? []
      : `steps.${name}.checkpoint: policy ${checkpoint!.name}, rule ${approving!.rule}, approves when nobody decides, and step ${irreversible} after it cannot be undone; write onExpiry: reject or escalate`;
  });
}

/**
 * The terms that a policy put out at a step; problems name the output at fault. Also a version that is not shipped any more runs by the
 * policies of today, which nothing has compared with it.
 */
export function termsAt(process: Steps, step: string, outputs: Record<string, unknown>): ReturnType<typeof readTerms> {
  const read = readTerms(outputs);
  if ('problems' in read || read.terms.onExpiry !== 'approve') return read;
  const irreversible = irreversibleAfter(process, step);
  return irreversible === undefined
    ? read
    : { problems: [`onExpiry: cannot approve before step ${irreversible}, which cannot be undone`] };
}

/** The first step that cannot be undone of those that this one stands before; undefined also where there is no such step. */
export function irreversibleAfter(process: Steps, name: string): string | undefined {
  return process.steps.find(({ irreversible, after }) => irreversible && isAmong(process, name, after))?.name;
}

/** Whether it is one of these steps, or before one. */
const isAmong = (process: Steps, name: string, among: string[]): boolean =>
  among.some((one) => one === name || isAmong(process, name, process.step(one).after));
