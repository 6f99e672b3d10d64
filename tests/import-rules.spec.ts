import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { findViolations, readDoors, readSources } from './import-rules.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const doors = readDoors(root);
const check = (path: string, text: string) => findViolations([{ path, text }], doors);

describe('import rules', () => {
  it('hold in the whole repository', () => {
    expect(findViolations(readSources(root), doors)).toEqual([]);
  });

  it('name the file, the import, the rule and what to do', () => {
    expect(
      check('packages/connectors/src/stripe/client.ts', `import { Messaging } from '@throughline/messaging';`),
    ).toEqual([
      'packages/connectors/src/stripe/client.ts imports "@throughline/messaging": packages/connectors may import ' +
        '@throughline/contracts, @throughline/telemetry, because a connector maps and calls; what is sent when ' +
        'is decided elsewhere. Instead: pass it in as an argument, or move this line to the room it belongs in.',
    ]);
  });

  it.each([
    ['contracts import nothing of ours', 'packages/contracts/src/codec.ts', `import '@throughline/telemetry';`],
    ['types count as imports', 'packages/contracts/src/codec.ts', `import type { Tx } from '@throughline/postgres';`],
    ['dynamic imports count', 'packages/contracts/src/codec.ts', `const x = await import('@throughline/postgres');`],
    [
      're-exports count',
      'packages/contracts/src/index.ts',
      `export * from '@throughline/postgres'; export const a = 1;`,
    ],
    [
      'the engine does not know its store',
      'packages/process/src/decide.ts',
      `import { load } from './postgres/store.js';`,
    ],
    [
      'policies know no process',
      'packages/policy/src/policies.ts',
      `import type { Scope } from '@throughline/process';`,
    ],
    ['the store does not know Kafka', 'packages/process/src/postgres/store.ts', `import '@throughline/messaging';`],
    ['an app does not import another app', 'apps/ops-adapter/src/main.ts', `import '../../sandbox/src/main.js';`],
    ['an app does not import another app by name', 'apps/ops-adapter/src/main.ts', `import '@throughline/sandbox';`],
    ['services do without test tools', 'apps/ops-adapter/src/main.ts', `import '@throughline/testing';`],
    [
      'packages are entered by their door',
      'apps/ops-adapter/src/main.ts',
      `import '@throughline/messaging/src/relay.js';`,
    ],
    ['packages are not entered by the window', 'packages/service/src/x.ts', `import '../../messaging/src/relay.js';`],
    ['one connector does not know another', 'packages/connectors/src/stripe/map.ts', `import '../hubspot/map.js';`],
    ['kafkajs has one home', 'apps/orchestrator/src/x.ts', `import { Kafka } from 'kafkajs';`],
    ['Nest stays out of packages', 'packages/messaging/src/x.ts', `import { Injectable } from '@nestjs/common';`],
    ['vendors are called by connectors', 'apps/finance-adapter/src/x.ts', `import Stripe from 'stripe';`],
    ['no inner index.ts', 'packages/messaging/src/outbox/index.ts', `export { a } from './a.js'; export const b = 1;`],
    [
      'no inner barrel of another name',
      'packages/messaging/src/everything.ts',
      `export * from './a.js'; export { b } from './b.js';`,
    ],
    ['no forwardRef', 'apps/ops-adapter/src/x.ts', `const x = forwardRef(() => Y);`],
    ['no folder that says nothing', 'packages/messaging/src/utils/x.ts', `export const a = 1;`],
    ['a new package begins with a decision', 'packages/novelty/src/x.ts', `import '@throughline/contracts';`],
  ])('are broken when they should be: %s', (_rule, path, text) => {
    expect(check(path, text)).toHaveLength(1);
  });

  it.each([
    ['the store uses the engine', 'packages/process/src/postgres/store.ts', `import { decide } from '../decide.js';`],
    [
      'an index.ts that is a list and no barrel',
      'apps/ops-adapter/src/migrations/index.ts',
      `import { A } from './a.js'; export const migrations = [A];`,
    ],
    ['what only specs use, in src/spec', 'apps/sandbox/src/spec/start.ts', `import '@throughline/testing';`],
    [
      'specs use test tools',
      'packages/messaging/src/relay.int.spec.ts',
      `import '@throughline/testing'; import 'kafkajs';`,
    ],
    ['apps use packages', 'apps/ops-adapter/src/main.ts', `import '@throughline/service'; import '@nestjs/common';`],
    [
      'comments are not code',
      'apps/ops-adapter/src/main.ts',
      `// no forwardRef, no import 'kafkajs'\nexport const a = 1;`,
    ],
  ])('let pass what is allowed: %s', (_rule, path, text) => {
    expect(check(path, text)).toEqual([]);
  });
});
