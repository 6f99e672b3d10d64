import { ended, statuses } from '@throughline/process';

/** An instance of any process, as the orchestrator's API shows it. */
interface OpenInstance {
  process: string;
  key: string;
  occurrence: number;
  status: string;
  cause: { type: string } | null;
  waitingFor: { step: string; events: string[] }[];
}

const TIMEOUT_MS = 10_000;
const OPEN = statuses.filter((status) => !ended.includes(status)).join(',');
const UNCOMPLETED = statuses.filter((status) => status !== 'completed').join(',');

/** One sentence per instance that something is still to happen to. */
export function findOpenInstances(orchestratorUrl: string): Promise<string[]> {
  return findInstances(orchestratorUrl, OPEN);
}

/** The same for every instance that is not completed, whether it still goes on or has ended otherwise. */
export function findUncompletedInstances(orchestratorUrl: string): Promise<string[]> {
  return findInstances(orchestratorUrl, UNCOMPLETED);
}

async function findInstances(orchestratorUrl: string, status: string): Promise<string[]> {
  const found: string[] = [];
  for (let before: string | null = ''; before !== null;) {
    const query = new URLSearchParams({ status, limit: '500', ...(before && { before }) });
    const response = await fetch(`${orchestratorUrl}/v1/instances?${query.toString()}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the orchestrator answered ${response.status}: ${await response.text()}`);
    const page = (await response.json()) as { instances: OpenInstance[]; next: string | null };
    found.push(...page.instances.filter((instance) => !neverBegins(instance)).map(describe));
    before = page.next;
  }
  return found;
}

/** An order that was cancelled before it was ready: its delivery is remembered as cancelled, so that a late start begins nothing. */
function neverBegins({ status, cause }: OpenInstance): boolean {
  return status === 'expected' && cause !== null;
}

function describe({ process, key, occurrence, status, waitingFor }: OpenInstance): string {
  const waits = waitingFor.map(({ step, events }) => `at ${step} for ${events.join(' or ') || 'a person'}`);
  return `${process} of ${key}, closing ${occurrence}, is ${status} and waits ${waits.join(', ') || 'for nothing'}`;
}
