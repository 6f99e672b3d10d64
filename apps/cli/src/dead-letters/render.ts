import { colours, fields, table, time } from '../output.js';
import type { AuditEntry, Group, Letter, LetterSummary, Preview, Release, Text } from './answers.js';

const ERROR_WIDTH = 70;

export type Of<T> = T & { service: string };

export function renderGroups(groups: Of<Group>[]): string {
  return table(
    ['group', 'status', 'owner', 'new', 'retrying', 'handled', 'archived', 'last failure', 'type', 'error'],
    groups.map((group) => [
      `${group.service}/${group.fingerprint}`,
      groupStatus(group),
      group.owner ?? '',
      group.counts.new,
      group.counts.retrying,
      group.counts.handled,
      group.counts.archived,
      time(group.failedAt),
      group.types.map(shortType).join(', '),
      short(`${group.errorCode}: ${group.errorMessage}`),
    ]),
  );
}

export function renderLetters(letters: Of<LetterSummary>[]): string {
  return table(
    ['letter', 'status', 'type', 'key', 'attempts', 'last failure', 'error'],
    letters.map((letter) => [
      `${letter.service}/${letter.id}`,
      letterStatus(letter),
      shortType(letter.type ?? letter.kind),
      textOf(letter.key),
      letter.attempts,
      time(letter.failedAt),
      short(`${letter.errorCode}: ${letter.errorMessage}`),
    ]),
  );
}

export function renderGroup(group: Of<Group>, letters: Of<LetterSummary>[]): string {
  const { counts } = group;
  return [
    `${colours.bold(`${group.service}/${group.fingerprint}`)}  ${groupStatus(group)}`,
    fields([
      ['owner', group.owner],
      [
        'letters',
        `${counts.new} new, ${counts.retrying} retrying, ${counts.handled} handled, ${counts.archived} archived`,
      ],
      ['failed', `${time(group.firstFailedAt)} to ${time(group.failedAt)}`],
      ['error', `${group.errorCode}: ${group.errorMessage}`],
      ['notes', group.notes],
    ]),
    ...(letters.length > 0 ? ['', renderLetters(letters)] : []),
  ].join('\n');
}

export function renderLetter(letter: Of<Letter>): string {
  const { content, original } = letter;
  const origin =
    letter.topic === null ? 'a job of this service' : `${letter.topic} ${letter.partition}@${letter.offset}`;
  const headers = Object.entries(content.headers ?? {}).map(([name, value]) => `  ${name}: ${textOf(value)}`);
  return [
    `${colours.bold(`${letter.service}/${letter.id}`)}  ${letterStatus(letter)}`,
    fields([
      ['type', letter.type],
      ['from', origin],
      ['key', textOf(letter.key)],
      ['message', letter.messageId],
      ['group', `${letter.service}/${letter.group}`],
      ['for', letter.dependency],
      ['attempts', String(letter.attempts)],
      ['failed', `${time(letter.firstFailedAt)} to ${time(letter.failedAt)}`],
      ['version', letter.serviceVersion],
      ['waits for', letter.waitsFor && `${letter.service}/${letter.waitsFor}: retry or archive that first`],
      ['letter version', letter.version],
      ['trace', letter.traceUrl ?? letter.traceId],
      ['error', colours.red(`${letter.errorCode}: ${letter.errorMessage}`)],
    ]),
    ...(letter.errorStack ?? '').split('\n').slice(1, 6),
    ...(headers.length > 0 ? ['', colours.bold('headers'), ...headers] : []),
    '',
    colours.bold('content'),
    content.problem
      ? `${colours.yellow('not readable')}: ${content.problem}\n${content.value ?? '(no value)'}`
      : json(content.payload),
    ...letter.edits.map(({ at, actor, reason }) => `${colours.yellow('edited')} ${time(at)} by ${actor}: ${reason}`),
    ...(original
      ? ['', colours.bold('original'), original.problem ? (original.value ?? '(no value)') : json(original.payload)]
      : []),
  ].join('\n');
}

export function renderRelease(release: Of<Release>): string {
  const { progress } = release;
  return [
    `${colours.bold(`${release.service}/release-${release.id}`)}  ${releaseStatus(release)}`,
    fields([
      ['group', release.group && `${release.service}/${release.group}`],
      ['by', `${release.actor}: ${release.reason}`],
      ['released', `${progress.released} of ${progress.total}`],
      ['handled', `${progress.handled}, ${progress.waiting} in the queue, ${progress.failed} died again`],
      ['why', release.why],
      ['began', time(release.createdAt)],
      ['ended', release.endedAt && time(release.endedAt)],
    ]),
  ].join('\n');
}

export function renderPreview(name: string, preview: Preview): string {
  const { nextCall } = preview;
  const outcome = {
    handled: colours.green('would be handled'),
    call: colours.cyan('would go on to a call'),
    fail: colours.red('would fail again'),
    nothing: 'would do nothing',
  }[preview.outcome];
  return [
    `${colours.bold(name)}  ${outcome}`,
    ...preview.recordedCalls.map(({ scope, call }) => `  has called      ${call} (${scope}): not repeated`),
    ...(nextCall?.kind === 'once'
      ? [
          `  would call      ${nextCall.call} (${nextCall.scope})${nextCall.mayHaveRun ? ', which may have run' : ''} with`,
          json(nextCall.request),
        ]
      : []),
    ...(nextCall?.kind === 'http' ? [`  would ask       ${nextCall.method} ${nextCall.url}`] : []),
    ...preview.emits.flatMap(({ type, key, payload }) => [`  would send      ${type} for ${key}`, json(payload)]),
    ...preview.jobs.map(({ type, key }) => `  would enqueue   ${type} for ${key}`),
    ...preview.changes.map(({ table: name, inserted, updated, deleted }) => {
      const rows = [
        inserted && `${inserted} inserted`,
        updated && `${updated} updated`,
        deleted && `${deleted} deleted`,
      ];
      return `  would change    ${name}: ${rows.filter(Boolean).join(', ')}`;
    }),
    ...(preview.error ? [`  ${preview.error.code}: ${preview.error.message}`] : []),
    ...preview.notes.map((note) => `  ${colours.dim(note)}`),
  ].join('\n');
}

export function renderAudit(entries: Of<AuditEntry>[]): string {
  return table(
    ['when', 'who', 'did', 'to', 'why'],
    entries.map(({ service, at, actor, action, target, reason }) => {
      const [kind, id] = target.split(':') as [string, string];
      return [time(at), actor, action, `${service}/${kind === 'release' ? 'release-' : ''}${id}`, reason ?? ''];
    }),
  );
}

function groupStatus({ status, reopenedAt }: Group): string {
  const colour = { new: colours.red, investigating: colours.yellow, fixed: colours.green }[status] ?? colours.dim;
  return colour(reopenedAt ? `${status}, open again` : status);
}

function letterStatus({ status, held }: LetterSummary): string {
  const colour = { new: colours.red, retrying: colours.cyan, handled: colours.green }[status] ?? colours.dim;
  return colour(held ? `${status}, holds its key` : status);
}

function releaseStatus({ status }: Release): string {
  const colour = { running: colours.cyan, done: colours.green }[status] ?? colours.yellow;
  return colour(status);
}

/** `throughline.operations.v1.OrderCancelled`: the name says enough. */
function shortType(type: string): string {
  return type.replace(/^throughline\..*\./, '');
}

function textOf(text: Text | null): string {
  return text === null ? '' : typeof text === 'string' ? text : `base64 ${text.base64}`;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > ERROR_WIDTH ? `${line.slice(0, ERROR_WIDTH - 1)}…` : line;
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/^/gm, '  ');
}
