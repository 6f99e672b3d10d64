import type { CompiledStep, Process } from './process.js';
import type { State, StepStatus, UnitState } from './state.js';

/** Where a step that waits for this one may go on. */
const PASSED: ReadonlySet<StepStatus> = new Set(['done', 'not-needed', 'skipped', 'kept']);

/** The name of a run of a step: the step's own, or `<step>/<key>` of a repeated one, by its line or event. */
export function unitId({ name, repeat }: CompiledStep, carrier: Record<string, unknown>): string {
  return repeat ? `${name}/${String(carrier[repeat.by])}` : name;
}

/** The step that a unit is a run of. */
export function stepOf(process: Process, unit: string): CompiledStep {
  const slash = unit.indexOf('/');
  return process.step(slash < 0 ? unit : unit.slice(0, slash));
}

/** Every run of a step that there is by now. */
export function unitsOf(state: State, { name, repeat }: CompiledStep): [string, UnitState][] {
  if (repeat) return Object.entries(state.steps).filter(([id]) => id.startsWith(`${name}/`));
  const unit = state.steps[name];
  return unit ? [[name, unit]] : [];
}

/** The runs of a step that may begin: all that it waits for is passed. */
export function readyUnits(process: Process, state: State, step: CompiledStep): [string, UnitState][] {
  const units = unitsOf(state, step);
  if (units.every(([, { status }]) => status !== 'waiting')) return [];
  return waitsFor(process, state, step) === undefined ? units : [];
}

/** The first step before this one that is not passed yet. */
export function waitsFor(process: Process, state: State, step: CompiledStep): string | undefined {
  return step.after.find((name) => unitsOf(state, process.step(name)).some(([, { status }]) => !PASSED.has(status)));
}
