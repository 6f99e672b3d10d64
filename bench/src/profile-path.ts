import Table from 'cli-table3';
import { root, withPath, type Ground } from './path.js';
import { readProfile, summarise } from './profile.js';

const ROWS = 25;

/**
 * Profiles every service at saturation and at a steady pace, and prints where its time went. The profiler itself costs some, so no
 * figure is taken from these runs.
 */
export async function profilePath(
  ground: Ground,
  profiles: string,
  run: { warmUp: number; processes: number; perSecond: number; seconds: number },
): Promise<void> {
  await withPath(ground, { profiles }, async (path) => {
    ground.say('warming up');
    await path.run('profile-warm', run.warmUp);
    ground.say('profiling a saturation run');
    const saturated = await path.profiled('saturation', () => path.run('profile-saturation', run.processes));
    print('saturation', run.processes, saturated);
    ground.say(`profiling ${run.perSecond} per second for ${run.seconds} s`);
    const count = run.perSecond * run.seconds;
    print('paced', count, await path.profiled('paced', () => path.run('profile-paced', count, run.perSecond)));
  });
}

function print(run: string, processes: number, files: Map<string, string>): void {
  for (const [service, file] of files) {
    const { busyMs, idleMs, packages, functions, own } = summarise(readProfile(file), root);
    // Milliseconds per process are seconds per 1000 of them.
    const per1000 = (ms: number): string => (ms / processes).toFixed(3);
    const busy = Math.round((busyMs * 100) / (busyMs + idleMs));
    process.stdout.write(`\n${run}, ${service}: ${per1000(busyMs)} s per 1000 processes, ${busy} % busy (${file})\n`);
    for (const [head, rows] of [
      ['package, with the Node and native code it calls', packages],
      ['function, likewise', functions],
      ['function of ours, with all it calls until its next await', own],
    ] as const) {
      const table = new Table({
        head: ['s per 1000', '%', head],
        style: { head: [], border: [], compact: true },
        colAligns: ['right', 'right', 'left'],
      });
      for (const { name, ms } of rows.slice(0, ROWS)) table.push([per1000(ms), ((ms * 100) / busyMs).toFixed(1), name]);
      process.stdout.write(`${table.toString()}\n`);
    }
  }
}
