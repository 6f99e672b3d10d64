import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cacheRoot, directoryDigest, ensurePart, type PartRecipe } from './cache.js';

describe('the cache of parts', () => {
  let root: string;
  let prepared: number;
  const recipe: PartRecipe = {
    id: 'part-1',
    async prepare(target) {
      prepared += 1;
      writeFileSync(join(target, 'program'), 'bytes');
    },
  };
  const context = () => ({ root, onWaiting: () => undefined });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'throughline-cache-'));
    prepared = 0;
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('prepares a part once', async () => {
    const directory = await ensurePart(recipe, context());
    expect(readFileSync(join(directory, 'program'), 'utf8')).toBe('bytes');
    expect(await ensurePart(recipe, context())).toBe(directory);
    expect(prepared).toBe(1);
  });

  it('shows nothing of a part whose preparation failed', async () => {
    const failing: PartRecipe = {
      ...recipe,
      async prepare(target) {
        writeFileSync(join(target, 'program'), 'half');
        throw new Error('network gone');
      },
    };
    await expect(ensurePart(failing, context())).rejects.toThrow('network gone');
    expect(readdirSync(root)).toEqual([]);
  });

  it('prepares a part again of which a file is missing or cut short', async () => {
    const directory = await ensurePart(recipe, context());
    writeFileSync(join(directory, 'program'), 'byt');
    await ensurePart(recipe, context());
    expect(readFileSync(join(directory, 'program'), 'utf8')).toBe('bytes');
    expect(prepared).toBe(2);
  });

  it('removes what a killed starter left, and leaves a living one alone', async () => {
    mkdirSync(join(root, '.staging-4194305-part-0'));
    mkdirSync(join(root, `.staging-${process.ppid}-part-0`));
    await ensurePart(recipe, context());
    expect(existsSync(join(root, '.staging-4194305-part-0'))).toBe(false);
    expect(existsSync(join(root, `.staging-${process.ppid}-part-0`))).toBe(true);
  });

  it('lets one of two starters do the work', async () => {
    const slow: PartRecipe = {
      ...recipe,
      async prepare(target, scratch) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await recipe.prepare(target, scratch);
      },
    };
    await Promise.all([ensurePart(slow, context()), ensurePart(slow, context())]);
    expect(prepared).toBe(1);
  });

  it('gives a directory one digest, as sha256sum prints its lines', async () => {
    writeFileSync(join(root, 'b'), '');
    writeFileSync(join(root, 'a'), 'x');
    expect(await directoryDigest(root)).toBe('e4228aa4af602b2f048158fb207a9bfef5832f18b24545f6df1a617e229d7b9f');
  });

  it('lies where the user may write', () => {
    expect(cacheRoot({ HOME: '/home/ada' }, false)).toBe('/home/ada/.cache/throughline');
    expect(cacheRoot({ HOME: '/home/ada', XDG_CACHE_HOME: '/fast' }, false)).toBe('/fast/throughline');
    expect(cacheRoot({ HOME: '/root' }, true)).toBe('/var/cache/throughline');
    expect(cacheRoot({ THROUGHLINE_CACHE_DIR: '/elsewhere' }, true)).toBe('/elsewhere');
  });
});
