import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Initial1732200000000 implements MigrationInterface {
  name = 'Initial1732200000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tables) await runner.query(`DROP TABLE ${table}`);
  }
}

export const tables = [
  'fault',
  'fault_seed',
  'late_request',
  'webhook_delivery',
  'stripe_object',
  'stripe_idempotency',
  'hubspot_object',
  'hubspot_association',
  'medusa_object',
];

const statements = [
  `CREATE TABLE fault_seed (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), seed bigint NOT NULL)`,
  `CREATE TABLE fault (id integer PRIMARY KEY, spec jsonb NOT NULL, fired bigint NOT NULL DEFAULT 0)`,
  // Requests that timed out for the caller and whose effect is still to come.
  `CREATE TABLE late_request (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor text NOT NULL,
     request jsonb NOT NULL, due_at timestamptz NOT NULL)`,
  `CREATE TABLE webhook_delivery (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vendor text NOT NULL,
     event jsonb NOT NULL, attempt integer NOT NULL DEFAULT 1, created_at timestamptz NOT NULL, due_at timestamptz NOT NULL)`,
  `CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at)`,

  // previous_body and changed_at let a search answer from an index that is SEARCH_LAG_MS behind.
  `CREATE TABLE stripe_object (id text PRIMARY KEY, object text NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY,
     body jsonb NOT NULL, previous_body jsonb, changed_at timestamptz NOT NULL)`,
  `CREATE INDEX stripe_object_list ON stripe_object (object, seq DESC)`,
  `CREATE INDEX stripe_object_customer ON stripe_object ((body->>'customer'), object) WHERE body ? 'customer'`,
  `CREATE INDEX stripe_object_invoice ON stripe_object ((body->>'invoice'), object) WHERE body ? 'invoice'`,
  `CREATE INDEX stripe_object_email ON stripe_object ((body->>'email')) WHERE object = 'customer'`,
  `CREATE INDEX stripe_object_metadata ON stripe_object USING gin ((body->'metadata') jsonb_path_ops)`,
  `CREATE TABLE stripe_idempotency (key text PRIMARY KEY, fingerprint text NOT NULL, request_id text NOT NULL,
     status integer NOT NULL, body jsonb NOT NULL, created_at timestamptz NOT NULL)`,

  `CREATE TABLE hubspot_object (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10000001) PRIMARY KEY, type text NOT NULL,
     properties jsonb NOT NULL, history jsonb NOT NULL, archived boolean NOT NULL DEFAULT false, archived_at timestamptz,
     created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
     previous_properties jsonb, previous_updated_at timestamptz)`,
  `CREATE INDEX hubspot_object_type ON hubspot_object (type, id)`,
  `CREATE INDEX hubspot_object_updated ON hubspot_object (type, updated_at)`,
  `CREATE TABLE hubspot_association (from_type text NOT NULL, from_id bigint NOT NULL, to_type text NOT NULL,
     to_id bigint NOT NULL, type_id integer NOT NULL, category text NOT NULL,
     PRIMARY KEY (from_id, to_type, to_id, type_id))`,

  `CREATE TABLE medusa_object (id text PRIMARY KEY, kind text NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY,
     body jsonb NOT NULL, unique_key text, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)`,
  `CREATE UNIQUE INDEX medusa_object_unique ON medusa_object (kind, unique_key)`,
  `CREATE INDEX medusa_object_updated ON medusa_object (kind, updated_at)`,
  `CREATE INDEX medusa_object_created ON medusa_object (kind, created_at)`,
  `CREATE INDEX medusa_object_email ON medusa_object ((body->>'email')) WHERE kind = 'customer'`,
  `CREATE SEQUENCE medusa_display_id`,
];
