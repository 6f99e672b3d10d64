import { Inject, Injectable } from '@nestjs/common';
import { retryOf } from '@throughline/contracts';
import type { Messaging, MessagingTx } from '@throughline/messaging';
import { ServerClock, type Database } from '@throughline/postgres';
import {
  allowedActions,
  changesOf,
  ProcessError,
  type ControlInput,
  type Process,
  type State,
} from '@throughline/process';
import {
  appendAudit,
  claimAction,
  findAudit,
  ProcessRunner,
  readAction,
  readActions,
  readInstances,
  searchInstances,
  stopAction,
  storeAction,
  type ActionRequest,
  type AuditEntry,
  type ControlResult,
  type MigrationPlan,
  type OnVersion,
  type StoredAction,
} from '@throughline/process/postgres';
import { DATABASE, MESSAGING } from '@throughline/service';
import { toFilter, type FilterQuery } from '../instance-filter.js';
import { countTransitions } from '../metrics.js';
import { emitInto } from '../take-events.js';
import { previewOf, type InstancePreview } from './preview-of.js';

/** Instances of one transaction: so long nobody else can go on with them. */
const BATCH = 100;
/** Instances that one action by a filter can mean. */
const WIDEST = 10_000;
const PAGE = 500;
/** So long a request waits for the end of what it asked for, in milliseconds. */
const PATIENCE_MS = 2_000;
const LOOK_AGAIN_MS = 25;

/** The action that takes instances to another version; its parameters are the plan. */
export const MIGRATE = 'migrate';

/** Which instances a person means. */
export type Meant = { ids: string[] } | { filter: FilterQuery } | { seen: Seen };

/** By instance, how many entries of its attention were shown. */
type Seen = Record<string, number>;

/** What a person wants to do to them. */
export interface Wanted {
  action: ControlInput['action'];
  unit?: string | undefined;
  facts?: { start?: Facts | undefined; steps?: Record<string, Facts> | undefined } | undefined;
  /** For `acknowledge`. */
  seen?: Seen | undefined;
}
type Facts = Record<string, unknown>;

/** One instance of one action. */
interface Target {
  actionId: string;
  instanceId: string;
}

/** What people do to instances: looked at first, carried out in bounded transactions by any instance of the service, recorded for good. */
@Injectable()
export class InstanceActions {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(MESSAGING) private readonly messaging: Pick<Messaging, 'transaction'>,
    private readonly runner: ProcessRunner,
    private readonly clock: ServerClock,
  ) {}

  /** What an action would do now, to the first instances meant; nothing is written, and nothing is sent. */
  async preview(wanted: Wanted, meant: Meant, limit: number): Promise<{ total: number; instances: InstancePreview[] }> {
    const ids = await this.idsOf(meant);
    const now = (await this.clock.read(this.database)).toISOString();
    const instances = await readInstances(this.database, ids.slice(0, limit));
    const by = { actor: 'preview', reason: 'preview' };
    const previews = instances.map(async (instance) => {
      const process = await this.runner.definitionOf(this.database, instance);
      // What it shows is what will have been seen.
      const seen = wanted.seen ?? { [instance.id]: instance.state.attention.length };
      return previewOf(process, instance, toInput('preview', { ...wanted, seen }, by, process, instance), now);
    });
    return { total: ids.length, instances: await Promise.all(previews) };
  }

  /** Records what is asked for and does it; what takes longer goes on by itself. The same request again only answers how it stands. */
  async request(request: Omit<ActionRequest, 'parameters'>, wanted: Wanted, meant: Meant): Promise<StoredAction> {
    const { unit, facts } = wanted;
    const parameters = { ...(unit !== undefined && { unit }), ...(facts && { facts }), ...meant };
    // A repeated request by a filter must not look for instances again: it is what it was.
    const known = await readAction(this.database, request.id);
    const ids = known ? [] : await this.idsOf(meant);
    if (!known && 'seen' in meant) await this.checkSeen(meant.seen);
    return this.begin({ ...request, parameters }, ids);
  }

  /** The same for any action that is carried out instance by instance. */
  async begin(request: ActionRequest, targets: string[] | OnVersion): Promise<StoredAction> {
    const now = await this.clock.read(this.database);
    await this.database.transaction((tx) => storeAction(tx, request, targets, now));
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const left = await this.carryOn(request.id);
      const action = await this.read(request.id);
      if (action.status !== 'running' || Date.now() > deadline) return action;
      // Another one is at it.
      if (left === 'nothing') await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  async read(id: string): Promise<StoredAction> {
    const action = await readAction(this.database, id);
    if (action) return action;
    throw new ProcessError('PROCESS_ACTION_UNKNOWN', `There is no action ${id}.`);
  }

  list(limit: number): Promise<StoredAction[]> {
    return readActions(this.database, limit);
  }

  /** Its last results, the newest first. */
  results(id: string): ReturnType<typeof findAudit> {
    return findAudit(this.database, { actionId: id }, 200);
  }

  /** What was done stays; nothing more is. */
  async stop(id: string, by: { actor: string; reason: string }): Promise<StoredAction> {
    await this.read(id);
    const now = await this.clock.read(this.database);
    await this.database.transaction((tx) => stopAction(tx, id, { ...by, now }));
    return this.read(id);
  }

  /** Does the next part of the action named, or of the oldest one that is not over. */
  async carryOn(id?: string): Promise<'more' | 'nothing'> {
    try {
      return await this.doNext(id, BATCH);
    } catch {
      // One of them, or the database: alone, each shows which.
      return this.doOneByOne(id);
    }
  }

  private async doOneByOne(id: string | undefined): Promise<'more' | 'nothing'> {
    for (let n = 0; n < BATCH; n += 1) {
      const tried: { target?: Target } = {};
      try {
        if ((await this.doNext(id, 1, (target) => (tried.target = target))) === 'nothing') return 'nothing';
      } catch (error) {
        // What another try can help is tried again by the next look.
        if (retryOf(error) !== 'never' || !tried.target) throw error;
        await this.refuse(tried.target, error as Error);
      }
    }
    return 'more';
  }

  /** @param tries is told what is begun with, which a failure does not say */
  private doNext(id: string | undefined, limit: number, tries?: (target: Target) => void): Promise<'more' | 'nothing'> {
    return this.messaging.transaction(async (tx) => {
      const now = await this.clock.readLately(tx);
      const claimed = await claimAction(tx, { id, limit, now });
      if (!claimed || claimed.instanceIds.length === 0) return 'nothing';
      const { action, instanceIds } = claimed;
      tries?.({ actionId: action.id, instanceId: instanceIds[0]! });
      const results = await this.perform(tx, action, instanceIds, now);
      appendAudit(tx, toEntries(action, instanceIds, results), now);
      return instanceIds.length === limit ? 'more' : 'nothing';
    });
  }

  private async perform(tx: MessagingTx, action: ActionRequest, ids: string[], now: Date): Promise<ControlResult[]> {
    const { id, actor: by, reason, parameters } = action;
    const emit = emitInto(tx);
    const wanted = { action: action.action, ...parameters } as unknown as Wanted;
    const { results, transitions } =
      action.action === MIGRATE
        ? await this.runner.migrate(tx, ids, parameters as unknown as MigrationPlan, { id, by, reason }, now, emit)
        : await this.runner.control(
            tx,
            ids,
            (instance, process) => toInput(id, wanted, action, process, instance),
            now,
            emit,
          );
    tx.onCommit(() => countTransitions(transitions));
    return results;
  }

  /** Unless, since it failed, another runner has taken it on: then the next one is not what failed. */
  private refuse({ actionId, instanceId }: Target, error: Error): Promise<void> {
    return this.messaging.transaction(async (tx) => {
      const now = await this.clock.read(tx);
      const claimed = await claimAction(tx, { id: actionId, limit: 1, now });
      if (claimed?.instanceIds[0] !== instanceId) return;
      appendAudit(tx, [toRefusal(claimed.action, instanceId, error.message)], now);
    });
  }

  /** What was not there cannot have been seen: a higher number would acknowledge what comes until the action is carried out. */
  private async checkSeen(seen: Seen): Promise<void> {
    for (const { id, state } of await readInstances(this.database, Object.keys(seen))) {
      const there = state.attention.length;
      if (seen[id]! > there)
        throw new ProcessError(
          'PROCESS_ACTION_REFUSED',
          `Of instance ${id}, ${seen[id]} entries of its attention cannot have been seen: there are ${there}. Look at it, and say what it shows.`,
        );
    }
  }

  private async idsOf(meant: Meant): Promise<string[]> {
    if ('seen' in meant) return Object.keys(meant.seen);
    if ('ids' in meant) return [...new Set(meant.ids)];
    const ids: string[] = [];
    const now = await this.clock.read(this.database);
    const filter = toFilter(meant.filter, now.getTime(), (owner) => this.runner.stepsOf(owner));
    for (let before: string | undefined; ;) {
      const { instances, next } = await searchInstances(this.database, filter, { limit: PAGE, before });
      ids.push(...instances.map(({ id }) => id));
      if (ids.length > WIDEST)
        throw new ProcessError(
          'PROCESS_ACTION_TOO_WIDE',
          `These conditions mean more than ${WIDEST} instances; narrow them, and do the rest with another action.`,
        );
      if (next === null) return ids;
      before = next;
    }
  }
}

/** Where no unit is named, the one that the action can be taken on; where there are several, the engine asks for a name. */
function toInput(
  id: string,
  { action, unit, facts, seen }: Wanted,
  { actor, reason }: { actor: string; reason: string },
  process: Process,
  { id: instanceId, state }: { id: string; state: State },
): ControlInput {
  const candidates =
    unit === undefined ? allowedActions(process, state).filter((allowed) => allowed.action === action) : [];
  const chosen = unit ?? (candidates.length === 1 ? candidates[0]!.unit : undefined);
  return {
    kind: 'control',
    id,
    action,
    by: actor,
    reason,
    ...(chosen !== undefined && { unit: chosen }),
    ...(facts && { facts }),
    ...(action === 'acknowledge' && seen?.[instanceId] !== undefined && { seen: seen[instanceId] }),
  };
}

function toEntries(action: ActionRequest, ids: string[], results: ControlResult[]): AuditEntry[] {
  const byId = new Map(results.map((result) => [result.id, result]));
  return ids.map((id) => {
    const result = byId.get(id);
    if (!result?.after) return toRefusal(action, id, result?.refused?.message ?? `There is no instance ${id}.`);
    const { commands } = result;
    return { ...common(action, id), outcome: 'done', why: null, commands, ...changesOf(result.before, result.after) };
  });
}

function toRefusal(action: ActionRequest, id: string, why: string): AuditEntry {
  return { ...common(action, id), outcome: 'refused', why, commands: [], before: null, after: null };
}

function common({ id: actionId, action, actor, reason }: ActionRequest, instanceId: string) {
  return { actionId, action, actor, reason, instanceId };
}
