import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServicesApi } from '../services-api.js';
import { backtest } from './backtest.js';

const AT = '2026-11-25T10:00:00.000Z';

/** An orchestrator with so many instances, each tenth of which would differ; it keeps what it was asked. */
function orchestratorWith(instances: number) {
  const asked: Record<string, unknown>[] = [];
  const send = (_service: string, _method: string, _path: string, body: object) => {
    const { after = '0', limit } = body as { after?: string; limit: number };
    asked.push(body as Record<string, unknown>);
    const from = Number(after);
    const ids = Array.from({ length: Math.min(limit, instances - from) }, (_, n) => from + n + 1);
    const differing = ids.filter((id) => id % 10 === 0);
    const share = { instances: differing.length, amounts: { EUR: `${differing.length}.0000` } };
    return Promise.resolve({
      at: AT,
      next: from + ids.length < instances ? String(ids.at(-1)) : null,
      isCutShort: from + ids.length < instances,
      summary: {
        instances: ids.length,
        unchanged: ids.length - differing.length,
        differing: share,
        blocked: 0,
        byKind: { approvals: differing.length },
        approvals: {},
        terms: {},
        commands: {},
        sla: { more: 0, fewer: 0 },
      },
      differences: differing.map((id) => ({ id: String(id) })),
    });
  };
  return { asked, api: { send } as unknown as ServicesApi };
}

describe('processes backtest', () => {
  const directory = mkdtempSync(join(tmpdir(), 'throughline-backtest-'));
  const candidate = join(directory, 'policy.yaml');
  writeFileSync(candidate, 'policy: credit-approval');
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(directory, { recursive: true, force: true });
  });

  it('asks in parts, each of which goes on from the one before at the same moment, and adds them up', async () => {
    const { asked, api } = orchestratorWith(5_000);
    const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    await backtest(api, { candidate, since: '2026-10-01', limit: 2_500, json: true });
    const request = { candidate: 'policy: credit-approval', since: '2026-10-01' };
    expect(asked).toMatchObject([
      { ...request, limit: 1_000 },
      { ...request, after: '1000', at: AT, limit: 1_000 },
      { ...request, after: '2000', at: AT, limit: 500 },
    ]);
    const answer = JSON.parse(String(written.mock.calls[0]![0])) as Record<string, unknown[]>;
    expect(answer).toMatchObject({
      isCutShort: true,
      summary: { instances: 2_500, unchanged: 2_250, differing: { instances: 250, amounts: { EUR: '250.0000' } } },
    });
    expect(answer['differences']).toHaveLength(250);
  });
});
