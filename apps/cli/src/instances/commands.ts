import { InvalidArgumentError, type Command } from 'commander';
import type { Config } from '../config.js';
import type { Installation } from '../installation.js';
import { collect, withServices } from '../with-services.js';
import type { ActChoice, AuditChoice, FilterChoice, ListChoice } from './run.js';

const EXAMPLES = `
Examples:
  instances list --status stopped,overdue --sort age          what needs somebody, the longest first
  instances list --owner billing --in-status-for "4 hours"    what waits for billing
  instances list --where name=Acme --where 'totalAmount>=1000'
  instances list --currency EUR --amount-min 50000            the most at risk first
  instances show 12
  instances retry 12 --preview                                what would be sent, and nothing is
  instances retry 12 --reason "product added"
  instances skip 12 --unit write-back --reason "written by hand"
  instances repair 12 --set start.totalAmount=120.0000 --reason "typo"
  instances acknowledge --attention --process lead-to-cash --preview
  instances acknowledge 12:3 --reason "checked"               what you have seen of it, as the preview and show tell
  instances pause --step order --process lead-to-cash --reason "order system is moved"
  instances audit --instance 12

Exit codes: 0 what the command says; 1 it does not hold: refused, and why; 3 the orchestrator did not answer.`;

/** `throughline instances`: processes under way; a client of the orchestrator's HTTP API. */
export function addInstances(program: Command, here: () => [Config, Installation]): void {
  const command = program
    .command('instances')
    .description('processes under way: find, understand, hold, ask again, skip, cancel, put right, acknowledge')
    .addHelpText('after', EXAMPLES);
  const api = withServices(command, here, '/v1');

  withFilter(command.command('list'))
    .description('instances that meet every condition given')
    .option('--sort <order>', 'newest, oldest, amount (the most first, with --currency), age (longest in its status)')
    .option('--limit <number>', 'at most', limit, 50)
    .option('--before <place>', 'where the page before ended')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: ListChoice) => {
      const { list } = await import('./run.js');
      await list(api(), choice);
    });

  command
    .command('show')
    .argument('<id>', 'number of an instance')
    .description('path taken, decisions, attempts, what it waits for, timers, history, and what you may do')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (id: string, choice: { json: boolean }) => {
      const { show } = await import('./run.js');
      await show(api(), id, choice, here()[0].viewerUrl ?? here()[1].running()?.viewerUrl);
    });

  for (const [name, description] of [
    ['pause', 'hold it: what comes is kept, and nothing is sent'],
    ['resume', 'let it go on, with all that came meanwhile'],
    ['retry', 'ask again for a step, or a compensation, that was refused'],
    ['skip', 'let the process go on without a step'],
    ['cancel', 'undo everything that was done, the last first'],
    ['keep', 'let everything stand where something could not be undone, and nothing was so far'],
    ['repair', 'put facts right that the next commands use'],
    [
      'acknowledge',
      'say that somebody has looked at what came at the wrong moment: instances as number:seen; the process goes on as it does',
    ],
  ] as const) {
    const action = withFilter(command.command(name).argument('[ids...]', 'numbers of instances; or conditions'))
      .description(description)
      .option('--preview', 'only show what would happen: nothing leaves, nothing is written', false)
      .option('--reason <text>', 'why; kept for good')
      .option('--id <id>', 'of this action, of your choice: the same id is done once, however often it is sent')
      .option('--no-wait', 'do not wait until all are done')
      .option('--json', 'print one JSON line on standard output', false);
    if (name === 'retry' || name === 'skip')
      action.option('--unit <unit>', 'the step, or its run, such as fulfilment/line-1');
    if (name === 'repair' || name === 'skip')
      action.option(
        '--set <fact=value>',
        'start.<field> or <step>.<field>; the value as JSON or text; may be repeated',
        collect,
      );
    action.action(async (ids: string[], choice: ActChoice) => {
      const { act } = await import('./run.js');
      process.exitCode = await act(api(), name, ids, choice);
    });
  }

  command
    .command('actions')
    .argument('[id]', 'one action, with what became of each instance')
    .description('what was asked for, and how far it is')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (id: string | undefined, choice: { json: boolean }) => {
      const { actions } = await import('./run.js');
      await actions(api(), id, choice);
    });

  command
    .command('stop')
    .argument('<id>', 'of an action')
    .description('do nothing more of an action; what was done stays')
    .option('--reason <text>', 'why; kept for good')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (id: string, choice: { reason?: string; json: boolean }) => {
      const { stop } = await import('./run.js');
      await stop(api(), id, choice);
    });

  command
    .command('audit')
    .description('what people did to instances: who, when, why, and what came of it')
    .option('--instance <id>', 'only to this one')
    .option('--action <id>', 'only by this action')
    .option('--by <name>', 'only what this one did')
    .option('--limit <number>', 'at most', limit, 50)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: AuditChoice) => {
      const { audit } = await import('./run.js');
      await audit(api(), choice);
    });
}

function withFilter(command: Command): Command {
  return command
    .option('--process <name>', 'such as lead-to-cash')
    .option('--of-version <number>', 'of the definition')
    .option('--key <key>', 'canonical id of what it is about')
    .option('--external-id <id>', 'id of anything it made or is about, in any system')
    .option('--status <status>', 'one, or several with commas between')
    .option('--step <step>', 'it waits there')
    .option('--owner <owner>', 'who answers for what it waits for')
    .option('--where <condition>', 'name=Acme, totalAmount>=1000; may be repeated', collect)
    .option('--currency <code>', 'of what is at risk')
    .option('--amount-min <amount>', 'at risk at least; with --currency')
    .option('--amount-max <amount>', 'at risk at most; with --currency')
    .option('--in-status-for <duration>', 'longer than this, such as "4 hours"')
    .option('--started-for <duration>', 'started longer ago than this')
    .option('--paused', 'somebody holds it')
    .option('--attention', 'something came that contradicts what is known, and nobody has acknowledged it');
}

/** The options of {@link withFilter} as the API names them. */
export function toFilter(choice: FilterChoice): Record<string, string | string[] | boolean | number> {
  const { ofVersion, paused, attention, ...same } = choice;
  const named = {
    process: same.process,
    version: ofVersion === undefined ? undefined : Number(ofVersion),
    key: same.key,
    externalId: same.externalId,
    status: same.status,
    step: same.step,
    owner: same.owner,
    where: same.where,
    currency: same.currency,
    amountMin: same.amountMin,
    amountMax: same.amountMax,
    inStatusFor: same.inStatusFor,
    startedFor: same.startedFor,
    paused: paused || undefined,
    attention: attention || undefined,
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string | string[] | boolean | number>;
}

function limit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError('Use a whole number from 1 to 500.');
  return value;
}
