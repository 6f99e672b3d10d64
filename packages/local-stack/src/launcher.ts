/** The variable by which whoever starts a launcher tells it its own pid. */
const launcherParentVariable = 'THROUGHLINE_PARENT_PID';

/**
 * When the process that started us (npm, a script) has died without a word, we end as if it had sent SIGTERM. Only where
 * THROUGHLINE_PARENT_PID names it: a launcher started by hand may well outlive its shell. Returns how to stop watching.
 */
export function onLauncherGone(env: NodeJS.ProcessEnv): () => void {
  const parent = Number(env[launcherParentVariable]);
  if (!Number.isInteger(parent) || parent <= 0 || process.ppid !== parent) return () => undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}
