import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What belongs to the original alone: history, what was built, what runs. */
const LEFT_OUT = new Set(['.git', '.throughline', '.turbo', 'node_modules', 'dist']);

/**
 * The tree without what was built, beside the same dependencies: these are linked one by one, because the links to our own packages
 * have to lead into the copy.
 */
export function copyTree(root: string, target: string): void {
  cpSync(root, target, { recursive: true, filter: (path) => path === root || !LEFT_OUT.has(basename(path)) });
  linkModules(join(root, 'node_modules'), join(target, 'node_modules'));
  for (const top of ['apps', 'packages']) {
    for (const name of readdirSync(join(root, top))) {
      const modules = join(root, top, name, 'node_modules');
      if (existsSync(modules)) linkModules(modules, join(target, top, name, 'node_modules'));
    }
  }
}

function linkModules(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (name === '@throughline') linkModules(path, join(to, name));
    // A workspace: a relative link, which leads into whichever tree it stands in.
    else if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), join(to, name));
    else symlinkSync(path, join(to, name));
  }
}
