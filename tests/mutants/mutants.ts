/** A defect that has been seen in systems like this one, as a small change of our code, and the specs that must notice it. */
export interface Mutant {
  name: string;
  /** What the code then does wrong. */
  defect: string;
  edits: Edit[];
  /** Fails with the defect, and passes on the code as it is. */
  caughtBy: Spec;
}

export interface Edit {
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
}

export interface Spec {
  kind: 'unit' | 'int';
  file: string;
  /** Begins the title of the spec: that another one of the file fails as well proves nothing. */
  title: string;
}

const messaging = (file: string): string => `packages/messaging/src/${file}`;

/** Kept short, so that they outlive changes that are none of their business. */
export const mutants: Mutant[] = [
  {
    name: 'offset-before-transaction',
    defect: 'a partition moves on before its records are committed in PostgreSQL',
    edits: [
      {
        file: messaging('consume/consumer.ts'),
        find: 'await keepingAlive(this.parts.take(records)',
        replace: 'void keepingAlive(this.parts.take(records)',
      },
    ],
    caughtBy: {
      kind: 'unit',
      file: messaging('consume/consumer.spec.ts'),
      title: 'moves a partition on, and tells Kafka so, only after its records are durably taken in',
    },
  },
  {
    name: 'inbox-outside-transaction',
    defect: 'a message counts as handled although the transaction of its handler fails',
    edits: [
      {
        file: messaging('consume/process-batch.ts'),
        find: 'async function takeIn(',
        replace: `async function takeIn(tx: unknown, parts: BatchParts, messages: MessageIntake[]): ReturnType<typeof takeInWith> {
  return parts.transaction((own) => takeInWith(own, parts, messages));
}

async function takeInWith(`,
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('poison.int.spec.ts'),
      title: 'a message whose handler, or whose SQL, fails for good, in the middle of a batch',
    },
  },
  {
    name: 'outbox-deleted-before-acknowledgement',
    defect: 'a row leaves the outbox before Kafka has acknowledged it',
    edits: [
      {
        file: messaging('outbox/relay.ts'),
        find: 'await publisher.send(toTopicMessages(rows, this.parts.source));\n        queue.acknowledge(epoch, rows);',
        replace:
          'queue.acknowledge(epoch, rows);\n        await publisher.send(toTopicMessages(rows, this.parts.source));',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('relay-order.int.spec.ts'),
      title: 'when sends fail before or after they took effect, as in an outage of the broker',
    },
  },
  {
    name: 'relay-by-cursor',
    defect: 'the relay reads on from the highest id it has seen, and misses what commits late under a lower one',
    edits: [
      {
        file: messaging('outbox/relay-queue.ts'),
        find: 'if (this.known.has(row.id)) continue;',
        replace:
          'const last = this as { cursor?: number };\n      if (row.id <= (last.cursor ?? 0)) continue;\n      last.cursor = row.id;',
      },
    ],
    caughtBy: {
      kind: 'unit',
      file: messaging('outbox/relay-queue.spec.ts'),
      title: 'keeps the order in any interleaving of commits, late answers, polls, foreign writers and sends',
    },
  },
  {
    name: 'memory-past-pending-row',
    defect: 'a row is published from memory although an older one of its key waits in the table',
    edits: [
      {
        file: messaging('outbox/relay-queue.ts'),
        find: 'writer !== null && writer !== this.mark',
        replace: 'writer === undefined',
      },
    ],
    caughtBy: {
      kind: 'unit',
      file: messaging('outbox/relay-queue.spec.ts'),
      title: 'refuses a row whose key another instance, or an earlier leader, wrote before',
    },
  },
  {
    name: 'parking-forgets-successors',
    defect: 'a newcomer overtakes the parked message of its key',
    edits: [
      {
        file: messaging('consume/plan-batch.ts'),
        find: 'parkedKeys.has(intake.key)',
        replace: 'parkedKeys.has(intake.message.envelope.id)',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('poison.int.spec.ts'),
      title: 'while a transient failure parks its key alone, and nobody of that key overtakes it',
    },
  },
  {
    name: 'retry-under-new-id',
    defect: 'what is published again after a failure bears a new id, so that nobody recognises it',
    edits: [
      {
        file: messaging('outbox/relay.ts'),
        find: 'publisher.send(toTopicMessages(rows,',
        replace:
          'publisher.send(toTopicMessages(rows.map((row) => (failures > 0 ? { ...row, messageId: randomUUID() } : row)),',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('relay-order.int.spec.ts'),
      title: 'when sends fail before or after they took effect, as in an outage of the broker',
    },
  },
  {
    name: 'outage-dead-letters',
    defect: 'what meets a dependency that is down becomes a dead letter',
    edits: [
      {
        file: messaging('advice.ts'),
        find: "return { kind: 'pause', retryAfterMs: failure.waitMs };",
        replace: "return { kind: 'dead' };",
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('outage-does-not-dead-letter.int.spec.ts'),
      title: 'a vendor: its work pauses and is probed, other work flows, and it resumes by itself',
    },
  },
  {
    name: 'wrong-guess-stands',
    defect: 'a handler that was called ahead keeps what it did with a message that the inbox knew',
    edits: [
      {
        file: messaging('consume/insert-inbox.ts'),
        find: 'SELECT (SELECT inbox_of($1, NULL)), id FROM unnest($2::uuid[]) AS t (id)`',
        replace: 'SELECT (SELECT inbox_of($1, NULL)), id FROM unnest($2::uuid[]) AS t (id) ON CONFLICT DO NOTHING`',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('called-ahead.int.spec.ts'),
      title: 'what the inbox knows is handled no second time, alone or among what is new',
    },
  },
  {
    name: 'ahead-past-parked',
    defect: 'a handler that was called ahead overtakes a message of its key that waits',
    edits: [
      {
        file: messaging('consume/process-batch.ts'),
        find: '  void tx.query(assertNoneParked, [keysOf(messages)]);\n',
        replace: '  void assertNoneParked;\n',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('called-ahead.int.spec.ts'),
      title: 'what follows a message that waits lines up behind it, also when nothing else has waited since',
    },
  },
  {
    name: 'stale-state-stands',
    defect: 'what another has written of an instance meanwhile is overwritten from memory',
    edits: [
      {
        file: 'packages/process/src/postgres/runner.ts',
        find: 'if (foreseen) assertCurrent(tx, foreseen.known);',
        replace: 'void assertCurrent;',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: 'packages/process/src/postgres/foresee.int.spec.ts',
      title: 'waits for whoever is about to write an instance, and then fails',
    },
  },
  {
    name: 'transaction-number-alone',
    defect: 'what is known goes by a number of a transaction that a standby has given to another one',
    edits: [
      {
        file: 'packages/process/src/postgres/lock-instances.ts',
        find: ' AND instance.updated_at = known.written_at',
        replace: '',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: 'packages/process/src/postgres/foresee.int.spec.ts',
      title: 'takes nothing from memory by a number of a transaction that came again',
    },
  },
  {
    name: 'settled-after-lease',
    defect: 'whoever has lost the lease of a key still records what its attempt did',
    edits: [
      {
        file: messaging('work/settle-done.ts'),
        find: 'JOIN work_key k USING (queue, key, lease)',
        replace: 'JOIN work_key k USING (queue, key)',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('work/settle.int.spec.ts'),
      title: 'of two outcomes of one row only that of the lease that holds is recorded',
    },
  },
  {
    name: 'settled-with-successors',
    defect: 'the end of a row ends its key, and its successors are nobody’s',
    edits: [{ file: messaging('work/settle-done.ts'), find: 'WHERE k.pending = 1', replace: 'WHERE k.pending >= 1' }],
    caughtBy: {
      kind: 'int',
      file: messaging('work/settle.int.spec.ts'),
      title: 'hands on the next row of a key, which settles under a lease of its own',
    },
  },
  {
    name: 'emitted-though-unsettled',
    defect: 'where one outcome cannot be recorded, the messages of those before it leave twice',
    edits: [
      {
        file: messaging('transaction.ts'),
        find: 'settleDone(rows: {',
        replace: 'async settleDone(rows: {',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('work/settle.int.spec.ts'),
      title: 'an outcome that cannot be recorded stands alone',
    },
  },
  {
    name: 'vendor-taken-for-postgres',
    defect:
      'a vendor that refuses connections is taken for our own database: nothing pauses, and nothing is ever given up',
    edits: [
      {
        file: 'packages/postgres/src/errors.ts',
        find: 'if (!ofConnections.has(error)) return undefined;',
        replace: '',
      },
    ],
    caughtBy: {
      kind: 'unit',
      file: 'packages/postgres/src/errors.spec.ts',
      title: 'a connection that is refused or cut is PostgreSQL away where it was one to PostgreSQL',
    },
  },
  {
    name: 'edit-of-what-was-put-back',
    defect: 'a letter is edited that somebody has put back meanwhile: what is handled is not what the letter shows',
    edits: [
      {
        file: messaging('dead-letters/store-edit.ts'),
        find: 'd.xmin = $8::xid',
        replace: '$8::text IS NOT NULL',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('dead-letters/dead-letters.int.spec.ts'),
      title: 'what was put back, or edited, while somebody edited it is not edited',
    },
  },
  {
    name: 'commands-in-a-transaction',
    defect: 'commands that only have to be stored have BEGIN and COMMIT around them again',
    edits: [
      {
        file: messaging('consume/process-batch.ts'),
        find: 'workAlone: ofState.length === 0 && letters.length === 0',
        replace: 'workAlone: false',
      },
    ],
    caughtBy: {
      kind: 'int',
      file: messaging('commands-alone.int.spec.ts'),
      title: 'it has no BEGIN before it and no COMMIT behind it',
    },
  },
  {
    name: 'fetch-session-trusted',
    defect: 'after a lost answer the broker is asked only for what has moved, and brings no more what that answer had',
    edits: [
      {
        file: messaging('kafka/fetch-patch.ts'),
        find: 'is not known any more.\n      session.reset();',
        replace: 'is not known any more.',
      },
    ],
    caughtBy: {
      kind: 'unit',
      file: messaging('kafka/fetch-patch.spec.ts'),
      title: 'asks again at once, for everything, where the broker has forgotten the session',
    },
  },
];
