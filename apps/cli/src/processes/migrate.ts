import type { Action, Mapping, Preview, Version } from '../instances/answers.js';
import { renderMapping, renderPreviews, renderVersions } from '../instances/render.js';
import { finish, needed, ORCHESTRATOR } from '../instances/run.js';
import { colours, CommandError, print } from '../output.js';
import type { ServicesApi } from '../services-api.js';

const PAGE = 200;

/** `processes list`. */
export async function listVersions(api: ServicesApi, { json }: { json: boolean }): Promise<void> {
  const answer = await api.get<{ versions: Version[] }>(ORCHESTRATOR, '/processes');
  print(json ? JSON.stringify(answer) : renderVersions(answer.versions));
}

export interface MigrateChoice {
  process: string;
  from: number;
  to: number;
  rename?: string[];
  includeEnded: boolean;
  dryRun: boolean;
  reason?: string;
  id?: string;
  wait: boolean;
  json: boolean;
}

/** `processes migrate`. @returns the exit code */
export async function migrate(api: ServicesApi, choice: MigrateChoice): Promise<number> {
  const { from, to, includeEnded } = choice;
  const plan = { from, to, includeEnded, renames: toRenames(choice.rename ?? []) };
  const path = `/processes/${encodeURIComponent(choice.process)}/migrations`;
  if (choice.dryRun) return preview(api, `${path}/preview`, plan, choice.json);
  const request = { ...plan, reason: needed(choice.reason), ...(choice.id !== undefined && { id: choice.id }) };
  return finish(api, await api.send<Action>(ORCHESTRATOR, 'POST', path, request), choice);
}

/** Every instance, page by page; as JSON, one line for the mapping and one for each instance. */
async function preview(api: ServicesApi, path: string, plan: object, json: boolean): Promise<number> {
  const counts = { done: 0, refused: 0 };
  let after: string | null = '0';
  for (let isFirst = true; after !== null; isFirst = false) {
    type Page = { mapping: Mapping; instances: Preview[]; next: string | null };
    const page: Page = await api.send<Page>(ORCHESTRATOR, 'POST', path, { ...plan, after, limit: PAGE });
    if (isFirst) print(json ? JSON.stringify({ mapping: page.mapping }) : `${renderMapping(page.mapping)}\n`);
    for (const { outcome } of page.instances) counts[outcome] += 1;
    if (json) for (const instance of page.instances) print(JSON.stringify(instance));
    else if (page.instances.length > 0) print(renderPreviews(page.instances, page.instances.length));
    after = page.next;
  }
  if (json) print(JSON.stringify({ wouldMigrate: counts.done, refused: counts.refused }));
  else print(`\n${counts.done} would go on with it, ${colours.yellow(`${counts.refused} would stay`)}`);
  return 0;
}

function toRenames(written: string[]): Record<string, string> {
  return Object.fromEntries(
    written.map((rename) => {
      const [, was, is] = /^([a-z][a-z0-9-]*)=([a-z][a-z0-9-]*)$/.exec(rename) ?? [];
      if (was === undefined || is === undefined) throw new CommandError(`"${rename}" is no old-name=new-name.`);
      return [was, is];
    }),
  );
}
