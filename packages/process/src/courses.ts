import { allowedActions, isStuck, type Action } from './actions.js';
import { Choices } from './choices.js';
import { isRefusal, occurrenceField } from './contracts.js';
import { decide } from './decide.js';
import { affectedSteps } from './decide/amend.js';
import type { Decision, Input } from './decide/input.js';
import type { EarlierOccurrence } from './earlier.js';
import type { Process } from './process.js';
import { inFlight } from './standing.js';
import { initialState, type Command, type ProcessEvent, type State } from './state.js';
import { stepOf, unitsOf } from './units.js';

/** A moment of an imagined instance, and how it came about. */
export interface Node {
  state: State;
  /** Units whose thing stands in the other systems, judged by the events alone and not by the engine. */
  standing: string[];
  /** Things that stand by an id or a fact that an amendment has replaced: by unit, the event that told of them. */
  stale: [unit: string, messageId: string][];
  /** What an amendment has replaced, once one has: the ids, and the units that were undone or refused. */
  former?: { assigned: Record<string, string>; undone: string[]; refused: string[] };
  /** A step that was commanded again while what it had done stood. */
  doneTwice?: string;
  /** Why the engine could not take what came. */
  broken?: string;
  disturbances: number;
  /** How many moves led here. */
  moves: number;
  last: Told | undefined;
}

/** What happened, and what had happened before. */
interface Told {
  what: string;
  before: Told | undefined;
}

/** Lines of an explored instance, and the events that begin a repeated step: two of the one, one of the other. */
const LINES = ['line-1', 'line-2'];
const RUN = 'run-1';

/** What happened up to this moment, in order, as a person would tell it. */
export function pathTo(node: Node): string[] {
  const path: string[] = [];
  for (let told = node.last; told; told = told.before) path.push(told.what);
  return path.toReversed();
}

/** What can happen to an imagined instance of a process. */
export class Courses {
  private readonly fields: string[];
  private readonly choices: Choices;

  /** @param conditions fall in every way (`free`), or always so that the step is needed */
  constructor(
    readonly process: Process,
    conditions: 'free' | 'needed',
  ) {
    this.choices = new Choices(process, conditions === 'free');
    const facts = [
      ...process.startFacts,
      ...process.steps.flatMap((step) => [...step.facts, ...(step.repeat?.fields ?? [])]),
    ];
    this.fields = [...new Set(facts)];
  }

  /** Steps of which so many conditions fell in one decision that not every combination was looked at. */
  get tooManyConditions(): string[] {
    return this.choices.tooMany;
  }

  /** Nothing has come yet. */
  root(): Node {
    const state = initialState({ key: 'key', occurrence: 1, correlationId: 'correlation' });
    return { state, standing: [], stale: [], disturbances: 0, moves: 0, last: undefined };
  }

  /** The first moment after the start, once for each way in which conditions can fall. */
  beginnings(before = this.root()): Node[] {
    return this.take(before, this.eventOf(this.process.starts, before), { disturbance: 0 });
  }

  /** The same where the occurrence before stands. It is no disturbance of its own: resumed, it is as any other. */
  private beginningsBeside(before: Node): Node[] {
    const event = this.eventOf(this.process.starts, before);
    const earlier: EarlierOccurrence[] = [{ occurrence: 0, phase: 'ended', status: 'completed' }];
    return this.takeInput(before, { kind: 'event', event, earlier }, `${event.type}, while the one before stands`, 0);
  }

  /** Everything that can happen next with at most so many more disturbances. */
  movesFrom(node: Node, disturbances: number): Node[] {
    const isDisturbed = disturbances > 0;
    if (node.state.phase === 'new')
      return [...this.beginnings(node), ...(isDisturbed ? [...this.beginningsBeside(node), ...this.rejections(node), ...this.early(node), ...this.interventions(node)] : [])]; // prettier-ignore
    return [
      ...inFlight(node.state).flatMap(([id, run]) => [
        ...this.answers(node, id, isDisturbed),
        ...(!isDisturbed || run.overdueSince || !run.dueAt ? [] : [this.expire(node, id, run.dueAt)]),
      ]),
      ...Object.entries(node.state.steps).flatMap(([id, { status, execution }]) =>
        status === 'retrying' ? [this.expire(node, `${id}, to be asked again,`, execution!.retryAt!, 0)] : [],
      ),
      ...this.requests(node),
      ...(isDisturbed ? [...this.interventions(node), ...this.surprises(node), ...this.early(node), ...this.stale(node)] : []), // prettier-ignore
    ];
  }

  /** What may end the wait of one unit. */
  answers(node: Node, id: string, isDisturbed = true): Node[] {
    const { process } = this;
    const step = stepOf(process, id);
    const { status } = node.state.steps[id]!;
    if (status === 'deciding') {
      const verdicts = isDisturbed ? (['approved', 'rejected'] as const) : (['approved'] as const);
      return verdicts.flatMap((verdict) => {
        const input: Input = { kind: 'decision', id: `${id}:${verdict}#${node.moves}`, unit: id, verdict, by: 'a person' }; // prettier-ignore
        return this.takeInput(node, input, `${id} ${verdict}`, verdict === 'rejected' ? 1 : 0);
      });
    }
    const direction = status === 'compensating' ? 'compensation' : 'forward';
    return [...process.outcomes].flatMap(([type, outcome]) => {
      if (outcome.step !== step.name || outcome.direction !== direction) return [];
      const event = this.eventOf(type, node, id);
      if (!isRefusal(type)) return this.take(node, event, { disturbance: 0, id });
      if (!isDisturbed) return [];
      // A refusal that is answered by asking again, and one that is not.
      const reasons = ['a-reason', ...(direction === 'forward' ? (step.retry?.reasons.slice(0, 1) ?? []) : [])];
      return reasons.flatMap((reason) =>
        this.take(node, { ...event, payload: { ...event.payload, reason } }, { disturbance: 1, id }),
      );
    });
  }

  /** What people do: cancel, amend, begin a repeated step. */
  interventions(node: Node): Node[] {
    const { process } = this;
    const unasked = { disturbance: 1, unasked: true };
    const cancellations = [...process.cancelledBy].flatMap((type) => {
      const undoes = process.outcomes.get(type);
      if (!undoes) return this.take(node, this.eventOf(type, node), unasked);
      // A thing can be undone in its own system by a person only where it stands.
      const standing = node.standing.filter((id) => stepOf(process, id).name === undoes.step);
      return standing.flatMap((id) => this.take(node, this.eventOf(type, node, id), { ...unasked, id }));
    });
    // People can cancel an instance by its control, whatever its definition says.
    if (cancellations.length === 0 && !node.state.cause && node.state.phase !== 'new' && !node.state.rejection) {
      const cancel = this.controlInput(node, 'cancel');
      cancellations.push(...this.takeInput(node, cancel, '(unasked) cancelled by a person', 1));
    }
    const isAmended = (node.state.revision ?? 0) + (node.state.amendment ? 1 : 0) > 0 || node.state.early.some(({ type }) => process.amendedBy.has(type)); // prettier-ignore
    const amendments = isAmended
      ? []
      : [...process.amendedBy].flatMap((type) => this.take(node, this.eventOf(type, node, undefined, '-amended'), unasked)); // prettier-ignore
    const triggers = [...process.triggers].flatMap(([type, names]) => {
      const isOutcome = process.outcomes.has(type);
      const hasRun = names.some((name) => node.state.steps[`${name}/${RUN}`]);
      const isKept = node.state.early.some((event) => event.type === type);
      if (isOutcome || hasRun || isKept) return [];
      return this.take(node, this.eventOf(type, node), { disturbance: 1, unasked: true });
    });
    return [...cancellations, ...amendments, ...triggers];
  }

  /** Answers that come twice, or after a refusal; of one step, or of any. */
  surprises(node: Node, step?: string): Node[] {
    const { process } = this;
    return [...process.outcomes].flatMap(([type, outcome]) => {
      if (outcome.direction !== 'forward' || outcome.refusal || outcome.step !== (step ?? outcome.step)) return [];
      return unitsOf(node.state, process.step(outcome.step)).flatMap(([id, unit]) => {
        const isRepeated = unit.execution?.outcome === type && node.standing.includes(id);
        const isLate = unit.status === 'refused';
        if (!isRepeated && !isLate) return [];
        return this.take(node, this.eventOf(type, node, id), { disturbance: 1, unasked: true, id });
      });
    });
  }

  expire(node: Node, what: string, at: string, disturbance = 1): Node {
    const { state, commands } = decide(this.process, node.state, { kind: 'timer' }, at);
    const told = disturbance > 0 ? `${what} is late` : `${what} is due`;
    const next = { ...node, state, disturbances: node.disturbances + disturbance, moves: node.moves + 1 };
    return { ...next, last: { what: told + describe([], commands.map(nameOf)), before: node.last } };
  }

  /** A success of a step that is not due yet: made by a person, or told by a faster topic than what it follows from. */
  private early(node: Node): Node[] {
    const { process } = this;
    const { state } = node;
    return [...process.outcomes].flatMap(([type, outcome]) => {
      if (outcome.direction !== 'forward' || outcome.refusal) return [];
      const step = process.step(outcome.step);
      const units =
        state.phase !== 'new'
          ? unitsOf(state, step).flatMap(([id, { status }]) => (status === 'waiting' ? [id] : []))
          : step.repeat
            ? step.repeat.forEach
              ? LINES.slice(0, 1).map((line) => `${step.name}/${line}`)
              : []
            : [step.name];
      return units
        .filter((id) => !node.standing.includes(id) && !state.early.some(({ type: kept }) => kept === type))
        .flatMap((id) => this.take(node, this.eventOf(type, node, id), { disturbance: 1, unasked: true, id, adverb: 'early' })); // prettier-ignore
    });
  }

  private rejections(node: Node): Node[] {
    return [...this.process.rejectedBy].flatMap((type) =>
      this.take(node, this.eventOf(type, node), { disturbance: 1, unasked: true }),
    );
  }

  /** What names the id of something that an amendment has replaced: it was done, or undone, once more; or it was done, after a refusal. */
  private stale(node: Node): Node[] {
    const { process } = this;
    const { former } = node;
    if (!former) return [];
    const news = (id: string): boolean => former.refused.includes(id) && node.stale.every(([known]) => known !== id);
    return [...process.outcomes].flatMap(([type, outcome]) => {
      if (outcome.refusal) return [];
      const isForward = outcome.direction === 'forward';
      const about = [...former.undone, ...(isForward ? former.refused.filter(news) : [])];
      return about
        .filter((id) => stepOf(process, id).name === outcome.step)
        .flatMap((id) => {
          const event = this.eventOf(type, node, id);
          Object.assign(event.payload, former.assigned);
          const stale: Node['stale'] = former.undone.includes(id) ? node.stale : [...node.stale, [id, event.messageId]];
          return this.takeInput(
            { ...node, stale },
            { kind: 'event', event },
            `(unasked) ${type} of what was amended`,
            1,
          );
        });
    });
  }

  /**
   * What a person may do about a pause: go on. About a refusal: ask again; or, where it is one to undo, keep everything, or let that stand and
   * undo the rest.
   */
  private requests(node: Node): Node[] {
    const { steps } = node.state;
    const isAsked = ({ action, unit }: { action: Action; unit?: string }): boolean =>
      action === 'keep' ||
      action === 'resume' ||
      (action === 'retry' && steps[unit!]!.status !== 'retrying') ||
      (action === 'skip' && isStuck(this.process, node.state, unit!, steps[unit!]!));
    return allowedActions(this.process, node.state)
      .filter(isAsked)
      .flatMap(({ action, unit }) => {
        const input = { ...this.controlInput(node, action), ...(unit !== undefined && { unit }) };
        return this.takeInput(node, input, `a person chooses to ${action} ${unit ?? 'the deal'}`, 0);
      });
  }

  private controlInput(node: Node, action: Action): Input & { kind: 'control' } {
    return { kind: 'control', id: `${action}#${node.moves}`, action, by: 'a person', reason: 'explored' };
  }

  /** One event, and what stands by it, once for each way in which conditions can fall. */
  private take(node: Node, event: ProcessEvent, move: Move): Node[] {
    const outcome = this.process.outcomes.get(event.type);
    const id = move.id ?? outcome?.step;
    let { standing } = node;
    if (outcome && !outcome.refusal)
      standing =
        outcome.direction === 'forward' ? [...new Set([...standing, id!])] : standing.filter((unit) => unit !== id);
    const about = id?.includes('/') ? ` of ${id}` : '';
    const adverb = move.adverb ? `, ${move.adverb}` : '';
    const told = `${move.unasked ? '(unasked) ' : ''}${event.type}${about}${adverb}`;
    return this.takeInput({ ...node, standing }, { kind: 'event', event }, told, move.disturbance);
  }

  private takeInput(node: Node, input: Input, told: string, disturbance: number): Node[] {
    return this.choices.everyChoice((process, said) => {
      const moved = { ...node, disturbances: node.disturbances + disturbance, moves: node.moves + 1 };
      const tell = (follows: string[]): Told => ({ what: told + describe(said, follows), before: node.last });
      let decision: Decision;
      try {
        decision = decide(process, node.state, input, nowAt(node));
      } catch (error) {
        return { ...moved, last: tell([]), broken: (error as Error).message };
      }
      const { state, commands, tasks } = decision;
      const opened = tasks.opened.map(({ unit }) => `${unit}?`);
      Object.assign(moved, {
        state,
        last: tell([...commands.map(nameOf), ...opened]),
        ...this.doneTwice(node, commands),
      });
      return state.revision === node.state.revision ? moved : this.replace(node, moved);
    });
  }

  /**
   * A step that is commanded while what it did before stands. What may stand by its definition is done again without harm, and what was told
   * early has the id of the command.
   */
  private doneTwice({ standing, state }: Node, commands: Command[]): Pick<Node, 'doneTwice'> {
    const { process } = this;
    const isEarly = (unit: string): boolean =>
      state.early.some(({ type }) => process.outcomes.get(type)?.step === stepOf(process, unit).name);
    const twice = commands.find(
      ({ direction, step }) =>
        direction === 'forward' &&
        standing.includes(step) &&
        stepOf(process, step).because === undefined &&
        !isEarly(step),
    );
    return twice ? { doneTwice: twice.step } : {};
  }

  /** What is done again after an amendment no longer stands by its old event, where nothing had to undo it. */
  private replace(before: Node, after: Node): Node {
    const { process } = this;
    const [was, is] = [before.state.facts, after.state.facts];
    const changed = this.fields.filter((field) => JSON.stringify(was.start[field]) !== JSON.stringify(is.start[field]));
    const affected = affectedSteps(process, changed);
    const isAffected = (id: string): boolean => affected.includes(stepOf(process, id).name);
    // Told of, or to be told of: what came early; and whatever should have been undone before it is done again.
    const stale = before.standing.flatMap((id): Node['stale'] => {
      if (!isAffected(id)) return [];
      const step = stepOf(process, id);
      const early = before.state.early.find(({ type }) => process.outcomes.get(type)?.step === step.name);
      if (early) return [[id, early.messageId]];
      return step.compensation && !before.state.steps[id]?.skipped ? [[id, 'nothing has told']] : [];
    });
    const units = Object.entries(before.state.steps).filter(([id]) => isAffected(id));
    const made = units.filter(([, { execution }]) => execution?.outcome && !isRefusal(execution.outcome));
    const refused = units.filter(([, { status }]) => status === 'refused' || status === 'commanded');
    const isIdOther = Object.entries(was.assigned).some(([field, id]) => is.assigned[field] !== id);
    return {
      ...after,
      standing: after.standing.filter((id) => !isAffected(id)),
      stale: [...after.stale, ...stale],
      // Without an id of its own, nobody can tell what is about the thing of before.
      ...(isIdOther && {
        former: {
          assigned: was.assigned,
          undone: made.filter(([id]) => stepOf(process, id).compensation).map(([id]) => id),
          refused: refused.map(([id]) => id),
        },
      }),
    };
  }

  private eventOf(type: string, node: Node, unit?: string, suffix = ''): ProcessEvent {
    const { process } = this;
    const payload: Record<string, unknown> = Object.fromEntries(
      this.fields.map((field) => [field, `a ${field}${suffix}`]),
    );
    for (const { repeat } of process.steps) {
      if (repeat) payload[repeat.by] = unit?.includes('/') ? unit.slice(unit.indexOf('/') + 1) : RUN;
      if (!repeat?.forEach) continue;
      payload[repeat.forEach] = LINES.map((line) => ({
        ...Object.fromEntries([...repeat.fields].map((field) => [field, `a ${field}${suffix}`])),
        [repeat.by]: line,
      }));
    }
    return {
      messageId: `${type}#${node.moves}`,
      type,
      payload: {
        ...payload,
        ...node.state.facts.assigned,
        [process.key]: 'key',
        [occurrenceField]: 1,
        reason: 'a-reason',
        message: 'a message',
      },
      source: 'exploration',
      time: '2026-01-01T00:00:00.000Z',
      correlationId: 'correlation',
    };
  }
}

interface Move {
  disturbance: number;
  unasked?: boolean;
  /** How it comes, where that is not to be seen. */
  adverb?: string;
  /** The unit an outcome is of. */
  id?: string;
}

/** Time passes with each move, so that the order of commands can be read from the state. */
const nowAt = (node: Node): string => new Date(Date.UTC(2026, 0, 1) + node.moves * 1000).toISOString();

const nameOf = ({ type, step }: Command): string =>
  step.includes('/') ? `${type} for ${step.slice(step.indexOf('/') + 1)}` : type;

function describe(said: string[], follows: string[]): string {
  const conditions = said.length > 0 ? ` (${said.join(', ')})` : '';
  return conditions + (follows.length > 0 ? ` -> ${follows.join(', ')}` : '');
}
