import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Config } from '../config.js';
import type { Installation } from '../installation.js';
import { withServices } from '../with-services.js';
import type { ReplayChoice } from './run.js';

const EXAMPLES = `
Examples:
  replay --missed --topic throughline.operations.order-commands --dry-run        how much one would take in
  replay --missed --topic throughline.operations.order-commands --reason "..."   and do it
  replay --missed --consumer orchestrator --from 2026-11-22T10:00:00Z --to 2026-11-22T11:00:00Z --reason "offsets were moved"
  replay --rebuild --consumer reports --reason "its totals were wrong"           everything anew, without effects
  replay show ops-adapter/3                                                      how far it is
  replay cancel ops-adapter/3 --reason "too much at noon"

Ctrl-C only stops watching: the service goes on. Exit codes: 0 done; 1 refused, failed or cancelled; 3 the service does not answer;
130 no longer watched.`;

/** `throughline replay`: a client of the services' HTTP APIs. */
export function addReplay(program: Command, here: () => [Config, Installation]): void {
  const command = program
    .command('replay')
    .description('read retained history again, into one consumer: what it missed, or everything anew')
    .addOption(
      new Option('--missed', 'take in what its inbox does not know; what it knows is skipped').conflicts('rebuild'),
    )
    .option('--rebuild', 'take in everything anew, without effects, where the consumer is declared replayable')
    .option('--consumer <service>', 'whose (default: the one that reads the topic, where there is one)')
    .option('--topic <topic>', 'only this one')
    .option('--partition <number>', 'only this one', partition)
    .option('--from <time|offset>', 'first record: ISO 8601 with a zone, or an offset (default: the oldest retained)')
    .option('--to <time|offset>', 'first record no more (default, and at most: where the consumer is)')
    .option('--key <key>', 'only records of this key')
    .option('--type <type>', 'only messages of this type')
    .option('--dry-run', 'only count what would be taken in', false)
    .option('--reason <text>', 'why; kept for good')
    .option('--json', 'print one JSON line on standard output', false)
    .addHelpText('after', EXAMPLES);
  const api = withServices(command, here, '/v1');
  const choice = (): ReplayChoice => command.opts<ReplayChoice>();

  command.action(async () => {
    const { replay } = await import('./run.js');
    process.exitCode = await replay(api(), choice());
  });

  command
    .command('list')
    .description('replays of all services, or of --consumer: who, when, why, and how they went')
    .action(async () => {
      const { listReplays } = await import('./run.js');
      process.exitCode = await listReplays(api(), choice());
    });

  command
    .command('show')
    .argument('<replay>', 'such as ops-adapter/3')
    .description('what it took in and how far it is')
    .action(async (name: string) => {
      const { showReplay } = await import('./run.js');
      await showReplay(api(), name, choice());
    });

  command
    .command('cancel')
    .argument('<replay>', 'such as ops-adapter/3')
    .description('stop it; what was taken in stays, and a rebuild leaves the consumer waiting for another one')
    .action(async (name: string) => {
      const { cancelReplay } = await import('./run.js');
      await cancelReplay(api(), name, choice());
    });
}

function partition(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Use the number of a partition, from 0.');
  return value;
}
