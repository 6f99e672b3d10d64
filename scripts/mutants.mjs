// `npm run test:mutants`: as scripts/faults.mjs, run from its sources.
import '../packages/testing/scripts/typescript-hooks.mjs';

await import('../tests/mutants/main.ts');
