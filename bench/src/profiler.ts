/**
 * Loaded into a service by `--import` when a run is profiled: SIGUSR2 starts a CPU profile, the next one writes it to PROFILE_FILE. Not
 * `--cpu-prof`, because that covers the start and the warm-up as well, which cost more than the run.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const file = process.env['PROFILE_FILE']!;
/** Half of V8's default: the functions of interest take some tens of microseconds. */
const SAMPLING_MICROSECONDS = 500;

const session = new Session();
session.connect();

async function start(): Promise<void> {
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
  await session.post('Profiler.start');
  writeFileSync(`${file}.recording`, '');
}

async function stop(): Promise<void> {
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(`${file}.partial`, JSON.stringify(profile));
  renameSync(`${file}.partial`, file);
  rmSync(`${file}.recording`);
}

process.on('SIGUSR2', () => void (existsSync(`${file}.recording`) ? stop() : start()));
