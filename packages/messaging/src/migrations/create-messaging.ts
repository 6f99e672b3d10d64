import type { MigrationInterface, QueryRunner } from '@throughline/postgres';

/** Everything messaging keeps in a service's own database. */
export class CreateMessaging1790000000001 implements MigrationInterface {
  name = 'CreateMessaging1790000000001';

  async up(runner: QueryRunner): Promise<void> {
    // Outbox. Whoever writes for a key holds its row in outbox_key until COMMIT: that orders rows, ids and sequences per key.
    await runner.query(`
      CREATE TABLE outbox_key (
        key             text PRIMARY KEY,
        sequence        bigint NOT NULL,
        writer          text NOT NULL,
        previous_writer text
      ) WITH (fillfactor = 80)`);
    await runner.query(`
      CREATE TABLE outbox (
        id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id     uuid NOT NULL,
        topic          text NOT NULL,
        key            text NOT NULL,
        type           text NOT NULL,
        sequence       bigint NOT NULL,
        time           timestamptz NOT NULL,
        correlation_id text NOT NULL,
        causation_id   text,
        traceparent    text,
        value          bytea NOT NULL
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`);

    // Inbox: what was taken in, for good. Topics are replayed months later, so no row is ever removed by age.
    await runner.query(`
      CREATE TABLE inbox (
        consumer    text NOT NULL,
        message_id  uuid NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, message_id)
      )`);

    // Keyed work queue: work_key is the lock, the lease and the clock of a key; work holds its rows in order.
    await runner.query(`
      CREATE TABLE work_key (
        queue        text NOT NULL,
        key          text NOT NULL,
        pending      integer NOT NULL CHECK (pending > 0),
        available_at timestamptz NOT NULL,
        lease        text,
        lease_owner  text,
        PRIMARY KEY (queue, key)
      ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`);
    await runner.query(`CREATE INDEX work_key_available ON work_key (queue, available_at)`);
    await runner.query(`
      CREATE TABLE work (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        queue           text NOT NULL,
        key             text NOT NULL,
        kind            text NOT NULL CHECK (kind IN ('state', 'effect', 'job')),
        type            text NOT NULL,
        message_id      uuid NOT NULL,
        topic           text,
        "partition"     integer,
        "offset"        bigint,
        headers         jsonb,
        value           bytea,
        job             jsonb,
        traceparent     text,
        attempts        integer NOT NULL DEFAULT 0,
        first_failed_at timestamptz,
        last_error      text,
        created_at      timestamptz NOT NULL DEFAULT now()
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`);
    await runner.query(`CREATE INDEX work_order ON work (queue, key, id)`);
    await runner.query(`
      CREATE TABLE instance (
        id          text PRIMARY KEY,
        alive_until timestamptz NOT NULL
      )`);

    // Calls to other systems: the request pinned before, the response kept for good after.
    await runner.query(`
      CREATE TABLE effect_call (
        scope       text NOT NULL,
        call        text NOT NULL,
        request     json NOT NULL,
        response    json,
        attempts    integer NOT NULL,
        lease       text,
        lease_owner text,
        lease_until timestamptz NOT NULL,
        started_at  timestamptz NOT NULL DEFAULT now(),
        done_at     timestamptz,
        PRIMARY KEY (scope, call)
      )`);
    await runner.query(`CREATE INDEX effect_call_open ON effect_call (lease_owner) WHERE done_at IS NULL`);

    await runner.query(`
      CREATE TABLE dead_letter (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer        text NOT NULL,
        kind            text NOT NULL CHECK (kind IN ('record', 'state', 'effect', 'job')),
        topic           text,
        "partition"     integer,
        "offset"        bigint,
        key             bytea,
        message_id      uuid,
        type            text,
        headers         jsonb,
        value           bytea,
        job             jsonb,
        traceparent     text,
        error_code      text NOT NULL,
        error_message   text NOT NULL,
        error_stack     text,
        attempts        integer NOT NULL,
        first_failed_at timestamptz NOT NULL,
        failed_at       timestamptz NOT NULL DEFAULT now(),
        UNIQUE (consumer, topic, "partition", "offset")
      )`);

    // Registry ids this service has learnt, so that it starts and reads while the registry is away.
    await runner.query(`
      CREATE TABLE schema_id (
        id      integer NOT NULL,
        subject text NOT NULL,
        schema  text NOT NULL
      )`);
    await runner.query(`CREATE UNIQUE INDEX schema_id_entry ON schema_id (subject, md5(schema), id)`);
    await runner.query(`CREATE INDEX schema_id_id ON schema_id (id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP TABLE schema_id, dead_letter, effect_call, instance, work, work_key, inbox, outbox, outbox_key`,
    );
  }
}
