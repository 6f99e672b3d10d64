// What a reader may rely on everywhere: no promise is left alone, nothing is unused, and each kind of line stays in its
// room (docs/ARCHITECTURE.md). Which package may import which is tests/import-rules.spec.ts, not a lint rule.
import tseslint from 'typescript-eslint';

const specs = ['**/*.spec.ts', '**/src/{spec,specs}/**/*.ts', 'tests/**/*.ts', 'packages/testing/**/*.ts'];
/** Programs for a terminal or a machine of one's own: they print, and they read the environment. */
const tools = ['apps/cli/**/*.ts', 'bench/**/*.ts', 'packages/local-stack/**/*.ts'];

/** Where a process begins: these two hand the environment to a parser. */
const entrances = ['packages/service/src/start-service.ts', 'packages/telemetry/src/register.ts'];

const environment = {
  object: 'process',
  property: 'env',
  message:
    'Only config.ts reads the environment, once, parsed and typed. Add the variable to configShape and inject CONFIG.',
};

const kafkajs = {
  name: 'kafkajs',
  message: 'Only packages/messaging speaks Kafka. Emit through MessagingTx.emit and consume through a routes file.',
};

/** Pure code takes time, ids and chance as inputs, so that tests and replays give the same answer twice. */
const impure = [
  ['NewExpression[callee.name="Date"][arguments.length=0]', 'new Date() reads the clock'],
  ['CallExpression[callee.object.name="Date"][callee.property.name="now"]', 'Date.now() reads the clock'],
  ['CallExpression[callee.object.name="performance"]', 'performance reads the clock'],
  ['CallExpression[callee.object.name="Math"][callee.property.name="random"]', 'Math.random() is chance'],
  ['CallExpression[callee.name=/^(randomUUID|randomBytes|randomInt)$/]', 'random ids are chance'],
  [
    'CallExpression[callee.property.name=/^(randomUUID|randomBytes|randomInt|getRandomValues)$/]',
    'random ids are chance',
  ],
  ['AwaitExpression', 'await is I/O'],
].map(([selector, what]) => ({
  selector,
  message: `${what}: pure code takes it as an input (\`now\`, an id) or leaves it to the caller.`,
}));

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '**/.turbo/', '.throughline/', '**/generated/', '**/*.generated.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-else-return': 'error',
      'no-restricted-imports': ['error', { paths: [kafkajs] }],
      'no-restricted-properties': ['error', environment],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      // Types by `import type`, so that an import cycle or a load-time cost is visible. The rule reads experimentalDecorators and
      // emitDecoratorMetadata from tsconfig.json and keeps quiet where Nest needs the class at run time.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { inheritedMethods: false } }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // An interface may ask for a promise that this implementation has no need to await.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['packages/messaging/**/*.ts', ...tools, ...specs],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/config.ts', ...entrances, ...tools, ...specs],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: tools,
    rules: { 'no-console': 'off' },
  },
  {
    // A spec reads answers of foreign systems as they come, and hands methods to expect().
    files: specs,
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: [
      'packages/{process,policy,rule-form}/src/**/*.ts',
      'packages/connectors/src/*/map.ts',
      'apps/orchestrator/src/tasks/{decide-task,open-task,candidates,people,terms,form,stand-in,policy-terms,silent-approvals}.ts',
      'apps/orchestrator/src/tasks/decide-task/*.ts',
    ],
    ignores: ['packages/process/src/postgres/**', '**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...impure],
      'no-restricted-imports': [
        'error',
        {
          paths: [kafkajs],
          patterns: [
            {
              group: ['node:*', '!node:assert', '!node:assert/strict'],
              message: 'Pure code has no I/O: move this line to the shell.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.recommended],
    rules: { eqeqeq: ['error', 'always', { null: 'ignore' }], 'prefer-const': 'error' },
  },
);
