import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

/**
 * Who may import whom (docs/ARCHITECTURE.md). One line per room; `ours` are the workspace packages it may use. A room that is not
 * listed may import nothing, so that a new package begins with a decision.
 */
const ROOMS: Record<string, { ours: string[]; because: string }> = {
  'packages/contracts': { ours: [], because: 'what every service and every consumer reads depends on nothing of ours' },
  'packages/telemetry': { ours: [], because: 'it is loaded before anything else' },
  'packages/postgres': {
    ours: ['contracts', 'telemetry'],
    because: 'the database knows nothing of messages or vendors; of contracts it takes the error advice',
  },
  'packages/rule-form': { ours: [], because: 'processes and policies share it and do not know each other' },
  'packages/process': { ours: ['rule-form'], because: 'the engine is pure: commands leave it as values' },
  'packages/process/src/postgres': {
    ours: ['process', 'postgres', 'rule-form', 'telemetry'],
    because: 'the store hands commands to the emit(tx, commands) it is given and never knows Kafka',
  },
  'packages/policy': {
    ours: ['contracts', 'rule-form'],
    because: 'policies are pure and know messages and money, no process: whoever asks them hands over the facts',
  },
  'packages/messaging': {
    ours: ['contracts', 'postgres', 'telemetry'],
    because: 'messages know nothing of vendors or processes',
  },
  'packages/connectors': {
    ours: ['contracts', 'telemetry'],
    because: 'a connector maps and calls; what is sent when is decided elsewhere',
  },
  'packages/service': {
    ours: ['contracts', 'messaging', 'postgres', 'telemetry', 'process', 'connectors'],
    because: 'it is the glue that every service shares, and no service',
  },
  'packages/local-stack': { ours: ['*'], because: 'tools may use anything' },
  'packages/testing': { ours: ['*'], because: 'tools may use anything' },
  'apps/*': {
    ours: ['contracts', 'messaging', 'postgres', 'telemetry', 'process', 'policy', 'connectors', 'service'],
    because: 'an app uses packages, never another app, and no test tools',
  },
  'apps/cli': { ours: ['*'], because: 'it starts the local stack and talks to the services over HTTP' },
  bench: { ours: ['*'], because: 'it starts the local stack and runs the services as shipped' },
  tests: { ours: ['*'], because: 'whole stories use everything' },
};

/** Third parties that have one home, so that exchanging them touches one place. */
const HOMES: { packages: RegExp; homes: string[]; instead: string }[] = [
  {
    packages: /^kafkajs$/,
    homes: ['packages/messaging'],
    instead: 'emit through MessagingTx.emit, consume through a routes file',
  },
  {
    packages: /^@nestjs\//,
    homes: ['packages/service', 'apps'],
    instead: 'keep packages plain TypeScript and wire them in an app module',
  },
  {
    packages: /^(stripe|@hubspot\/api-client|@medusajs\/js-sdk)$/,
    homes: ['packages/connectors'],
    instead: 'call the vendor through packages/connectors',
  },
];

/** Tools and specs stand outside of the service and look at it through the same doors as anybody: they may use third parties freely. */
const TOOLS = ['packages/local-stack', 'packages/testing', 'apps/cli', 'bench', 'tests'];
const FORBIDDEN_FOLDERS = ['common', 'shared', 'utils', 'util', 'helpers'];

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  path: string;
  text: string;
}

/** Every broken rule, as a sentence that names the file, the import, the rule and what to do. */
export function findViolations(files: SourceFile[], doors: Map<string, string>): string[] {
  return files.flatMap((file) => [
    ...importsOf(file).flatMap((specifier) => checkImport(file, specifier, doors)),
    ...checkShape(file, doors),
  ]);
}

function checkImport(file: SourceFile, specifier: string, doors: Map<string, string>): string[] {
  const room = roomOf(file.path);
  const spec = /\.spec\.ts$|\/src\/specs?\//.test(file.path);
  const say = (rule: string, instead: string) => [`${file.path} imports "${specifier}": ${rule}. Instead: ${instead}.`];

  if (specifier.startsWith('.')) {
    const target = toPosix(relative('/', resolve('/', dirname(file.path), specifier)));
    const [from, to] = [workspaceOf(file.path), workspaceOf(target)];
    if (from !== to && from !== 'tests')
      return say(
        `it reaches over the border of ${from}`,
        'import @throughline/<name>; package.json#exports is the only door',
      );
    if (
      from === 'packages/process' &&
      target.startsWith('packages/process/src/postgres') &&
      !file.path.startsWith('packages/process/src/postgres')
    )
      return say('the pure engine never knows its store', 'take what you need as an argument');
    if (
      file.path.startsWith('packages/connectors/src/') &&
      target.split('/')[3] !== file.path.split('/')[3] &&
      target.split('/').length > 4
    )
      return say(
        'one connector does not know another',
        'repeat the few lines, or move what both need to the top of packages/connectors/src',
      );
    return [];
  }

  const ours = /^@throughline\/([^/]+)(\/.*)?$/.exec(specifier);
  if (ours) {
    const name = ours[1]!;
    if (workspaceOf(file.path) === `packages/${name}` && !(room === 'packages/process/src/postgres' || spec))
      return say('a package does not enter itself by its own door', 'use a relative import');
    if (!doors.has(specifier))
      return say(
        'that is no door of the package',
        'import what its package.json#exports offers, or export it from its index.ts',
      );
    if (spec && ['testing', 'local-stack'].includes(name)) return [];
    const { ours: allowed, because } = ROOMS[room] ?? {
      ours: [],
      because: 'this room is not in the table of tests/import-rules.ts',
    };
    if (allowed.includes('*') || allowed.includes(name) || (room === 'packages/process' && name === 'process'))
      return [];
    const list = allowed.length ? allowed.map((one) => `@throughline/${one}`).join(', ') : 'nothing of ours';
    return say(
      `${room} may import ${list}, because ${because}`,
      'pass it in as an argument, or move this line to the room it belongs in',
    );
  }

  const home = HOMES.find(({ packages }) =>
    packages.test(specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!),
  );
  if (!home || spec || TOOLS.includes(workspaceOf(file.path))) return [];
  if (home.homes.some((path) => file.path.startsWith(`${path}/`))) return [];
  return say(`its only home is ${home.homes.join(' and ')}`, home.instead);
}

function checkShape(file: SourceFile, doors: Map<string, string>): string[] {
  const violations: string[] = [];
  const isDoor = [...doors.values()].includes(file.path);
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest);
  const reExports = source.statements.filter((one) => ts.isExportDeclaration(one) && one.moduleSpecifier);
  const onlyReExports = reExports.length > 0 && reExports.length === source.statements.length;
  if (!isDoor && (onlyReExports || (reExports.length > 0 && basename(file.path) === 'index.ts')))
    violations.push(
      `${file.path} is an inner barrel: package.json#exports is the only door. Instead: import the files it stands for and delete it.`,
    );
  if (file.text.includes('forwardRef') && mentions(source, 'forwardRef'))
    violations.push(
      `${file.path} uses forwardRef: two things that need each other are one thing, or need a third. Instead: move what both need into one of them.`,
    );
  const folder = dirname(file.path)
    .split('/')
    .find((part) => FORBIDDEN_FOLDERS.includes(part));
  if (folder)
    violations.push(
      `${file.path} lies in a folder named "${folder}", which says nothing about what may be inside. Instead: name the folder after its subject.`,
    );
  return violations;
}

/** Module specifiers of imports, re-exports, dynamic imports and import types. */
function importsOf(file: SourceFile): string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map((one) => one.fileName);
}

function mentions(node: ts.Node, name: string): boolean {
  if (ts.isIdentifier(node) && node.text === name) return true;
  return ts.forEachChild(node, (child) => mentions(child, name) || undefined) ?? false;
}

function roomOf(path: string): string {
  if (path.startsWith('packages/process/src/postgres/')) return 'packages/process/src/postgres';
  const workspace = workspaceOf(path);
  return workspace.startsWith('apps/') && !(workspace in ROOMS) ? 'apps/*' : workspace;
}

function workspaceOf(path: string): string {
  const [top, name] = path.split('/');
  return top === 'packages' || top === 'apps' ? `${top}/${name}` : top!;
}

/** The TypeScript of the repository, without what a program wrote. */
export function readSources(root: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const top of ['packages', 'apps', 'bench', 'tests']) walk(join(root, top));
  return files;

  function walk(directory: string): void {
    if (!existsSync(directory)) return;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && !['node_modules', 'dist', '.turbo', 'generated'].includes(entry.name)) walk(path);
      else if (entry.name.endsWith('.ts'))
        files.push({ path: toPosix(relative(root, path)), text: readFileSync(path, 'utf8') });
    }
  }
}

/** What can be imported of our packages, and the file behind each: `@throughline/process/postgres` -> packages/process/src/postgres/index.ts. */
export function readDoors(root: string): Map<string, string> {
  const doors = new Map<string, string>();
  for (const name of readdirSync(join(root, 'packages'))) {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
      name: string;
      exports?: Record<string, { '@throughline/source': string }>;
    };
    for (const [path, conditions] of Object.entries(manifest.exports ?? {})) {
      doors.set(join(manifest.name, path), toPosix(join('packages', name, conditions['@throughline/source'])));
    }
  }
  return doors;
}

function toPosix(path: string): string {
  return path.split(sep).join('/');
}
