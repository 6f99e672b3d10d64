import { Courses, pathTo, type Node } from './courses.js';
import type { Process } from './process.js';
import { inFlight } from './standing.js';
import type { Status } from './state.js';
import { stepOf } from './units.js';

/** What follows when one thing goes wrong at one step, and everything else goes well. */
export interface Branch {
  step: string;
  failure: string;
  /** What happens from the failure on, in order. */
  path: string[];
  end: Status;
}

/** More moves than any sound process needs; a course that takes more has no end. */
const MOVES = 500;

/**
 * One failure at a time, at every step, told as a person would: what is sent because of it, and how the instance ends. Conditions are taken
 * as true, so that every step is reached; `explore` looks at all of them combined.
 */
export function failureTree(process: Process): Branch[] {
  const courses = new Courses(process, 'needed');
  return process.steps.flatMap(({ name }) => {
    const reached = reach(courses, name);
    if (!reached) return [];
    return failuresAt(courses, reached, name).map(({ failure, node }) => {
      const end = goWell(courses, node);
      return { step: name, failure, path: pathTo(end).slice(reached.moves), end: end.state.status };
    });
  });
}

/** The first moment at which the step is under way, when all goes well. */
function reach(courses: Courses, step: string): Node | undefined {
  let node = courses.beginnings()[0]!;
  for (let move = 0; move < MOVES; move += 1) {
    if (inFlight(node.state).some(([id]) => stepOf(courses.process, id).name === step)) return node;
    const next = well(courses, node) ?? triggers(courses, node, step)[0];
    if (!next) return undefined;
    node = next;
  }
  return undefined;
}

function failuresAt(courses: Courses, node: Node, step: string): { failure: string; node: Node }[] {
  const [id, run] = inFlight(node.state).find(([unit]) => stepOf(courses.process, unit).name === step)!;
  const isDecision = node.state.steps[id]!.status === 'deciding';
  const outcomes = courses.answers(node, id);
  const happy = outcomes.find(({ disturbances }) => disturbances === node.disturbances);
  const refused = outcomes.filter(({ disturbances }) => disturbances > node.disturbances);
  const cancelled = courses.interventions(node).filter(({ state }) => state.cause !== undefined && !node.state.cause);
  const amended = courses.interventions(node).filter(({ state }) => state.amendment ?? state.revision);
  const undone = happy ? courses.interventions(happy).find(({ state }) => state.cause !== undefined) : undefined;
  const twice = happy ? courses.surprises(happy, step)[0] : undefined;
  return [
    ...refused.map((next) => ({ failure: isDecision ? 'is rejected' : refusalOf(next, id), node: next })),
    ...(run.dueAt ? [{ failure: 'is late', node: courses.expire(node, id, run.dueAt) }] : []),
    ...(twice ? [{ failure: 'is answered twice', node: twice }] : []),
    ...cancelled.slice(0, 1).map((next) => ({ failure: 'is under way when the instance is cancelled', node: next })),
    ...(undone ? [{ failure: 'is done when the instance is cancelled', node: undone }] : []),
    ...amended.slice(0, 1).map((next) => ({ failure: 'is under way when the instance is amended', node: next })),
  ];
}

const refusalOf = ({ state }: Node, unit: string): string =>
  state.steps[unit]!.status === 'retrying' ? 'is refused, and asked for again' : 'is refused';

/** From here on everything goes well. */
function goWell(courses: Courses, node: Node): Node {
  let last = node;
  for (let move = 0; move < MOVES; move += 1) {
    const next = well(courses, last);
    if (!next) return last;
    last = next;
  }
  return last;
}

/** The next thing that goes well, of what is under way or due to be asked again; nothing where all has ended. */
function well(courses: Courses, node: Node): Node | undefined {
  for (const [id] of inFlight(node.state)) {
    const next = courses.answers(node, id).find(({ disturbances }) => disturbances === node.disturbances);
    if (next) return next;
  }
  const retrying = Object.entries(node.state.steps).find(([, { status }]) => status === 'retrying');
  return retrying && courses.expire(node, `${retrying[0]}, to be asked again,`, retrying[1].execution!.retryAt!, 0);
}

/** Events that begin a run of the step. */
function triggers(courses: Courses, node: Node, step: string): Node[] {
  return courses
    .interventions(node)
    .filter(({ state }) =>
      Object.keys(state.steps).some((id) => !node.state.steps[id] && (id.startsWith(`${step}/`) || !state.cause)),
    );
}
