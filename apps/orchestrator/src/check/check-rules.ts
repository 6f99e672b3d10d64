import type { NamedOwner, Owners } from '@throughline/policy';
import { findUnknownOwners, ownersOfPolicy } from '@throughline/policy';
import {
  explore,
  failureTree,
  isBeyondKnownHolidays,
  isBusiness,
  isRefusal,
  parseDuration,
  type Branch,
  type Duration,
  type Exploration,
  type ExploredPath,
  type Process,
} from '@throughline/process';
import type { Rules } from '../load-rules.js';
import type { People } from '../tasks/people.js';
import { policyTermsProblems, superfluousTerms, termsOf, type PolicyFile } from '../tasks/policy-terms.js';
import { silentApprovals } from '../tasks/silent-approvals.js';

/** Which service carries out which command, by which events each is answered, and which events it publishes. */
export type Services = Readonly<
  Record<string, { handles: Readonly<Record<string, readonly string[]>>; emits: readonly string[] }>
>;

export interface Surroundings {
  services: Services;
  owners: Owners;
  people: People;
  policies: Rules['policies'];
  calendars: Rules['calendars'];
  /** When the check is made, ISO 8601: due times are counted from then. */
  at: string;
  /** How many failures are combined. */
  maxDisturbances: number;
  /** Processes that run beside those checked: what they command may be waited for. */
  others?: Process[];
}

/** What was found out about one process. */
export interface ProcessReport {
  process: string;
  version: number;
  problems: string[];
  /** What is sound now, and will not stay so by itself. */
  warnings: string[];
  /** Courses that end half-done or in silence, one for each way, those first that need the fewest things to go wrong. */
  stories: ExploredPath[];
  exploration: Omit<Exploration, 'problems'>;
  /** From the first look to the last, in milliseconds. */
  exploredInMs: number;
  tree: { step: string; owner: string; what: string; branches: Branch[] }[];
}

/** The first course of those that go wrong in the same way. */
const oneOfEach = (stories: ExploredPath[]): ExploredPath[] =>
  [...Map.groupBy(stories, ({ problem }) => problem).values()].map(([first]) => first!);

/** How many of the courses that go wrong are told; they are mostly one mistake. */
const STORIES = 3;

/** Everything that can be known of processes before they run. `now` tells how long the exploration took, in milliseconds. */
export function checkProcesses(processes: Process[], around: Surroundings, now: () => number): ProcessReport[] {
  const elsewhere = sharedProblems(processes, around.others ?? []);
  return processes.map((process) => {
    const begun = now();
    const { problems: stories, ...exploration } = explore(process, { maxDisturbances: around.maxDisturbances });
    const exploredInMs = Math.round(now() - begun);
    return {
      process: process.name,
      version: process.version,
      problems: [
        ...findUnknownOwners(around.owners, ownersOfProcess(process)),
        ...serviceProblems(process, around.services),
        ...checkpointProblems(process, around.policies),
        ...silentApprovals(process, around.policies),
        ...structureProblems(exploration),
        ...conditionProblems(process),
        ...(elsewhere.get(process.name) ?? []),
      ],
      warnings: calendarWarnings(process, around),
      stories: oneOfEach(stories).slice(0, STORIES),
      exploration,
      exploredInMs,
      tree: treeOf(process),
    };
  });
}

/** What is wrong with the policies: unknown owners and roles, terms that no task can have, and examples that come out otherwise. */
export function checkPolicies(
  { policies }: Pick<Rules, 'policies'>,
  { owners, people }: Pick<Surroundings, 'owners' | 'people'>,
): string[] {
  const unknown = findUnknownOwners(owners, [...policies.all.values()].flatMap(ownersOfPolicy));
  const failed = policies
    .runExamples()
    .flatMap(({ policy, example, problems }) => problems.map((problem) => `${policy}: "${example}": ${problem}`));
  const files = [...policies.all.values()].map(({ file }) => file);
  return [...unknown, ...policyTermsProblems(files, people), ...superfluousTerms(files), ...failed];
}

function ownersOfProcess(process: Process): NamedOwner[] {
  const steps = process.steps.map(({ name, owner }) => ({ path: `steps.${name}.owner`, owner }));
  return [{ path: 'owner', owner: process.owner }, ...steps];
}

/** A command that nobody carries out is waited for in vain, and so is an event that nobody publishes; an answer that is not taken is a time that runs out. */
function serviceProblems(process: Process, services: Services): string[] {
  const handled = new Map(Object.values(services).flatMap(({ handles }) => Object.entries(handles)));
  const emitted = new Set(Object.values(services).flatMap(({ emits }) => emits));
  const commands = process.steps.flatMap(({ name, command, compensation }) => [
    ...(command ? [{ path: `steps.${name}.command`, type: command.type }] : []),
    ...(compensation ? [{ path: `steps.${name}.compensation.command`, type: compensation.type }] : []),
  ]);
  const answers = process.steps.flatMap(({ name, command, compensation }) => [
    { path: `steps.${name}.until`, command: command?.type, direction: 'forward', step: name },
    { path: `steps.${name}.compensation.until`, command: compensation?.type, direction: 'compensation', step: name },
  ]);
  const foreign = answers.flatMap(({ path, command, direction, step }) => {
    const handler = Object.entries(services).find(([, { handles }]) => command && command in handles);
    if (!handler) return [];
    const [service, { emits }] = handler;
    return [...process.outcomes]
      .filter(([type, outcome]) => outcome.step === step && outcome.direction === direction && !emits.includes(type))
      .map(
        ([type]) =>
          `${path}: ${service} carries out ${command}, and does not publish ${type}; name the events that answer it`,
      );
  });
  // What only may come is named beside the steps: it is taken, too.
  const untold = answers.flatMap(({ path, command }) =>
    (handled.get(command ?? '') ?? [])
      .filter((type) => !process.events.has(type))
      .map(
        (type) =>
          `${path}: ${command} may be answered by ${type}, and the process would not take it; add it here, or under "shown" or "records" at the top where it is no answer to wait for`,
      ),
  );
  return [
    ...foreign,
    ...untold,
    ...commands
      .filter(({ type }) => !handled.has(type))
      .map(
        ({ path, type }) =>
          `${path}: no service carries out ${type}; add it to the routes of one, and to infra/services.yaml`,
      ),
    ...[...process.events]
      .filter((type) => !emitted.has(type))
      .map((type) => `${type}: no service publishes it; add it to what one emits, and to infra/services.yaml`),
  ];
}

/** Tasks need terms that can be worked by, and somebody who may not decide. */
function checkpointProblems(process: Process, policies: Rules['policies']): string[] {
  const checkpoints = process.steps.filter(({ checkpoint }) => checkpoint);
  const { calendar } = process.source as { calendar?: string };
  const terms = checkpoints.flatMap(({ name, checkpoint }) => {
    const file = policies.all.get(checkpoint!.name)?.file;
    const path = `steps.${name}.checkpoint`;
    // A policy that cannot be read is told of where it stands.
    if (!file) return [];
    if (file.outputs !== 'checkpoint')
      return [`${path}: policy ${checkpoint!.name} does not say who decides; it needs "outputs: checkpoint"`];
    const isBusiness = JSON.stringify([file.defaults, file.rules, file.otherwise]).includes(' business ');
    return isBusiness && calendar === undefined
      ? [
          `${path}: policy ${checkpoint!.name} counts in business time; say by which calendar with "calendar: <name>" at the top`,
        ]
      : [];
  });
  const isNobody = checkpoints.length > 0 && process.requester === undefined;
  return [
    ...terms,
    ...(isNobody
      ? [
          'requester: is missing: name the field of the start event that says who asks, so that nobody decides about their own request',
        ]
      : []),
  ];
}

interface DurationOf {
  path: string;
  duration: Duration;
}

/** The first business time that reaches beyond the days whose holidays are listed, where one does. */
function calendarWarnings(process: Process, { calendars, policies, at }: Surroundings): string[] {
  const name = (process.source as { calendar?: string }).calendar;
  const calendar = name === undefined ? undefined : calendars.get(name);
  if (!calendar) return [];
  const due = durationsOf(process, policies)
    .filter(({ duration }) => isBusiness(duration))
    .map(({ path, duration }) => ({ path, due: process.later(at, duration) }));
  const latest = due.toSorted((a, b) => a.due.localeCompare(b.due)).at(-1);
  if (!latest || !isBeyondKnownHolidays(latest.due, calendar)) return [];
  return [
    `${latest.path}: what begins now is due on ${latest.due.slice(0, 10)}, and calendar ${calendar.name} knows its holidays until ${calendar.knownUntil}; list those of the next years there, and move holidays-known-until`,
  ];
}

function durationsOf(process: Process, policies: Rules['policies']): DurationOf[] {
  const ofSteps = process.steps.flatMap(({ name, timeout, sla, retry, compensation, checkpoint }) => [
    { path: `steps.${name}.timeout`, duration: timeout },
    { path: `steps.${name}.sla`, duration: sla },
    { path: `steps.${name}.retry.every`, duration: retry?.every },
    { path: `steps.${name}.compensation.timeout`, duration: compensation?.timeout },
    { path: `steps.${name}.due`, duration: checkpoint?.due },
    ...durationsOfPolicy(`steps.${name}.checkpoint`, checkpoint && policies.all.get(checkpoint.name)?.file),
  ]);
  return [{ path: 'sla', duration: process.sla }, ...ofSteps].flatMap(({ path, duration }) =>
    duration ? [{ path, duration }] : [],
  );
}

const TERMS = ['due', 'followUp', 'remind', 'escalateAfter', 'expires'];

function durationsOfPolicy(path: string, file: PolicyFile | undefined): DurationOf[] {
  if (!file) return [];
  return termsOf(file).flatMap(({ rule, terms }) =>
    TERMS.flatMap((term) => {
      const written = terms[term];
      const duration = typeof written === 'string' ? parseDuration(written) : undefined;
      return duration ? [{ path: `${path}: policy ${file.policy}, rule ${rule}, ${term}`, duration }] : [];
    }),
  );
}

/** A step whose condition asks for no fact, and is false, is dead. */
function conditionProblems(process: Process): string[] {
  return process.steps
    .filter(({ when }) => when && isNever(when))
    .map(({ name, when }) => `steps.${name}.when: "${when!.text}" is never true, whatever the facts; correct it, or remove the step`); // prettier-ignore
}

function isNever(when: NonNullable<Process['steps'][number]['when']>): boolean {
  try {
    // What a policy says may change without the process.
    return when.reads.length === 0 && !when.text.includes('policy.') && !when.evaluate({ start: {}, steps: {} }).value;
  } catch {
    // What stands in for a broken policy says nothing.
    return false;
  }
}

function structureProblems(exploration: Omit<Exploration, 'problems'>): string[] {
  const { neverBegun, ends, isCutShort, tooManyConditions, widest } = exploration;
  return [
    ...(tooManyConditions.length > 0
      ? [
          `steps.${tooManyConditions.join(', ')}: so many conditions fall in one decision that not every combination was looked at; let one policy say what several of these conditions say, or have steps wait for others of these with "after"`,
        ]
      : []),
    ...neverBegun.map((step) => `steps.${step}: never begins, whatever happens; what it waits for cannot come about`),
    ...(ends.completed === undefined ? ['the process cannot complete: no way leads to its end'] : []),
    ...(isCutShort
      ? [
          `has more states than could be looked at: ${widest.length} steps are under way at once (${widest.join(', ')}); have some of them wait for others with "after", split the process, or look at fewer failures at once with --failures`,
        ]
      : []),
  ];
}

/** Each effect has one owner: what two processes command is done twice; and what a process waits for, somebody must begin. */
function sharedProblems(processes: Process[], others: Process[]): Map<string, string[]> {
  const senders = Map.groupBy(
    processes.flatMap((process) =>
      process.steps.flatMap(({ name, command, compensation }) =>
        [command?.type, compensation?.type].flatMap((type) =>
          type ? [{ type, process: process.name, step: name }] : [],
        ),
      ),
    ),
    ({ type }) => type,
  );
  const problems = new Map<string, string[]>();
  const add = (process: string, problem: string): void => {
    problems.set(process, [...(problems.get(process) ?? []), problem]);
  };
  for (const [type, all] of senders)
    for (const { process, step } of all) {
      const other = all.find((one) => one.process !== process);
      if (other)
        add(
          process,
          `steps.${step}: ${type} is commanded by ${other.process}, too; one process must own it, and the other wait for its event`,
        );
    }
  const commanded = new Set(
    [...processes, ...others].flatMap(({ outcomes, step }) =>
      [...outcomes].flatMap(([type, outcome]) => (step(outcome.step).command ? [type] : [])),
    ),
  );
  for (const process of processes)
    for (const [type, outcome] of process.outcomes) {
      const isAwaited = outcome.direction === 'forward' && !process.step(outcome.step).command && !isRefusal(type);
      if (isAwaited && !commanded.has(type))
        add(
          process.name,
          `steps.${outcome.step}.until: ${type} is waited for, and no process commands what ends in it`,
        );
    }
  return problems;
}

function treeOf(process: Process): ProcessReport['tree'] {
  const branches = Map.groupBy(failureTree(process), ({ step }) => step);
  return process.steps.map(({ name, owner, command, checkpoint, compensation, undoneFirst, irreversible, because }) => {
    const does = command
      ? command.type
      : checkpoint
        ? `a person decides by ${checkpoint.name}`
        : 'waits for another process';
    const undone = compensation
      ? `, undone${undoneFirst ? ' first' : ''} by ${compensation.type}`
      : irreversible
        ? ', irreversible'
        : because
          ? `, stands: ${because}`
          : '';
    return { step: name, owner, what: does + undone, branches: branches.get(name) ?? [] };
  });
}
