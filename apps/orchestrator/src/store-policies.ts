import type { MigrationInterface, Queryable, QueryRunner } from '@throughline/postgres';
import { PolicyError, type Policies } from '@throughline/policy';

/** Every version of a policy that was ever in force, as it was written: a decision names it for good. */
export class CreatePolicyVersions1797100000000 implements MigrationInterface {
  readonly name = 'CreatePolicyVersions1797100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE policy_version (
        policy     text NOT NULL,
        version    int NOT NULL,
        definition jsonb NOT NULL,
        stored_at  timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (policy, version)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE policy_version');
  }
}

const insert = {
  name: 'policy-insert-versions',
  text: `
    INSERT INTO policy_version (policy, version, definition)
    SELECT policy, version, definition::jsonb FROM unnest($1::text[], $2::int[], $3::text[]) AS shipped(policy, version, definition)
    ON CONFLICT DO NOTHING`,
};

// Examples decide nothing: they may be added to a version that is in force.
const selectChanged = {
  name: 'policy-select-changed-versions',
  text: `
    SELECT stored.policy, stored.version
    FROM unnest($1::text[], $2::int[], $3::text[]) AS shipped(policy, version, definition)
    JOIN policy_version stored USING (policy, version)
    WHERE stored.definition - 'examples' <> shipped.definition::jsonb - 'examples'`,
};

/** Whether this version was in force with other content. */
export async function isChangedPolicy(
  database: Queryable,
  { policy, version, source }: { policy: string; version: number; source: unknown },
): Promise<boolean> {
  const changed = await database.query(selectChanged, [[policy], [version], [JSON.stringify(source)]]);
  return changed.length > 0;
}

/**
 * Makes the policies in force known to the database.
 * Throws `POLICY_CHANGED` when one of them was edited without a new version: what was decided on it could not be explained any more.
 */
export async function storePolicies(database: Queryable, { all }: Pick<Policies, 'all'>): Promise<void> {
  const shipped = [...all.values()];
  const columns = [
    shipped.map(({ file }) => file.policy),
    shipped.map(({ file }) => file.version),
    shipped.map(({ file }) => JSON.stringify(file.source)),
  ];
  await database.query(insert, columns);
  const [changed] = await database.query<{ policy: string; version: number }>(selectChanged, columns);
  if (!changed) return;
  const { policy, version } = changed;
  throw new PolicyError(
    'POLICY_CHANGED',
    `Policy ${policy} version ${version} differs from the one that decisions were made on; give the change version ${version + 1}.`,
  );
}
