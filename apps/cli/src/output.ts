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

/** Names and values, one a line; what has no value is left out. */
export function fields(rows: [name: string, value: string | null][]): string {
  const given = rows.filter(([, value]) => value);
  const width = Math.max(...given.map(([name]) => name.length)) + 2;
  return given.map(([name, value]) => `${name.padEnd(width)}${value}`).join('\n');
}

/** ISO 8601 without what nobody reads. */
export function time(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** Results. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is told beside the results. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
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
