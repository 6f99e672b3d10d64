// `npm run test:faults`: the suite is TypeScript without a build of its own, run from its sources on everything that is built.
import '../packages/testing/scripts/typescript-hooks.mjs';

await import('../tests/faults/main.ts');
