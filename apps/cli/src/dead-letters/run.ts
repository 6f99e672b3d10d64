import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { colours, CommandError, print, tell } from '../output.js';
import { EXIT_UNREACHABLE, type ServicesApi } from '../services-api.js';
import type { AuditEntry, Group, Letter, LetterSummary, Moved, Preview, Release } from './answers.js';
import { parseReference, toMoves, type Move, type Reference } from './reference.js';
import {
  renderAudit,
  renderGroup,
  renderGroups,
  renderLetter,
  renderLetters,
  renderPreview,
  renderRelease,
  type Of,
} from './render.js';
import { setPath } from './set-path.js';

export interface ListChoice {
  service?: string[];
  letters: boolean;
  releases: boolean;
  group?: string;
  status?: string;
  owner?: string;
  type?: string;
  key?: string;
  code?: string;
  since?: string;
  until?: string;
  limit: number;
  json: boolean;
}

/** Conditions that only letters can meet. */
const OF_LETTERS = ['group', 'type', 'key', 'code', 'since', 'until'] as const;

/** `dead-letters list`. @returns the exit code */
export async function list(api: ServicesApi, choice: ListChoice): Promise<number> {
  const { status, owner, limit } = choice;
  if (choice.releases) {
    const read = (service: string) =>
      api.get<{ service: string; releases: Release[]; next: string | null }>(service, '/releases', { status, limit });
    return show(api, choice, read, 'releases', (releases: Of<Release>[]) => releases.map(renderRelease).join('\n\n'));
  }
  if (choice.letters || OF_LETTERS.some((name) => choice[name] !== undefined)) {
    const group = choice.group === undefined ? undefined : parseReference(choice.group);
    if (group && group.kind !== 'group') throw new CommandError(`${choice.group} is no group.`);
    const { type, key, code, since, until } = choice;
    const query = { group: group?.fingerprint, status, type, key, code, since, until, limit };
    const read = (service: string) =>
      api.get<{ service: string; letters: LetterSummary[]; next: string | null }>(service, '', query);
    return show(api, group ? { ...choice, service: [group.service] } : choice, read, 'letters', renderLetters);
  }
  const read = (service: string) =>
    api.get<{ service: string; groups: Group[]; next: string | null }>(service, '/groups', { status, owner, limit });
  return show(api, choice, read, 'groups', renderGroups);
}

export interface AuditChoice {
  service?: string[];
  actor?: string;
  limit: number;
  json: boolean;
}

/** `dead-letters audit`. */
export async function audit(api: ServicesApi, name: string | undefined, choice: AuditChoice): Promise<number> {
  const about = name === undefined ? undefined : parseReference(name);
  const target = about && `${about.kind}:${about.kind === 'group' ? about.fingerprint : about.id}`;
  const read = (service: string) =>
    api.get<{ service: string; entries: AuditEntry[]; next: string | null }>(service, '/audit', {
      target,
      actor: choice.actor,
      limit: choice.limit,
    });
  return show(api, about ? { ...choice, service: [about.service] } : choice, read, 'entries', renderAudit);
}

const NONE: Record<string, string> = {
  groups: 'No dead letters.',
  letters: 'No such dead letters.',
  releases: 'No releases.',
  entries: 'Nothing was done.',
};

/** A table, or JSON, of what all services, or those asked for, answer. */
async function show<Name extends string, T extends object>(
  api: ServicesApi,
  choice: { service?: string[]; json: boolean; limit: number },
  read: (service: string) => Promise<Record<Name, T[]> & { next: string | null }>,
  name: Name,
  render: (items: Of<T>[]) => string,
): Promise<number> {
  const services = choice.service ?? api.services;
  const { found, unreachable } = await api.each(services, async (service) => ({
    service,
    answer: await read(service),
  }));
  const items = found.flatMap(({ service, answer }) => answer[name].map((item): Of<T> => ({ service, ...item })));
  if (choice.json) print(JSON.stringify({ [name]: items, unreachable }));
  else print(items.length > 0 ? render(items) : (NONE[name] ?? ''));
  for (const { service, answer } of found) {
    if (answer.next !== null)
      tell(`${service} has more than ${choice.limit}: narrow the list, or raise --limit (200 at most).`);
  }
  for (const problem of unreachable) tell(`${colours.yellow('left out')}: ${problem}`);
  return unreachable.length > 0 ? EXIT_UNREACHABLE : 0;
}

/** `dead-letters show`. */
export async function showOne(api: ServicesApi, name: string, { json }: { json: boolean }): Promise<void> {
  const reference = parseReference(name);
  const { service } = reference;
  if (reference.kind === 'letter') {
    const letter = await api.get<Letter>(service, `/${reference.id}`);
    return print(json ? JSON.stringify(letter) : renderLetter({ ...letter, service }));
  }
  if (reference.kind === 'release') {
    const release = await api.get<Release>(service, `/releases/${reference.id}`);
    return print(json ? JSON.stringify({ service, ...release }) : renderRelease({ ...release, service }));
  }
  const group = await api.get<Group>(service, `/groups/${reference.fingerprint}`);
  const { letters } = await api.get<{ letters: LetterSummary[] }>(service, '', {
    group: reference.fingerprint,
    limit: 20,
  });
  if (json) return print(JSON.stringify({ service, ...group, letters }));
  print(
    renderGroup(
      { ...group, service },
      letters.map((letter) => ({ ...letter, service })),
    ),
  );
}

export interface RetryChoice {
  reason?: string;
  preview: boolean;
  staged: boolean;
  atOnce: boolean;
  wait: boolean;
  json: boolean;
}

/** `dead-letters retry`. */
export async function retry(api: ServicesApi, names: string[], choice: RetryChoice): Promise<number> {
  const references = names.map(parseReference);
  if (choice.preview) return previewAll(api, references, choice.json);
  const reason = needed(choice.reason);
  if (choice.staged && choice.atOnce) throw new CommandError('Choose one of --staged and --at-once.');
  let holds = true;
  for (const move of toMoves(references)) {
    const { service, selection } = move;
    const staged = choice.staged || ('group' in selection && !choice.atOnce);
    if (staged) {
      const started = await api.send<Release>(service, 'POST', '/releases', { ...selection, reason });
      const release = choice.wait ? await untilEnded(api, service, started) : started;
      print(choice.json ? JSON.stringify({ service, ...release }) : renderRelease({ ...release, service }));
      if (!choice.wait && !choice.json)
        tell(`It goes on by itself: npx throughline dead-letters show ${service}/release-${release.id}`);
      holds &&= ['running', 'done'].includes(release.status);
    } else {
      const moved = await api.send<Moved>(service, 'POST', '/retry', { ...selection, reason });
      const fates = choice.wait ? await untilSettled(api, service, moved.done) : [];
      const failed = fates.filter(({ status }) => status !== 'handled');
      if (choice.json) print(JSON.stringify({ service, ...moved, ...(choice.wait && { letters: fates }) }));
      else {
        printMoved(service, moved, choice.wait ? 'retried' : 'back in the queue');
        if (fates.length > 0) print(renderLetters(fates.map((letter) => ({ ...letter, service }))));
      }
      holds &&= moved.refused.length === 0 && failed.length === 0;
    }
  }
  return holds ? 0 : 1;
}

/** A letter each; of a group the oldest one that waits for a person, as the first to be released. */
async function previewAll(api: ServicesApi, references: Reference[], json: boolean): Promise<number> {
  let fails = false;
  for (const reference of references) {
    const { service } = reference;
    const id = reference.kind === 'group' ? await firstOf(api, service, reference.fingerprint) : reference.id;
    if (reference.kind === 'release')
      throw new CommandError('A release cannot be previewed: name a letter or a group.');
    const preview = await api.send<Preview>(service, 'POST', `/${id}/preview`, {});
    print(json ? JSON.stringify({ service, id, ...preview }) : renderPreview(`${service}/${id}`, preview));
    fails ||= preview.outcome === 'fail';
  }
  return fails ? 1 : 0;
}

async function firstOf(api: ServicesApi, service: string, group: string): Promise<string> {
  const { letters } = await api.get<{ letters: LetterSummary[] }>(service, '', { group, status: 'new', limit: 200 });
  const first = letters.at(-1);
  if (!first) throw new CommandError(`No letter of ${service}/${group} waits for a person.`);
  return first.id;
}

export interface EditChoice {
  reason?: string;
  payload?: string;
  set?: string[];
  header?: string[];
  key?: string;
  letterVersion?: string;
  owner?: string;
  status?: string;
  notes?: string;
  preview: boolean;
  json: boolean;
}

/** `dead-letters edit`: what a letter carries, or who looks after a group. */
export async function edit(api: ServicesApi, name: string, choice: EditChoice): Promise<number> {
  const reference = parseReference(name);
  const { service } = reference;
  if (reference.kind === 'release') throw new CommandError('A release is not edited: cancel it, and begin another.');
  if (reference.kind === 'group') {
    const { owner, status, notes } = choice;
    const change = { ...(owner !== undefined && { owner: owner === '' ? null : owner }), status, notes };
    const group = await api.send<Group>(service, 'PATCH', `/groups/${reference.fingerprint}`, {
      ...change,
      reason: needed(choice.reason),
    });
    print(choice.json ? JSON.stringify({ service, ...group }) : renderGroup({ ...group, service }, []));
    return 0;
  }
  const { payload, preview: only, letterVersion } = choice;
  if (payload !== undefined && letterVersion === undefined && !only) {
    throw new CommandError(
      `Say which letter your payload was made from with --letter-version: "dead-letters show ${name}" tells it. A whole payload takes the place of what others have saved since.`,
    );
  }
  const opened = await api.get<Letter>(service, `/${reference.id}`);
  const change = await changeOf(opened, choice);
  if (choice.preview) {
    const preview = await api.send<Preview>(service, 'POST', `/${reference.id}/preview`, change);
    print(choice.json ? JSON.stringify({ service, id: reference.id, ...preview }) : renderPreview(name, preview));
    return preview.outcome === 'fail' ? 1 : 0;
  }
  const letter = await api.send<Letter>(service, 'PATCH', `/${reference.id}`, {
    ...change,
    version: letterVersion ?? opened.version,
    reason: needed(choice.reason),
  });
  print(choice.json ? JSON.stringify(letter) : renderLetter({ ...letter, service }));
  if (!choice.json) tell(`Stored, not retried: npx throughline dead-letters retry ${name} --reason "..."`);
  return 0;
}

async function changeOf(
  { content }: Letter,
  choice: EditChoice,
): Promise<{ payload?: unknown; headers?: Record<string, string | null>; key?: string }> {
  const change: Awaited<ReturnType<typeof changeOf>> = {};
  if (choice.payload !== undefined) {
    const text = choice.payload === '-' ? await readAll(process.stdin) : readFileSync(choice.payload, 'utf8');
    try {
      change.payload = JSON.parse(text);
    } catch (error) {
      throw new CommandError(`${choice.payload} is no JSON: ${(error as Error).message}`);
    }
  }
  if (choice.set) {
    if (content.problem)
      throw new CommandError(`It cannot be read (${content.problem}): give the whole with --payload.`);
    change.payload = choice.set.reduce(setPath, change.payload ?? content.payload);
  }
  if (choice.header) {
    change.headers = Object.fromEntries(
      choice.header.map((text) => {
        const [, header, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
        if (header === undefined)
          throw new CommandError(`"${text}" is no name=value; nothing after = removes the header.`);
        return [header, value || null];
      }),
    );
  }
  if (choice.key !== undefined) change.key = choice.key;
  if (Object.keys(change).length === 0)
    throw new CommandError('Nothing to edit: give --set, --payload, --header or --key.');
  return change;
}

/** `dead-letters archive` and `dead-letters restore`. */
export async function setAside(
  api: ServicesApi,
  verb: 'archive' | 'restore',
  names: string[],
  choice: { reason?: string; json: boolean },
): Promise<number> {
  const reason = needed(choice.reason);
  let holds = true;
  for (const { service, selection } of toMoves(names.map(parseReference)) satisfies Move[]) {
    const moved = await api.send<Moved>(service, 'POST', `/${verb}`, { ...selection, reason });
    if (choice.json) print(JSON.stringify({ service, ...moved }));
    else printMoved(service, moved, `${verb}d`);
    holds &&= moved.refused.length === 0;
  }
  return holds ? 0 : 1;
}

/** `dead-letters cancel`. */
export async function cancel(
  api: ServicesApi,
  name: string,
  choice: { reason?: string; json: boolean },
): Promise<void> {
  const reference = parseReference(name);
  if (reference.kind !== 'release') throw new CommandError(`${name} is no release, such as ops-adapter/release-3.`);
  const { service, id } = reference;
  const release = await api.send<Release>(service, 'POST', `/releases/${id}/cancel`, { reason: needed(choice.reason) });
  print(choice.json ? JSON.stringify({ service, ...release }) : renderRelease({ ...release, service }));
}

const POLL_MS = 300;

async function untilEnded(api: ServicesApi, service: string, release: Release): Promise<Release> {
  let seen = release;
  while (seen.status === 'running') {
    const { released, handled, total } = seen.progress;
    progress(`release-${seen.id}: ${released} of ${total} released, ${handled} handled`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    seen = await api.get<Release>(service, `/releases/${release.id}`);
  }
  progress('');
  return seen;
}

async function untilSettled(api: ServicesApi, service: string, ids: string[]): Promise<LetterSummary[]> {
  for (;;) {
    const letters = await Promise.all(ids.map((id) => api.get<LetterSummary>(service, `/${id}`)));
    const waiting = letters.filter(({ status }) => status === 'retrying').length;
    progress(waiting > 0 ? `${waiting} of ${ids.length} in the queue` : '');
    if (waiting === 0) return letters;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function printMoved(service: string, { done, refused }: Moved, what: string): void {
  print(
    `${done.length} ${done.length === 1 ? 'letter' : 'letters'} of ${service} ${what}${done.length > 0 && done.length <= 20 ? `: ${done.join(', ')}` : ''}`,
  );
  for (const { why } of refused) print(`${colours.yellow('left')} ${why}`);
}

function needed(reason: string | undefined): string {
  if (reason?.trim()) return reason;
  throw new CommandError('Say why with --reason: it is kept with what you do.');
}

/** One line that is written over, where a person looks at it. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
