import type { Codec } from '@throughline/contracts';
import type { Database, Queryable, Tx } from '@throughline/postgres';
import type { Logger } from '@throughline/telemetry';
import { readRecord, type KafkaRecord } from '../consume/read-record.js';
import { groupUnknown, letterConflict, letterUnknown, releaseUnknown } from '../errors.js';
import type { Routes } from '../routes.js';
import type { MessagingTransaction } from '../transaction.js';
import { letGo, lockKeysOfLetters, putBack } from '../work/put-back.js';
import { recordHandled } from '../work/settle-work.js';
import { applyEdit, toRecord, type Content, type LetterEdit } from './apply-edit.js';
import { archiveLetters, restoreLetters } from './archive-letters.js';
import { appendAudit, findAudit, type AuditEntry, type AuditFilter, type StoredAuditEntry } from './audit.js';
import { changeGroup, findArchivedGroups, lockGroup } from './change-group.js';
import type { DeadLetter } from './dead-letter.js';
import { decodeContent, type Decoded } from './decode-content.js';
import { findGroups, type Group, type GroupFilter, type GroupStatus } from './find-groups.js';
import { countWaiting, findLetters, type LetterFilter } from './find-letters.js';
import type { Letter, LetterStatus, LetterSummary } from './letter.js';
import { previewLetter, type Preview } from './preview.js';
import { lockLetter, readLetters, readLettersOfGroup, readStatuses, type LetterState } from './read-letters.js';
import {
  endRelease,
  findReleaseOfLetters,
  findReleases,
  insertRelease,
  type Release,
  type ReleaseFilter,
} from './release.js';
import { ReleaseLoop } from './release-loop.js';
import { readEdits, storeEdit } from './store-edit.js';

export interface DeadLettersParts {
  database: Database;
  codec: Codec;
  routes: Routes;
  transaction: <T>(fn: (tx: MessagingTransaction) => Promise<T>) => Promise<T>;
  /** Takes records in as the consumer does; resolves when they are durably taken in. */
  take: (records: KafkaRecord[]) => Promise<void>;
  /** Work is there to be claimed. */
  look: () => void;
  pollMs: number;
  log: Logger;
}

/** Who does something, and why: both are kept for good. */
export interface By {
  actor: string;
  reason: string;
}

/** Letters by id, or all of a group. */
export type Selection = { ids: string[] } | { group: string };

export interface LetterStory extends Letter {
  decoded: Decoded;
  /** What it held before it was first edited; `null` while nobody has. */
  original: (Content & { decoded: Decoded }) | null;
  edits: { at: Date; actor: string; reason: string }[];
}

/** What became of a selection. */
export interface Selected {
  done: string[];
  /** Left as they are. */
  refused: { id: string; why: string }[];
}

/** Letters that one retry puts back at most; more of them go in stages. */
const RETRY_MAX = 1_000;
/** Letters of one release at most. */
const RELEASE_MAX = 100_000;

/** Dead letters as a work queue for people: found, understood, tried again, corrected or put aside, each with who and why. */
export class DeadLetters {
  private readonly releases: ReleaseLoop;

  constructor(private readonly parts: DeadLettersParts) {
    const { database, log, pollMs, look } = parts;
    this.releases = new ReleaseLoop({
      database,
      log,
      pollMs,
      look,
      retry: (tx, ids, by) => this.putBackBy(tx, ids, by),
    });
  }

  start(): void {
    this.releases.start();
  }

  stop(): Promise<void> {
    return this.releases.stop();
  }

  findGroups(filter: GroupFilter): Promise<Group[]> {
    return findGroups(this.parts.database, filter);
  }

  findLetters(filter: LetterFilter): Promise<LetterSummary[]> {
    return findLetters(this.parts.database, filter);
  }

  /** Those that wait for a person. */
  countWaiting(): Promise<number> {
    return countWaiting(this.parts.database);
  }

  findReleases(filter: ReleaseFilter): Promise<Release[]> {
    return findReleases(this.parts.database, filter);
  }

  findAudit(filter: AuditFilter): Promise<StoredAuditEntry[]> {
    return findAudit(this.parts.database, filter);
  }

  /** @throws `MSG_DEAD_LETTER_GROUP_UNKNOWN` */
  async readGroup(fingerprint: string): Promise<Group> {
    const [group] = await findGroups(this.parts.database, { fingerprint, limit: 1 });
    if (!group) throw groupUnknown(fingerprint);
    return group;
  }

  /** @throws `MSG_DEAD_LETTER_UNKNOWN` */
  async readLetter(id: string): Promise<LetterStory> {
    const { database, codec } = this.parts;
    const letter = await this.letter(id);
    const edits = await database.query<Content & By & { at: Date }>(readEdits, [id]);
    const [original] = edits;
    return {
      ...letter,
      decoded: await decodeContent(letter, letter, codec),
      original: original ? { ...contentOf(original), decoded: await decodeContent(letter, original, codec) } : null,
      edits: edits.map(({ at, actor, reason }) => ({ at, actor, reason })),
    };
  }

  /** @throws `MSG_RELEASE_UNKNOWN` */
  async readRelease(id: string): Promise<Release> {
    const [release] = await findReleases(this.parts.database, { id, limit: 1 });
    if (!release) throw releaseUnknown(id);
    return release;
  }

  /** Sets what is given of a group's owner, status and notes. @throws `MSG_DEAD_LETTER_GROUP_UNKNOWN` */
  async changeGroup(
    fingerprint: string,
    change: { status?: Exclude<GroupStatus, 'archived'>; owner?: string | null; notes?: string },
    by: By,
  ): Promise<Group> {
    await this.parts.database.transaction((tx) => this.setGroup(tx, fingerprint, change, by, 'group-changed'));
    return this.readGroup(fingerprint);
  }

  /** What a retry would do now, with this edit if one is given. Changes nothing, here or elsewhere. */
  async preview(id: string, edit?: LetterEdit): Promise<Preview> {
    const { routes, codec } = this.parts;
    const letter = await this.letter(id);
    const content = edit ? await applyEdit(letter, edit, routes, codec) : {};
    return previewLetter(this.parts, { ...letter, ...content });
  }

  /**
   * Puts letters back, each at its old place and under its old id. A record that nobody could read is read again, and taken in
   * through the inbox. @throws `MSG_DEAD_LETTER_CONFLICT` where none of them can be
   */
  async retry(selection: Selection, by: By): Promise<Selected> {
    const ids = await this.idsOf(selection, ['new'], RETRY_MAX);
    const selected = await this.parts.database.transaction(async (tx) => {
      const done = await this.putBackBy(tx, ids, by);
      return sort(tx, ids, done, NOT_RETRIED);
    });
    this.parts.look();
    return selected;
  }

  /**
   * Puts letters back in stages: one, a tenth, all; each stage when the one before was handled, and none after a failure.
   * @throws `MSG_DEAD_LETTER_CONFLICT` where there is none to be put back, or another release has one of them
   */
  async release(selection: Selection, by: By): Promise<Release> {
    const { database } = this.parts;
    const found = await this.idsOf(selection, ['new'], RELEASE_MAX);
    const ids = (await database.query<LetterState>(readStatuses, [found]))
      .filter(({ status }) => status === 'new')
      .map((letter) => letter.id);
    if (ids.length === 0)
      throw letterConflict('None of these letters waits for a person any more: there is nothing to release.');
    const fingerprint = 'group' in selection ? selection.group : null;
    const id = await database.transaction(async (tx) => {
      const [other] = await tx.query<{ id: string }>(findReleaseOfLetters, [ids]);
      if (other)
        throw letterConflict(`Release ${other.id} has letters of these already: wait for its end, or cancel it.`);
      const [release] = await tx.query<{ id: string }>(insertRelease, [fingerprint, by.actor, by.reason, ids]);
      const after = { letters: ids.length, group: fingerprint };
      await appendAudit(tx, [{ ...entry('release', release!.id, 'release-started', by), after }]);
      return release!.id;
    });
    this.releases.look();
    return this.readRelease(id);
  }

  /** What was put back goes on; nothing more is. @throws `MSG_DEAD_LETTER_CONFLICT` where it has ended */
  async cancelRelease(id: string, by: By): Promise<Release> {
    const { status } = await this.readRelease(id);
    await this.parts.database.transaction(async (tx) => {
      const ended = await tx.query(endRelease, [id, 'cancelled', `cancelled by ${by.actor}: ${by.reason}`]);
      if (ended.length === 0) throw letterConflict(`Release ${id} is ${status}: there is nothing to cancel.`);
      await appendAudit(tx, [entry('release', id, 'release-cancelled', by)]);
    });
    return this.readRelease(id);
  }

  /**
   * Changes what a letter carries; what it held before is kept. It is not put back by that.
   * @param seen the version of the letter that the edit was made from; without it, whichever it is now
   * @throws `MSG_EDIT_INVALID` naming the field, `MSG_DEAD_LETTER_CONFLICT` where it is not `new`, or somebody was faster
   */
  async edit(id: string, edit: LetterEdit, by: By, seen?: string): Promise<LetterStory> {
    const { database, routes, codec } = this.parts;
    const letter = await this.letter(id);
    if (letter.status !== 'new') throw letterConflict(`Letter ${id} ${NOT_RETRIED[letter.status]}`);
    if (seen !== undefined && seen !== letter.version) throw await changedMeanwhile(database, id);
    const content = await applyEdit(letter, edit, routes, codec);
    const show = async (held: Content): Promise<unknown> => ({
      ...(await decodeContent(letter, held, codec)),
      headers: held.headers,
      key: held.key?.toString('utf8') ?? null,
    });
    const [before, after] = await Promise.all([show(letter), show(content)]);
    await database.transaction(async (tx) => {
      const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
      const { key, headers, value, job } = content;
      const edited = [id, by.actor, by.reason, key, json(headers), value, json(job), letter.version];
      if ((await tx.query(storeEdit, edited)).length === 0) throw await changedMeanwhile(tx, id);
      await appendAudit(tx, [{ ...entry('letter', id, 'edited', by), before, after }]);
    });
    return this.readLetter(id);
  }

  /** Puts letters aside. The keys that waited for them go on without them; a whole group is archived with its letters. */
  archive(selection: Selection, by: By): Promise<Selected> {
    return this.setAside(selection, by, {
      statuses: ['new'],
      action: 'archived',
      groupStatus: 'archived',
      groups: () => Promise.resolve('group' in selection ? [selection.group] : []),
      whyNot: NOT_ARCHIVED,
      move: async (tx, ids) => {
        await tx.query(lockKeysOfLetters, [ids]);
        const archived = (await tx.query<{ id: string }>(archiveLetters, [ids])).map((row) => row.id);
        await letGo(tx, ids);
        return archived;
      },
    });
  }

  /** Takes archived letters out again. Keys that went on meanwhile are not held again. */
  restore(selection: Selection, by: By): Promise<Selected> {
    return this.setAside(selection, by, {
      statuses: ['archived'],
      action: 'restored',
      groupStatus: 'new',
      // A letter that waits for a person must not hide in an archived group.
      groups: async (tx, restored) => {
        const rows = await tx.query<{ fingerprint: string }>(findArchivedGroups, [restored]);
        return rows.map(({ fingerprint }) => fingerprint);
      },
      whyNot: NOT_RESTORED,
      move: async (tx, ids) => (await tx.query<{ id: string }>(restoreLetters, [ids])).map((row) => row.id),
    });
  }

  private async setAside(
    selection: Selection,
    by: By,
    how: {
      statuses: LetterStatus[];
      action: string;
      groupStatus: GroupStatus;
      /** Those that become this. */
      groups: (tx: Tx, done: string[]) => Promise<string[]>;
      whyNot: WhyNot;
      move(tx: Tx, ids: string[]): Promise<string[]>;
    },
  ): Promise<Selected> {
    const ids = await this.idsOf(selection, how.statuses, RELEASE_MAX);
    const selected = await this.parts.database.transaction(async (tx) => {
      const done = await how.move(tx, ids);
      await appendAudit(tx, entries('letter', done, how.action, by));
      const selected = 'group' in selection ? { done, refused: [] } : await sort(tx, ids, done, how.whyNot);
      for (const group of await how.groups(tx, done)) {
        await this.setGroup(tx, group, { status: how.groupStatus }, by, `group-${how.action}`);
      }
      return selected;
    });
    this.parts.look();
    return selected;
  }

  private async setGroup(
    tx: Tx,
    fingerprint: string,
    change: { status?: GroupStatus; owner?: string | null; notes?: string },
    by: By,
    action: string,
  ): Promise<void> {
    type Known = { status: GroupStatus; owner: string | null; notes: string };
    const [before] = await tx.query<Known>(lockGroup, [fingerprint]);
    if (!before) throw groupUnknown(fingerprint);
    const after = { ...before, ...change };
    await tx.query(changeGroup, [fingerprint, after.status, after.owner, after.notes]);
    await appendAudit(tx, [{ ...entry('group', fingerprint, action, by), before, after }]);
  }

  private async letter(id: string): Promise<Letter> {
    const [letter] = await this.parts.database.query<Letter>(readLetters, [[id]]);
    if (!letter) throw letterUnknown([id]);
    return letter;
  }

  /** @throws where one of the ids is unknown, or the group is, or there are more than `limit` */
  private async idsOf(selection: Selection, statuses: LetterStatus[], limit: number): Promise<string[]> {
    const { database } = this.parts;
    const tooMany = (): Error => letterConflict(`These are more than ${limit} letters: release them in stages.`);
    if ('ids' in selection) {
      if (selection.ids.length > limit) throw tooMany();
      const known = new Set((await database.query<LetterState>(readStatuses, [selection.ids])).map(({ id }) => id));
      const unknown = selection.ids.filter((id) => !known.has(id));
      if (unknown.length > 0) throw letterUnknown(unknown);
      return [...new Set(selection.ids)];
    }
    await this.readGroup(selection.group);
    const rows = await database.query<{ id: string }>(readLettersOfGroup, [selection.group, limit + 1, statuses]);
    if (rows.length > limit) throw tooMany();
    return rows.map(({ id }) => id);
  }

  private async putBackBy(tx: Tx, ids: string[], by: By): Promise<string[]> {
    const done = await this.putBack(tx, ids);
    await appendAudit(tx, entries('letter', done, 'retried', by));
    return done;
  }

  private async putBack(tx: Tx, ids: string[]): Promise<string[]> {
    const letters = (await tx.query<LetterState>(readStatuses, [ids])).filter(({ status }) => status === 'new');
    const records = letters.filter(({ kind }) => kind === 'record').map(({ id }) => id);
    const placed = letters.filter(({ kind }) => kind !== 'record').map(({ id }) => id);
    for (const id of records) await this.readAgain(tx, id);
    return [...(placed.length > 0 ? await putBack(tx, placed) : []), ...records];
  }

  /**
   * It is taken in in a transaction of its own, as the consumer does it: to repeat that changes nothing, for the inbox knows what was taken
   * in. Meanwhile `tx` has the letter locked: nobody edits what is being read.
   */
  private async readAgain(tx: Tx, id: string): Promise<void> {
    const { routes, codec, transaction, take } = this.parts;
    const [letter] = await tx.query<Letter>(readLetters, [[id]]);
    if (letter!.status !== 'new') throw await changedMeanwhile(tx, id);
    const taken = await readRecord(toRecord(letter!), routes, codec);
    if (taken.kind === 'unreadable') {
      await transaction(async (own) => own.addDeadLetters([deadAgain(letter!, taken.error)]));
      return;
    }
    if ((await tx.query(lockLetter, [id, letter!.version])).length === 0) throw await changedMeanwhile(tx, id);
    await take([taken.record]);
    await tx.query(recordHandled, [[id]]);
  }
}

type WhyNot = Record<LetterStatus, string>;

const NOT_RETRIED: WhyNot = {
  new: 'has no place in the work queue: it died before this release, so read its message again with a replay.',
  retrying: 'is in the work queue already: wait for its end.',
  handled: 'was handled since: nothing is left to be done.',
  archived: 'is archived: restore it first.',
};
const NOT_ARCHIVED: WhyNot = {
  ...NOT_RETRIED,
  retrying: 'is in the work queue: wait for its end, then archive it if it is dead again.',
  archived: 'is archived already.',
};
const NOT_RESTORED: WhyNot = {
  new: 'is not archived.',
  retrying: 'is not archived but in the work queue.',
  handled: 'is not archived but handled.',
  archived: 'is archived.',
};

async function changedMeanwhile(database: Queryable, id: string): Promise<Error> {
  const [last] = await findAudit(database, { targetType: 'letter', targetId: id, limit: 1 });
  const how = last
    ? `last ${last.action} by ${last.actor} at ${last.at.toISOString()}`
    : 'put back, archived or edited';
  return letterConflict(`Letter ${id} has changed meanwhile (${how}), and nothing was done: look at it again.`);
}

/** Says of those that were left why. @throws `MSG_DEAD_LETTER_CONFLICT` where all were */
async function sort(tx: Tx, ids: string[], done: string[], whyNot: WhyNot): Promise<Selected> {
  const left = ids.filter((id) => !done.includes(id));
  const letters = await tx.query<LetterState>(readStatuses, [left]);
  const refused = letters.map(({ id, status }) => ({ id, why: `Letter ${id} ${whyNot[status]}` }));
  if (done.length === 0 && ids.length > 0) throw letterConflict(refused.map(({ why }) => why).join(' '));
  return { done, refused };
}

function entry(type: AuditEntry['target']['type'], id: string, action: string, { actor, reason }: By): AuditEntry {
  return { actor, action, target: { type, id }, reason, before: null, after: null };
}

function entries(type: AuditEntry['target']['type'], ids: string[], action: string, by: By): AuditEntry[] {
  return ids.map((id) => entry(type, id, action, by));
}

function contentOf({ key, headers, value, job }: Content): Content {
  return { key, headers, value, job };
}

/** The same letter, for the attempt that has just failed. */
function deadAgain(letter: Letter, error: unknown): DeadLetter {
  return { ...letter, place: null, held: false, deadLetterId: letter.id, error, attempts: 1 };
}
