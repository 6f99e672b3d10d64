import { readFileSync } from 'node:fs';

/** What V8's profiler writes: a tree of calls, and which of its nodes ran at each sample. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

export interface ProfileRow {
  name: string;
  ms: number;
}

export interface ProfileSummary {
  /** Time in which anything ran, the garbage collector and native code included. */
  busyMs: number;
  idleMs: number;
  /** Self time, to which the Node and native code counts that was called from there: a socket's write is of whoever wrote. */
  packages: ProfileRow[];
  functions: ProfileRow[];
  /** Time in a function of this repository and in everything it calls, as far as the next `await`. */
  own: ProfileRow[];
}

type Node = CpuProfile['nodes'][number] & { parent?: Node; selfMs: number };
interface Place {
  package: string;
  file: string;
}

const IDLE = '(idle)';

/** @param root directory of the repository, without a slash at its end */
export function summarise(profile: CpuProfile, root: string): ProfileSummary {
  const nodes = treeOf(profile);
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  const own = new Map<string, number>();
  let busyMs = 0;
  let idleMs = 0;
  for (const node of nodes) {
    if (node.callFrame.functionName === IDLE) idleMs += node.selfMs;
    // To start and stop the profiler is not work of the service.
    if (node.callFrame.functionName === IDLE || isProfiler(node)) continue;
    busyMs += node.selfMs;
    const stack = ancestry(node).map((at) => ({ at, place: placeOf(at.callFrame.url, root) }));
    const caller = stack.find(({ place }) => place) ?? { at: node, place: undefined };
    add(packages, caller.place?.package ?? labelOf(node), node.selfMs);
    add(functions, caller.place ? nameOf(caller.at, caller.place) : labelOf(node), node.selfMs);
    const ours = stack.flatMap(({ at, place }) => (place && isOwn(place) ? [nameOf(at, place)] : []));
    for (const name of new Set(ours)) add(own, name, node.selfMs);
  }
  return { busyMs, idleMs, packages: rows(packages), functions: rows(functions), own: rows(own) };
}

export function readProfile(file: string): CpuProfile {
  return JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
}

function treeOf(profile: CpuProfile): Node[] {
  const nodes = new Map(profile.nodes.map((node): [number, Node] => [node.id, { ...node, selfMs: 0 }]));
  for (const node of nodes.values()) for (const child of node.children ?? []) nodes.get(child)!.parent = node;
  for (const [index, id] of profile.samples.entries())
    nodes.get(id)!.selfMs += (profile.timeDeltas[index] ?? 0) / 1_000;
  return [...nodes.values()].filter(({ selfMs }) => selfMs > 0);
}

function ancestry(node: Node): Node[] {
  const path: Node[] = [];
  for (let at: Node | undefined = node; at; at = at.parent) path.push(at);
  return path;
}

const isProfiler = (node: Node): boolean => ancestry(node).some(({ callFrame }) => callFrame.url === 'node:inspector');

/** Of a package, ours or installed; `undefined` for Node itself and native code. */
function placeOf(url: string, root: string): Place | undefined {
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url);
  if (installed) return { package: installed[1]!, file: `${installed[1]}/${installed[2]}` };
  const at = url.indexOf(`${root}/`);
  if (at < 0) return undefined;
  const file = url.slice(at + root.length + 1);
  return { package: /^(?:packages|apps)\/[^/]+|^[^/]+/.exec(file)![0], file: file.replace('/dist/', '/') };
}

const isOwn = (place: Place): boolean => /^(packages|apps)\//.test(place.package);

function nameOf({ callFrame }: Node, { file }: Place): string {
  return `${callFrame.functionName || '(anonymous)'} ${file}:${callFrame.lineNumber + 1}`;
}

/** Called by nobody's code: the garbage collector, the event loop, callbacks of Node. */
function labelOf({ callFrame }: Node): string {
  return callFrame.functionName.startsWith('(') ? callFrame.functionName : 'node';
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function rows(sums: Map<string, number>): ProfileRow[] {
  return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}
