import { InvalidArgumentError, type Command } from 'commander';
import type { Config } from '../config.js';
import type { Installation } from '../installation.js';
import type { ServicesApi } from '../services-api.js';
import { collect, withServices } from '../with-services.js';
import type { ActChoice, ListChoice, StandInKind } from './run.js';

const EXAMPLES = `
Examples:
  tasks --as ada list --mine                                what ada holds, may take, or has to answer
  tasks list --overdue --amount-min 50000 --currency EUR    late, and much at risk
  tasks --as ada show 12                                    facts, policy, form, history, and what ada may do
  tasks --as ada claim 12
  tasks --as ada approve 12 --set creditCheckedOn=2026-11-25 --reason "pays well"
  tasks --as ada reject 12 13 --reason "limit is used up"
  tasks --as ada send-back 12 --reason "which entity signs?"
  tasks --as ada delegations add --to ben --until 2026-12-24T18:00:00Z
  tasks --as ada absences add --until 2026-12-24T18:00:00Z

Exit codes: 0 what the command says; 1 it does not hold: refused, and why; 3 the orchestrator did not answer.`;

const ID = 'number of a task';
const IDS = 'numbers of tasks';

/** `throughline tasks`: decisions that people owe; a client of the orchestrator's HTTP API. */
export function addTasks(program: Command, here: () => [Config, Installation]): void {
  const command = program
    .command('tasks')
    .description('decisions that people owe at the checkpoints of processes: find, claim, decide')
    .addHelpText('after', EXAMPLES);
  const api = withServices(command, here, '/v1', 'as');

  command
    .command('list')
    .description('what waits for somebody, the most urgent first; of what has ended, the latest first')
    .option('--mine', 'what you hold, may take, or have to answer', false)
    .option('--overdue', 'later than the policy allows', false)
    .option('--role <role>', 'whose people may decide')
    .option('--status <status>', 'open, claimed, sent-back, approved, rejected, withdrawn; several with commas between')
    .option('--assignee <person>', 'who holds it')
    .option('--process <name>', 'such as lead-to-cash')
    .option('--checkpoint <name>', 'such as credit-approval')
    .option('--instance <id>', 'number of the instance')
    .option('--key <key>', 'what the instance is about')
    .option('--amount-min <amount>', 'at risk at least; with --currency')
    .option('--currency <code>', 'of what is at risk')
    .option('--after <id>', 'go on behind this task')
    .option('--limit <number>', 'at most', limit, 50)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: ListChoice) => {
      const { list } = await import('./run.js');
      await list(api(), choice);
    });

  command
    .command('show')
    .argument('<id>', ID)
    .description('facts, policy and rule, form, documents, history, and what you may do')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (id: string, choice: { json: boolean }) => {
      const { show } = await import('./run.js');
      await show(api(), id, choice);
    });

  command
    .command('told')
    .description('what you were told: offered, assigned, reminded, escalated, sent back, decided')
    .option('--after <id>', 'go on behind this entry')
    .option('--limit <number>', 'at most', limit, 50)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: { after?: string; limit: number; json: boolean }) => {
      const { told } = await import('./run.js');
      await told(api(), choice);
    });

  const action = (name: string, description: string, ids: '<id>' | '<ids...>'): Command =>
    command
      .command(name)
      .argument(ids, ids === '<id>' ? ID : IDS)
      .description(description)
      .option('--reason <text>', 'why; kept for good')
      .option('--on-behalf-of <person>', 'in whose name, where you may act for several')
      .option('--seen <version>', 'refuse it if the task has changed since this version', version)
      .option('--json', 'print a JSON line per task on standard output', false);
  const run = async (name: string, ids: string[], choice: ActChoice, content?: object): Promise<void> => {
    const { act } = await import('./run.js');
    process.exitCode = await act(api(), name, ids, choice, content);
  };

  for (const [name, description] of [
    ['claim', 'take it out of the queue'],
    ['release', 'put it back into the queue'],
    ['reject', 'one rejection is enough; needs --reason'],
    ['resubmit', 'answer what was sent back to you'],
  ] as const)
    action(name, description, '<ids...>').action((ids: string[], choice: ActChoice) => run(name, ids, choice));

  action('approve', 'the process goes on at once; where two people must, after the second', '<ids...>')
    .option('--set <field=value>', 'an answer to the form, such as "limit=5000 EUR"; may be repeated', collect)
    .action(async (ids: string[], { set, ...choice }: ActChoice & { set?: string[] }) => {
      const { answersOf } = await import('./run.js');
      await run('approve', ids, choice, { values: answersOf(set) });
    });

  for (const [name, description] of [
    ['assign', 'give it to another person of its roles'],
    ['delegate', 'let another person decide it in your name'],
  ] as const)
    action(name, description, '<ids...>')
      .requiredOption('--to <person>', 'a person of the directory')
      .action((ids: string[], { to, ...choice }: ActChoice & { to: string }) => run(name, ids, choice, { to }));

  action('send-back', 'ask who requested it; needs --reason', '<id>')
    .option('--to <person>', 'who has to answer, where nobody is known as the requester')
    .action((id: string, { to, ...choice }: ActChoice & { to?: string }) => run('send-back', [id], choice, { to }));

  action('attach', 'attach a document by its address', '<id>')
    .requiredOption('--name <text>', 'what it is')
    .requiredOption('--uri <uri>', 'where it lies')
    .option('--sha256 <digest>', 'of its content, so that a later change shows')
    .action(
      (id: string, { name, uri, sha256, ...choice }: ActChoice & { name: string; uri: string; sha256?: string }) =>
        run('attachments', [id], choice, { name, uri, sha256 }),
    );

  action('follow-up', 'hold it, and look at it again at a time', '<id>')
    .option('--at <time>', 'ISO 8601 with a zone; without it the follow-up is taken back')
    .action((id: string, { at, ...choice }: ActChoice & { at?: string }) =>
      run('follow-up', [id], choice, { at: at ?? null }),
    );

  addStandIns(command, api, 'delegations', 'who acts in whose name');
  addStandIns(command, api, 'absences', 'who is away');
}

function addStandIns(tasks: Command, api: () => ServicesApi, kind: StandInKind, description: string): void {
  const command = tasks.command(kind).description(description);
  command
    .command('list')
    .description('now and to come')
    .option('--person <person>', 'whom it is about, or who acts by it')
    .option('--past', 'also what is over', false)
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (choice: { person?: string; past: boolean; json: boolean }) => {
      const { listStandIns } = await import('./run.js');
      await listStandIns(api(), kind, choice);
    });

  const add = command
    .command('add')
    .description(
      kind === 'delegations' ? 'let another person act in your name' : 'say that you, or another one, are away',
    )
    .option('--from <time>', 'ISO 8601 with a zone (default: now)')
    .requiredOption('--until <time>', 'ISO 8601 with a zone')
    .option('--reason <text>', 'why')
    .option('--json', 'print one JSON line on standard output', false);
  if (kind === 'delegations') add.requiredOption('--to <person>', 'who acts in your name');
  else add.option('--person <person>', 'who is away (default: you)');
  add.action(
    async (choice: { from?: string; until: string; to?: string; person?: string; reason?: string; json: boolean }) => {
      const { addStandIn } = await import('./run.js');
      const { from: startsAt, until: endsAt, to: delegate, ...rest } = choice;
      await addStandIn(api(), kind, { ...rest, endsAt, ...(startsAt && { startsAt }), ...(delegate && { delegate }) });
    },
  );

  command
    .command('end')
    .argument('<id>', `number of one of the ${kind}`)
    .description('before its time')
    .option('--json', 'print one JSON line on standard output', false)
    .action(async (id: string, choice: { json: boolean }) => {
      const { endStandIn } = await import('./run.js');
      await endStandIn(api(), kind, id, choice);
    });
}

function limit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 200)
    throw new InvalidArgumentError('Use a whole number from 1 to 200.');
  return value;
}

function version(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Use the version that "tasks show" shows.');
  return value;
}
