import type { MigrationInterface, QueryRunner } from 'typeorm';

/** SQLSTATE of an assertion that does not hold. */
export const ASSERTION_FAILED = 'TL002';

/**
 * A SQL expression that fails its statement, and with it the transaction, where `condition` does not hold. So what a transaction takes for
 * granted can be proved in the very message that ends in COMMIT: nothing needs to be read first.
 *
 * @param what the failure says of it, in words without quotes
 */
export function asserting(condition: string, what: string): string {
  return `assert_so(${condition}, '${what}')`;
}

/** What every database of ours has. */
export class CreateAssertion1796100000000 implements MigrationInterface {
  readonly name = 'CreateAssertion1796100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION assert_so(is_so boolean, what text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        IF is_so IS NOT TRUE THEN
          RAISE EXCEPTION 'not as assumed: %', what USING ERRCODE = '${ASSERTION_FAILED}';
        END IF;
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION assert_so');
  }
}
