import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The service period of an order, and of each of its lines what was asked for and what has been told. */
export class OrderLines1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sales_order
        ADD COLUMN service_start date,
        ADD COLUMN service_end date,
        ADD COLUMN lines jsonb NOT NULL DEFAULT '[]';
      -- The orders that wait for stock are looked for with every poll.
      CREATE INDEX sales_order_backordered ON sales_order (requested_at, order_id)
        WHERE life_cycle = 'created' AND lines @? '$[*] ? (@.backordered > 0)';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP INDEX sales_order_backordered; ALTER TABLE sales_order DROP COLUMN service_start, DROP COLUMN service_end, DROP COLUMN lines`,
    );
  }
}
