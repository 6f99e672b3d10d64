import { InvalidArgumentError, type Command } from 'commander';
import type { Config } from '../config.js';
import type { Installation } from '../installation.js';
import { collect, withServices } from '../with-services.js';
import type { AuditChoice, EditChoice, ListChoice, RetryChoice } from './run.js';

const EXAMPLES = `
Examples:
  dead-letters list                                                 groups of all services
  dead-letters list --letters --status new --service ops-adapter    letters of one
  dead-letters show ops-adapter/12                                  what it carried, how it failed
  dead-letters retry ops-adapter/12 --preview                       what would happen, and nothing does
  dead-letters retry ops-adapter/12 --reason "price added" --wait   exit code 1 if it dies again
  dead-letters retry ops-adapter/fp0123456789ab --reason "fixed"    a group: one, a tenth, all
  dead-letters edit ops-adapter/12 --set currency=EUR --reason "typo"

Exit codes: 0 what the command says; 1 it does not hold: refused, dead again, or stopped; 3 a service did not answer.`;

/** `throughline dead-letters`: a client of the services' HTTP APIs. */
export function addDeadLetters(program: Command, here: () => [Config, Installation]): void {
  const command = program
    .command('dead-letters')
    .description('messages that services gave up on: find, understand, retry, correct or put aside')
    .addHelpText('after', EXAMPLES);

  const api = withServices(command, here, '/v1/dead-letters');
  const letters = 'letters such as ops-adapter/12, or a group such as ops-adapter/fp0123456789ab';

  command
    .command('list')
    .description('groups of all services; with a condition on letters, or --letters, the letters themselves')
    .option('--service <name>', 'only this one; may be repeated', collect)
    .option('--letters', 'letters instead of groups', false)
    .option('--releases', 'staged releases instead of groups', false)
    .option('--status <status>', 'group: new, investigating, fixed, archived; letter: new, retrying, handled, archived')
    .option('--owner <name>', 'groups of this owner')
    .option('--group <group>', 'letters of this group')
    .option('--type <type>', 'letters of this message type')
    .option('--key <key>', 'letters of this key')
    .option('--code <code>', 'letters with this error code')
    .option('--since <time>', 'last failed at or after, ISO 8601 with a zone')
    .option('--until <time>', 'last failed before')
    .option('--limit <number>', 'of each service at most', limit, 50)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: ListChoice) => {
      const { list } = await import('./run.js');
      process.exitCode = await list(api(), choice);
    });

  command
    .command('show')
    .argument('<what>', 'a letter, a group, or a release such as ops-adapter/release-3')
    .description('everything that is kept of it')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (what: string, choice: { json: boolean }) => {
      const { showOne } = await import('./run.js');
      await showOne(api(), what, choice);
    });

  command
    .command('retry')
    .argument('<what...>', letters)
    .description('put back at the old place under the old id; a group goes in stages: one, a tenth, all')
    .option('--preview', 'only show what would happen: nothing leaves, nothing is written', false)
    .option('--reason <text>', 'why; kept for good')
    .option('--staged', 'letters in stages, too', false)
    .option('--at-once', 'a group at once', false)
    .option('--wait', 'until all are handled, or one is dead again', false)
    .option('--json', 'print JSON lines on standard output', false)
    .action(async (what: string[], choice: RetryChoice) => {
      const { retry } = await import('./run.js');
      process.exitCode = await retry(api(), what, choice);
    });

  command
    .command('edit')
    .argument('<what>', 'a letter, or a group')
    .description('correct what a letter carries; or say who looks after a group')
    .option('--reason <text>', 'why; kept for good')
    .option('--set <field=value>', 'one field of the payload, such as lineItems.0.sku=SEAT; may be repeated', collect)
    .option('--payload <file>', 'the whole payload as JSON; - reads standard input')
    .option('--header <name=value>', 'one header; nothing after = removes it; may be repeated', collect)
    .option('--key <key>', 'the key of a record that nobody could read')
    .option('--letter-version <version>', 'as "show" tells it: refused where somebody has changed the letter since')
    .option('--owner <name>', 'of a group; empty for nobody')
    .option('--status <status>', 'of a group: new, investigating or fixed')
    .option('--notes <text>', 'of a group')
    .option('--preview', 'only show what a retry would do after this edit', false)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (what: string, choice: EditChoice) => {
      const { edit } = await import('./run.js');
      process.exitCode = await edit(api(), what, choice);
    });

  for (const [verb, description] of [
    ['archive', 'put aside for good: keys that waited go on without them; a group with its letters'],
    ['restore', 'take out of the archive again'],
  ] as const) {
    command
      .command(verb)
      .argument('<what...>', letters)
      .description(description)
      .option('--reason <text>', 'why; kept for good')
      .option('--json', 'print JSON lines on standard output', false)
      .action(async (what: string[], choice: { reason?: string; json: boolean }) => {
        const { setAside } = await import('./run.js');
        process.exitCode = await setAside(api(), verb, what, choice);
      });
  }

  command
    .command('cancel')
    .argument('<release>', 'such as ops-adapter/release-3')
    .description('put nothing more of a staged release back; what was put back goes on')
    .option('--reason <text>', 'why; kept for good')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (release: string, choice: { reason?: string; json: boolean }) => {
      const { cancel } = await import('./run.js');
      await cancel(api(), release, choice);
    });

  command
    .command('audit')
    .argument('[what]', 'only what was done to this letter, group or release')
    .description('every action: who, when, why')
    .option('--service <name>', 'only this one; may be repeated', collect)
    .option('--by <name>', 'only what this one did')
    .option('--limit <number>', 'of each service at most', limit, 50)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (what: string | undefined, { by, ...choice }: AuditChoice & { by?: string }) => {
      const { audit } = await import('./run.js');
      process.exitCode = await audit(api(), what, { ...choice, ...(by !== undefined && { actor: by }) });
    });
}

function limit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 200)
    throw new InvalidArgumentError('Use a whole number from 1 to 200.');
  return value;
}
