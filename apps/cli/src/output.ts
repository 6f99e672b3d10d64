import Table from 'cli-table3';
import pc from 'picocolors';

/** Colours only where a person looks at a terminal; picocolors also honours NO_COLOR and FORCE_COLOR. */
export const colours = pc.createColors(pc.isColorSupported && Boolean(process.stdout.isTTY));

/** A readable table; plain columns without rules, so that it can be read aloud and pasted. */
export function table(head: string[], rows: (string | number)[][]): string {
  const view = new Table({
    head: head.map((cell) => colours.bold(cell)),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
  });
  view.push(...rows.map((row) => row.map(String)));
  return view.toString();
}

/** `1.2 s`, `350 ms`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** An error a person can act on: printed without a stack, with the exit code. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}
