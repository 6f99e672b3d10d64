import { createHash } from 'node:crypto';
import { codeOf } from '@throughline/contracts';
import { describeError } from '@throughline/telemetry';

/** Nobody's defect: Node, third parties, and what stands between a handler and its SQL, which is more where a trace is recorded. */
const BETWEEN = /^node:|\/node_modules\/|^<anonymous>$|^native$|(^|\/)packages\/(postgres|telemetry)\//;
/** Frames that tell one defect from another; deeper ones only say who called. */
const FRAMES_MAX = 4;
const MESSAGE_MAX = 200;
/** The runtime that calls handlers: what lies below it is the same for every defect, and differs by the way a message came. */
const RUNTIME = /(^|\/)packages\/messaging\//;

/**
 * Names a defect: the same for every message that meets it, in every build and instance. Made of the error's code, its message without
 * what differs from case to case, and the handler's own frames without lines and columns.
 *
 * @returns `fp` and twelve hexadecimal digits
 */
export function fingerprintOf(error: unknown): string {
  const { stack } = (error ?? {}) as { stack?: unknown };
  const parts = [
    codeOf(error),
    normaliseMessage(describeError(error)),
    ...framesOf(typeof stack === 'string' ? stack : ''),
  ];
  return `fp${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12)}`;
}

/** Quoted values, addresses, and every word with a digit in it (ids, amounts, dates) give way to a placeholder. */
export function normaliseMessage(message: string): string {
  return message
    .slice(0, MESSAGE_MAX * 4)
    .replace(/"(?:[^"\\]|\\.)*"|'[^'\s]*'|`[^`]*`/g, '?')
    .replace(/\b[a-z]+:\/\/\S+|\S+@\S+/gi, '?')
    .replace(/[\p{L}\p{N}_.:+-]*\p{N}[\p{L}\p{N}_.:+-]*/gu, '#')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MESSAGE_MAX);
}

/** The top frames as `file function`: our own down to the runtime that called the handler, or else whatever there is. */
export function framesOf(stack: string): string[] {
  const all = stack.split('\n').flatMap(toFrame);
  const firstOfRuntime = all.findIndex(({ file }) => RUNTIME.test(file));
  const handler = (firstOfRuntime === -1 ? all : all.slice(0, firstOfRuntime)).filter(({ ours }) => ours);
  const chosen = handler.length > 0 ? handler : all.filter(({ ours }) => ours);
  return (chosen.length > 0 ? chosen : all).slice(0, FRAMES_MAX).map(({ file, name }) => `${file} ${name}`);
}

interface Frame {
  file: string;
  name: string;
  ours: boolean;
}

function toFrame(line: string): Frame[] {
  const found = /^\s*at (?:(.*?) \()?([^()]+?)(?::\d+)*\)?$/.exec(line);
  if (!found) return [];
  const name = (found[1] ?? '<anonymous>').replace(/^(async |new )+/, '').replace(/ \[as .*\]$/, '');
  const path = found[2]!
    .replace(/^file:\/\//, '')
    .replaceAll('\\', '/')
    .replace(/[?#].*$/, '');
  return [{ file: shorten(path), name, ours: !BETWEEN.test(path) }];
}

/** From the workspace on, and alike for a source and what was built of it: where it is installed says nothing. */
function shorten(path: string): string {
  return path
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*?\/((?:packages|apps)\/[^/]+\/)(?:src|dist)\//, '$1')
    .replace(/\.[cm]?[jt]sx?$/, '');
}
