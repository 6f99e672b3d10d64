import type { ProcessReport } from './check-rules.js';

/** Marks for a terminal; plain text elsewhere. */
export interface Paint {
  good: (text: string) => string;
  bad: (text: string) => string;
  warning: (text: string) => string;
  name: (text: string) => string;
  dim: (text: string) => string;
}

/** What the tree says in short. */
const LEGEND = [
  'A branch: one thing goes wrong at a step, all else goes well; then the end, and what is commanded on the way there.',
  '  is late                 answered after its time; what is never answered stays overdue, where people see it',
  '  credit-approval?        a person is asked there',
  '  ... for line-1, run-1   an imagined line, or an imagined event that began the step',
  '  refused, compensated    what was done is undone, but for steps that say why they stand',
  '  stopped                 waits until a person decides how to go on',
  '  irreversible            cannot be undone: where it would have to be, a person decides',
];

/** Reports as a tree a person can read: what each failure at each step leads to, and the courses that end wrong; below, how to read it. */
export function renderReports(reports: ProcessReport[], paint: Paint): string {
  const told = reports.map((report) => renderReport(report, paint).join('\n'));
  if (reports.some(({ tree }) => tree.length > 0)) told.push(LEGEND.map((line) => paint.dim(line)).join('\n'));
  return told.join('\n\n');
}

function renderReport(report: ProcessReport, paint: Paint): string[] {
  const { process, version, problems, warnings, stories, exploration, exploredInMs, tree } = report;
  const isSound = problems.length + stories.length === 0;
  const ends = Object.entries(exploration.ends)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ');
  const counted = `${exploration.paths.toLocaleString('en')} courses through ${exploration.states.toLocaleString('en')} states in ${exploredInMs} ms`;
  return [
    `${isSound ? paint.good('✔') : paint.bad('✗')} ${paint.name(`${process} ${version}`)}  ${paint.dim(`${counted}; ends: ${ends}`)}`,
    ...tree.flatMap((step, index) => renderStep(step, index === tree.length - 1, paint)),
    ...problems.map((problem) => `  ${paint.bad('problem')} ${problem}`),
    ...warnings.map((warning) => `  ${paint.warning('warning')} ${warning}`),
    ...stories.flatMap(({ problem, path }) => [
      `  ${paint.bad('problem')} ${problem}`,
      ...path.map((move, index) => `    ${String(index + 1).padStart(2)}. ${move}`),
    ]),
  ];
}

function renderStep(
  { step, owner, what, branches }: ProcessReport['tree'][number],
  isLast: boolean,
  paint: Paint,
): string[] {
  const [corner, rail] = isLast ? ['└─', '  '] : ['├─', '│ '];
  return [
    `${corner} ${paint.name(step)} ${paint.dim(`(${owner})`)} ${what}`,
    ...branches.map(({ failure, path, end }, index) => {
      const branch = index === branches.length - 1 ? '└─' : '├─';
      const sent = path.flatMap((move) => move.split(' -> ')[1] ?? []).join(', ');
      return `${rail} ${branch} ${failure}: ${end}${sent ? paint.dim(`  after ${sent}`) : ''}`;
    }),
  ];
}
