import { rebuildHasEffects } from '../errors.js';
import type { MessagingTx } from '../message.js';

/** Taking in all of history anew, see docs/adr/0010. */
export class Rebuild {
  /** A handler that wanted an effect: its declaration as replayable is wrong. */
  refused: Error | undefined;

  /**
   * @param id of the replay
   * @param onRefused stops taking in: one such message must not become a dead letter, nor all of them
   */
  constructor(
    readonly id: string,
    private readonly onRefused: () => void,
  ) {}

  /**
   * What handlers get: state alone. An effect is refused and not dropped, because a message that was never handled before would lose
   * its effects without a trace, and nobody can tell it from one that was.
   */
  withoutEffects(tx: MessagingTx): MessagingTx {
    const refuse = (what: string): never => {
      this.refused = rebuildHasEffects(what);
      this.onRefused();
      throw this.refused;
    };
    return {
      query: (statement, values) => tx.query(statement, values),
      onCommit: (fn) => tx.onCommit(fn),
      emit: (messages) => {
        if (messages.length > 0) refuse(`emits ${messages[0]!.type}`);
      },
      enqueue: (jobs) => {
        if (jobs.length > 0) refuse(`enqueues ${jobs[0]!.type}`);
      },
    };
  }
}
