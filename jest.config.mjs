// Three kinds of specs: pure (`*.spec.ts`), on the real stack (`*.int.spec.ts`), whole stories (`*.e2e.spec.ts`).
// `npm test` starts the stack and runs all three; `npm test -- unit` runs the pure ones alone.
const base = {
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles: ['reflect-metadata'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@throughline/source', 'node', 'node-addons'] },
  transform: { '^.+\\.ts$': ['@swc/jest', {}] },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
};
const project = (displayName, testMatch, extra = {}) => ({ ...base, displayName, testMatch, ...extra });

export default {
  // What a spec waits for has limits of its own; a busy machine alone fails none.
  testTimeout: 60_000,
  projects: [
    project(
      'unit',
      [
        '<rootDir>/{packages,apps}/*/src/**/*.spec.ts',
        '<rootDir>/bench/src/**/*.spec.ts',
        '<rootDir>/tests/**/*.spec.ts',
      ],
      {
        testPathIgnorePatterns: ['/node_modules/', '\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$'],
      },
    ),
    project('int', ['<rootDir>/{packages,apps}/*/src/**/*.int.spec.ts']),
    project('e2e', ['<rootDir>/tests/**/*.e2e.spec.ts']),
  ],
};
