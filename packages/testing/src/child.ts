import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const HOOKS = new URL('../scripts/typescript-hooks.mjs', import.meta.url);

export interface ChildProgram {
  /** Resolves when the child has printed this line. @throws when it ends before. */
  said(line: string): Promise<void>;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still, and its connections stay open. */
  freeze(): void;
  /** SIGCONT: it goes on as if no time had passed. */
  thaw(): void;
}

/** Runs a program of a spec in a process of its own, from the sources, so that it can be killed at any moment. */
export function startChild(program: URL, env: Record<string, string>): ChildProgram {
  const telemetry = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ? ['--import', '@throughline/telemetry/register'] : [];
  const child = spawn(
    process.execPath,
    [
      '--import',
      HOOKS.href,
      ...telemetry,
      '--conditions=@throughline/source',
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(program),
    ],
    { env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  return {
    said: (line) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (printed.split('\n').includes(line)) resolve();
        };
        child.stdout.on('data', look);
        void gone.then(() => reject(new Error(`The child ended before it said "${line}". It said:\n${printed}`)));
        look();
      }),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
