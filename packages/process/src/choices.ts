import type { CompiledStep, Process } from './process.js';

/** More conditions than this in one decision, each free, are more ways than can be looked at. */
export const CONDITIONS_AT_ONCE = 12;

/** A process whose conditions are not computed but chosen, in every way in which they can fall. */
export class Choices {
  /** Steps of decisions of which not every combination was looked at. */
  tooMany: string[] = [];
  private readonly chosen: Process;
  private choose: (step: string) => boolean = () => true;

  /** @param isFree whether conditions fall in every way, or always so that the step is needed */
  constructor(
    process: Process,
    private readonly isFree: boolean,
  ) {
    this.chosen = withChoices(process, (step) => this.choose(step));
  }

  /**
   * Runs a decision for every combination of what the conditions met on the way may say; told are those that were met. Of more than
   * {@link CONDITIONS_AT_ONCE} conditions only the first combinations are looked at, those with the fewest steps not needed.
   */
  everyChoice<T>(run: (process: Process, said: string[]) => T): T[] {
    const results: T[] = [];
    const pending: boolean[][] = [[]];
    for (let next = 0; next < pending.length; next += 1) {
      const given = pending[next]!;
      const made: boolean[] = [];
      const said: string[] = [];
      const met: string[] = [];
      this.choose = (name) => {
        const choice = given[made.length] ?? true;
        if (this.isFree && made.length >= given.length) pending.push([...made, false]);
        made.push(choice);
        met.push(name);
        said.push(`${name}: ${choice ? 'needed' : 'not needed'}`);
        return choice;
      };
      results.push(run(this.chosen, said));
      if (met.length > CONDITIONS_AT_ONCE && this.isFree) {
        this.tooMany = [...new Set([...this.tooMany, ...met])];
        // Each alone is looked at all the same: a mistake mostly shows with one.
        pending.splice(met.length + 1);
      }
    }
    return results;
  }
}

function withChoices(process: Process, choose: (step: string) => boolean): Process {
  const steps = process.steps.map((step): CompiledStep => {
    const { when, checkpoint } = step;
    const policy = { policy: checkpoint?.name ?? '', version: 0, rule: 'explored', outputs: {} };
    return {
      ...step,
      ...(when && { when: { ...when, evaluate: () => ({ value: choose(step.name), policies: [] }) } }),
      ...(checkpoint && {
        checkpoint: {
          ...checkpoint,
          policy: { ...checkpoint.policy, evaluate: () => ({ value: policy, policies: [] }) },
        },
      }),
    };
  });
  const byName = new Map(steps.map((step) => [step.name, step]));
  return { ...process, steps, step: (name) => byName.get(name)! };
}
