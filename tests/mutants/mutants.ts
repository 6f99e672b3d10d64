/** A defect that has been seen in systems like this one, as a small change of our code, and the specs that must notice it. */
export interface Mutant {
  name: string;
  /** What the code then does wrong. */
  defect: string;
  edits: Edit[];
  /** Any of them failing is enough; all of them pass on the code as it is. */
  caughtBy: SpecFile[];
}

export interface Edit {
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
}

export interface SpecFile {
  kind: 'unit' | 'int';
  file: string;
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
    caughtBy: [{ kind: 'unit', file: messaging('consume/consumer.spec.ts') }],
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
    caughtBy: [{ kind: 'int', file: messaging('poison.int.spec.ts') }],
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
    caughtBy: [{ kind: 'int', file: messaging('relay-order.int.spec.ts') }],
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
    caughtBy: [{ kind: 'unit', file: messaging('outbox/relay-queue.spec.ts') }],
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
    caughtBy: [{ kind: 'unit', file: messaging('outbox/relay-queue.spec.ts') }],
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
    caughtBy: [
      { kind: 'unit', file: messaging('consume/plan-batch.spec.ts') },
      { kind: 'int', file: messaging('poison.int.spec.ts') },
    ],
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
    caughtBy: [{ kind: 'int', file: messaging('relay-order.int.spec.ts') }],
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
    caughtBy: [
      { kind: 'unit', file: messaging('advice.spec.ts') },
      { kind: 'int', file: messaging('outage-does-not-dead-letter.int.spec.ts') },
    ],
  },
];
