import type { Exit } from '@throughline/local-stack';
import { setTimeout as sleep } from 'node:timers/promises';
import { RestartBudget } from './restart-budget.js';

/** A process of ours or of the stack that ended although nobody had asked it to. */
export interface EndedPart {
  /** For people, and what its restarts are counted by. */
  name: string;
  exit: Exit;
  logFile: string;
  /** Starts it again on the same port; resolves when it answers, rejects when it does not. Safe to repeat. */
  restart(): Promise<void>;
}

/** Starts again what was killed, until it does not help any more. */
export class KeepRunning {
  private readonly budget = new RestartBudget();

  constructor(
    private readonly options: {
      say: (line: string) => void;
      /** Nothing is started again after this. */
      signal: AbortSignal;
      gaveUp: () => void;
    },
  ) {}

  async restart(part: EndedPart): Promise<void> {
    const { say, signal, gaveUp } = this.options;
    for (let what = describe(part); !signal.aborted;) {
      const pause = this.budget.next(part.name, Date.now());
      if (pause === undefined) {
        say(
          `${what}, and has been started again 5 times within a minute: giving up.\nLog file: ${part.logFile}\nNext step: mend what its last lines name, then npm start.`,
        );
        gaveUp();
        return;
      }
      say(`${what}, starting it again`);
      try {
        await sleep(pause, undefined, { signal });
        await part.restart();
        return say(`${part.name} is up again`);
      } catch (error) {
        what = `${part.name} did not start (${(error as Error).message.split('\n')[0]})`;
      }
    }
  }
}

function describe({ name, exit }: EndedPart): string {
  return exit.signal ? `${name} was killed (${exit.signal})` : `${name} ended (exit code ${exit.code})`;
}
