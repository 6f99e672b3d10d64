import type { Statement } from '@throughline/postgres';

/**
 * $1 scope, $2 call, $3 request, $4 lease, $5 owner, $6 lease in ms. The first writer pins the request, unless it is null.
 * The lease goes to us where nobody performs the call and it is not done; `attempts` counts those who started.
 */
export const beginCall: Statement = {
  name: 'begin-effect-call',
  text: `
    INSERT INTO effect_call AS c (scope, call, request, attempts, lease, lease_owner, lease_until)
    VALUES ($1, $2, $3, 1, $4, $5, clock_timestamp() + $6 * interval '1 millisecond')
    ON CONFLICT (scope, call) DO UPDATE
       SET request = CASE WHEN c.request::text = 'null' THEN excluded.request ELSE c.request END,
           attempts = c.attempts + 1,
           lease = excluded.lease, lease_owner = excluded.lease_owner, lease_until = excluded.lease_until
     WHERE c.done_at IS NULL AND (c.lease IS NULL OR c.lease_until < clock_timestamp())
    RETURNING request, attempts`,
};

/** $1 scope, $2 call: what beginCall found in its way. */
export const readCall: Statement = {
  name: 'read-effect-call',
  text: `SELECT response, done_at IS NOT NULL AS done FROM effect_call WHERE scope = $1 AND call = $2`,
};

/** $1 scope, $2 call, $3 response. The first response stands, also when its performer had lost the lease. */
export const finishCall: Statement = {
  name: 'finish-effect-call',
  text: `
    UPDATE effect_call
       SET response = coalesce(response, $3::json), done_at = coalesce(done_at, now()), lease = NULL, lease_owner = NULL
     WHERE scope = $1 AND call = $2
    RETURNING response`,
};

/** $1 scope, $2 call, $3 lease: it failed; whoever comes next is told that it may have run. */
export const releaseCall: Statement = {
  name: 'release-effect-call',
  text: `
    UPDATE effect_call SET lease = NULL, lease_owner = NULL, lease_until = clock_timestamp()
     WHERE scope = $1 AND call = $2 AND lease = $3`,
};

/** As releaseCall, for a first performer that was refused for good: nothing ran, so the request need not stay pinned. */
export const forgetCall: Statement = {
  name: 'forget-effect-call',
  text: `DELETE FROM effect_call WHERE scope = $1 AND call = $2 AND lease = $3 AND attempts = 1`,
};

/**
 * As releaseCall, for a later performer that was refused for good: the request must not bind those who share the call, but an
 * earlier attempt at it may have run.
 */
export const unpinCall: Statement = {
  name: 'unpin-effect-call',
  text: `
    UPDATE effect_call SET request = 'null', lease = NULL, lease_owner = NULL, lease_until = clock_timestamp()
     WHERE scope = $1 AND call = $2 AND lease = $3`,
};
